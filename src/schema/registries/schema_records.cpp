#include "schema/registries/schema_records.h"

#include "base/json.h"
#include "schema/compatibility.h"

namespace tradewind::schema {
namespace {

std::optional<int32_t> small(const Json* json) {
  const auto number = json == nullptr ? std::nullopt : json->integer();
  if (!number || *number < 0 || *number > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*number);
}

std::optional<SchemaRecord> level_record(const Json& key, const std::optional<BytesView>& value) {
  SchemaRecord record{.kind = SchemaRecord::Kind::level, .subject = key.string_at("subject").value_or("")};
  if (!value) return record;
  const auto json = parse_json(*value);
  const auto level = json.ok() ? compatibility_from(json->string_at("compatibilityLevel").value_or(""))
                               : Result<Compatibility>(json.error());
  if (!level.ok()) return std::nullopt;
  record.level = *level;
  return record;
}

}  // namespace

Bytes key_of(const SchemaRecord& record) {
  Bytes out;
  JsonWriter json(out);
  const bool schema = record.kind == SchemaRecord::Kind::schema;
  json.begin_object();
  json.key("keytype");
  json.string(schema ? "SCHEMA" : "CONFIG");
  json.key("subject");
  if (record.subject.empty()) {
    json.null();
  } else {
    json.string(record.subject);
  }
  if (schema) {
    json.key("version");
    json.number(record.schema.version);
  }
  json.key("magic");
  json.number(schema ? 1 : 0);
  json.end_object();
  return out;
}

Bytes value_of(const SchemaRecord& record) {
  Bytes out;
  JsonWriter json(out);
  json.begin_object();
  if (record.kind == SchemaRecord::Kind::level) {
    json.key("compatibilityLevel");
    json.string(name_of(record.level.value_or(Compatibility::backward)));
  } else {
    json.key("subject");
    json.string(record.subject);
    json.key("version");
    json.number(record.schema.version);
    json.key("id");
    json.number(record.schema.id);
    json.key("schema");
    json.string(record.schema.text);
    json.key("deleted");
    json.boolean(record.deleted);
  }
  json.end_object();
  return out;
}

std::optional<SchemaRecord> schema_record(const std::optional<BytesView>& key,
                                          const std::optional<BytesView>& value) {
  if (!key) return std::nullopt;
  const auto name = parse_json(*key);
  if (!name.ok()) return std::nullopt;
  const std::string kind = name->string_at("keytype").value_or("");
  if (kind == "CONFIG") return level_record(*name, value);
  const auto subject = name->string_at("subject");
  const auto version = small(name->find("version"));
  if (kind != "SCHEMA" || !subject || !version) return std::nullopt;
  SchemaRecord record{.subject = *subject};
  record.schema.subject = *subject;
  record.schema.version = *version;
  record.deleted = !value;
  if (!value) return record;
  const auto json = parse_json(*value);
  if (!json.ok()) return std::nullopt;
  const auto id = small(json->find("id"));
  const auto text = json->string_at("schema");
  if (!id || !text) return std::nullopt;
  record.schema.id = *id;
  record.schema.text = *text;
  const std::string type = json->string_at("schemaType").value_or("AVRO");
  if (type != "AVRO") record.schema.kind = type == "JSON" ? SchemaKind::json : SchemaKind::protobuf;
  const Json* deleted = json->find("deleted");
  record.deleted = deleted != nullptr && deleted->is(Json::Kind::boolean) && deleted->truth();
  return record;
}

}  // namespace tradewind::schema
