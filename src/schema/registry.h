#pragma once
// Registry: subject -> versions -> ids, in Confluent Schema Registry's words. An id once given never means
// another schema.
//
// Threads: shared freely; answers for an id or version are cached for ever.
// Errors: not_found, conflict (incompatible, with the reasons), invalid (not a schema, with the place),
// unavailable.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tradewind::schema {

using SchemaId = int32_t;

enum class SchemaKind { avro, json, protobuf };

enum class Compatibility {
  none,
  backward,
  backward_transitive,
  forward,
  forward_transitive,
  full,
  full_transitive
};

// A schema that another's text names types of.
struct SchemaReference {
  std::string name;
  std::string subject;
  int32_t version = 0;
  bool operator==(const SchemaReference&) const = default;
};

struct RegisteredSchema {
  SchemaId id = 0;
  std::string subject;
  int32_t version = 0;
  SchemaKind kind = SchemaKind::avro;
  std::string text;
  std::vector<SchemaReference> references;
  // The texts of all schemas it refers to, also by others, in the order in which they are to be parsed.
  std::vector<std::string> needed;
};

class Registry {
 public:
  virtual ~Registry() = default;
  // The same text (normalised) under the same subject answers the version that is there.
  virtual Result<RegisteredSchema> register_schema(const std::string& subject, SchemaKind kind,
                                                   const std::string& text) = 0;
  virtual Result<RegisteredSchema> by_id(SchemaId id) = 0;
  virtual Result<RegisteredSchema> latest(const std::string& subject) = 0;
  virtual Result<RegisteredSchema> version(const std::string& subject, int32_t version) = 0;
  virtual Result<std::vector<std::string>> subjects() = 0;
  virtual Result<std::vector<int32_t>> versions(const std::string& subject) = 0;
  virtual Result<> set_compatibility(const std::string& subject,
                                     Compatibility compatibility) = 0;  // "": global
};

}  // namespace tradewind::schema
