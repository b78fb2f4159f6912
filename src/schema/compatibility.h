#pragma once
// Compatibility: whether data written with one Avro schema can be read with another, and Confluent's seven
// levels of it.
//
// Pure functions.

#include <string>
#include <vector>

#include "schema/avro.h"
#include "schema/registry.h"

namespace tradewind::schema {

// Why what `writer` wrote cannot be read with `reader`, each with its path ("Order.items[].price: ...");
// empty: it can.
std::vector<std::string> read_problems(const AvroSchema& reader, const AvroSchema& writer);

struct EarlierVersion {
  int32_t version = 0;
  AvroSchemaPtr schema;
};

// Why `next` may not follow `before` (a subject's versions, oldest first) at this level; empty: it may.
std::vector<std::string> compatibility_problems(Compatibility level, const AvroSchema& next,
                                                const std::vector<EarlierVersion>& before);
// The versions that count at this level: all, the last, or none.
std::vector<int32_t> compared_versions(Compatibility level, const std::vector<int32_t>& versions);

const char* name_of(Compatibility level);  // "BACKWARD_TRANSITIVE"
Result<Compatibility> compatibility_from(const std::string& name);

}  // namespace tradewind::schema
