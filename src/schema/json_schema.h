#pragma once
// JSON schema: columns as a JSON schema in Kafka Connect's manner, and the columns that such a schema gives.
//
// Pure.

#include <string>
#include <vector>

#include "schema/serde.h"

namespace tradewind::schema {

// The schema of what is encoded: every value may be null.
std::string json_schema_of(const SerdeSpec& spec);
// unsupported: a schema that says more than types, with the place.
Result<std::vector<Field>> columns_of_json_schema(const std::string& text);

}  // namespace tradewind::schema
