#pragma once
// The records of the topic `_schemas`, as Confluent's registry documents them.
//
// Keys {"keytype":"SCHEMA","subject":s,"version":v,"magic":1} with values
// {"subject","version","id",["schemaType","references",]"schema","deleted"}, or none when the version is gone
// for good; keys {"keytype":"CONFIG","subject":s or null,"magic":0} with values {"compatibilityLevel"}; keys
// {"keytype":"MODE",...} with values {"mode"}. Ours alone: {"keytype":"NOOP","magic":0} with {"nextId"}, so
// that an id is not given twice when all that had it is gone. Others are passed over.

#include <optional>

#include "base/bytes.h"
#include "schema/mode.h"
#include "schema/registry.h"

namespace tradewind::schema {

struct SchemaRecord {
  enum class Kind { schema, level, mode, next_id };
  Kind kind = Kind::schema;
  std::string subject;      // level, mode: "" is the global one
  RegisteredSchema schema;  // id 0: the version is gone altogether
  bool deleted = false;
  std::optional<Compatibility> level;  // nothing: no longer set
  std::optional<Mode> mode;            // nothing: no longer set
  SchemaId next_id = 0;
};

Bytes key_of(const SchemaRecord& record);
std::optional<Bytes> value_of(const SchemaRecord& record);
// Nothing for records of other kinds, and for what cannot be understood.
std::optional<SchemaRecord> schema_record(const std::optional<BytesView>& key,
                                          const std::optional<BytesView>& value);

}  // namespace tradewind::schema
