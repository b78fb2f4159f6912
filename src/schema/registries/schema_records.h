#pragma once
// The records of the topic `_schemas`, as Confluent's registry documents them.
//
// Keys {"keytype":"SCHEMA","subject":s,"version":v,"magic":1} with values
// {"subject","version","id","schema","deleted"}; keys {"keytype":"CONFIG","subject":s or null,"magic":0} with
// values {"compatibilityLevel"}. Others are passed over.

#include <optional>

#include "base/bytes.h"
#include "schema/registry.h"

namespace tradewind::schema {

struct SchemaRecord {
  enum class Kind { schema, level };
  Kind kind = Kind::schema;
  std::string subject;      // level: "" is the global one
  RegisteredSchema schema;  // id 0: the version is gone altogether
  bool deleted = false;
  std::optional<Compatibility> level;  // nothing: no longer set
};

Bytes key_of(const SchemaRecord& record);
Bytes value_of(const SchemaRecord& record);
// Nothing for records of other kinds, and for what cannot be understood.
std::optional<SchemaRecord> schema_record(const std::optional<BytesView>& key,
                                          const std::optional<BytesView>& value);

}  // namespace tradewind::schema
