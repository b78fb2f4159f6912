#include "schema/registries/schema_records.h"

#include "base/json.h"
#include "schema/compatibility.h"
#include "schema/draft.h"

namespace tradewind::schema {
namespace {

std::optional<int32_t> small(const Json* json) {
  const auto number = json == nullptr ? std::nullopt : json->integer();
  if (!number || *number < 0 || *number >= INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*number);
}

const char* keytype_of(SchemaRecord::Kind kind) {
  switch (kind) {
    case SchemaRecord::Kind::schema: return "SCHEMA";
    case SchemaRecord::Kind::level: return "CONFIG";
    case SchemaRecord::Kind::mode: return "MODE";
    case SchemaRecord::Kind::next_id: return "NOOP";
  }
  return "NOOP";
}

void write_schema(const SchemaRecord& record, JsonWriter& json) {
  json.key("subject");
  json.string(record.subject);
  json.key("version");
  json.number(record.schema.version);
  json.key("id");
  json.number(record.schema.id);
  if (record.schema.kind != SchemaKind::avro) {
    json.key("schemaType");
    json.string(name_of(record.schema.kind));
  }
  if (!record.schema.references.empty()) {
    json.key("references");
    json.begin_array();
    for (const SchemaReference& reference : record.schema.references) {
      json.begin_object();
      json.key("name");
      json.string(reference.name);
      json.key("subject");
      json.string(reference.subject);
      json.key("version");
      json.number(reference.version);
      json.end_object();
    }
    json.end_array();
  }
  json.key("schema");
  json.string(record.schema.text);
  json.key("deleted");
  json.boolean(record.deleted);
}

std::optional<SchemaRecord> level_record(SchemaRecord record, const Json& value) {
  const auto level = compatibility_from(value.string_at("compatibilityLevel").value_or(""));
  if (!level.ok()) return std::nullopt;
  record.level = *level;
  return record;
}

std::optional<SchemaRecord> mode_record(SchemaRecord record, const Json& value) {
  record.mode = mode_from(value.string_at("mode").value_or(""));
  if (!record.mode) return std::nullopt;
  return record;
}

std::optional<SchemaRecord> next_id_record(SchemaRecord record, const Json& value) {
  const auto next = small(value.find("nextId"));
  if (!next) return std::nullopt;
  record.next_id = *next;
  return record;
}

bool read_references(const Json* list, std::vector<SchemaReference>& references) {
  if (list == nullptr || list->is_null()) return true;
  if (!list->is(Json::Kind::array)) return false;
  for (const Json& entry : list->elements()) {
    const auto version = small(entry.find("version"));
    const auto subject = entry.string_at("subject");
    if (!version || !subject) return false;
    references.push_back({entry.string_at("name").value_or(""), *subject, *version});
  }
  return true;
}

std::optional<SchemaRecord> version_record(SchemaRecord record, const Json& value) {
  const auto id = small(value.find("id"));
  const auto text = value.string_at("schema");
  const auto kind = schema_kind_from(value.string_at("schemaType").value_or("AVRO"));
  if (!id || !text || !kind) return std::nullopt;
  if (!read_references(value.find("references"), record.schema.references)) return std::nullopt;
  record.schema.id = *id;
  record.schema.text = *text;
  record.schema.kind = *kind;
  const Json* deleted = value.find("deleted");
  record.deleted = deleted != nullptr && deleted->is(Json::Kind::boolean) && deleted->truth();
  return record;
}

// What the key alone says.
std::optional<SchemaRecord> named_record(const Json& key) {
  const std::string type = key.string_at("keytype").value_or("");
  SchemaRecord record{.subject = key.string_at("subject").value_or("")};
  for (const auto kind : {SchemaRecord::Kind::level, SchemaRecord::Kind::mode, SchemaRecord::Kind::next_id}) {
    record.kind = kind;
    if (type == keytype_of(kind)) return record;
  }
  const auto version = small(key.find("version"));
  if (type != keytype_of(SchemaRecord::Kind::schema) || !version || record.subject.empty())
    return std::nullopt;
  record.kind = SchemaRecord::Kind::schema;
  record.schema.subject = record.subject;
  record.schema.version = *version;
  return record;
}

}  // namespace

Bytes key_of(const SchemaRecord& record) {
  Bytes out;
  JsonWriter json(out);
  const bool schema = record.kind == SchemaRecord::Kind::schema;
  json.begin_object();
  json.key("keytype");
  json.string(keytype_of(record.kind));
  if (record.kind != SchemaRecord::Kind::next_id) {
    json.key("subject");
    if (record.subject.empty()) {
      json.null();
    } else {
      json.string(record.subject);
    }
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

std::optional<Bytes> value_of(const SchemaRecord& record) {
  Bytes out;
  JsonWriter json(out);
  json.begin_object();
  switch (record.kind) {
    case SchemaRecord::Kind::schema:
      if (record.schema.id == 0) return std::nullopt;
      write_schema(record, json);
      break;
    case SchemaRecord::Kind::level:
      if (!record.level) return std::nullopt;
      json.key("compatibilityLevel");
      json.string(name_of(*record.level));
      break;
    case SchemaRecord::Kind::mode:
      if (!record.mode) return std::nullopt;
      json.key("mode");
      json.string(name_of(*record.mode));
      break;
    case SchemaRecord::Kind::next_id:
      json.key("nextId");
      json.number(record.next_id);
      break;
  }
  json.end_object();
  return out;
}

std::optional<SchemaRecord> schema_record(const std::optional<BytesView>& key,
                                          const std::optional<BytesView>& value) {
  const auto name = key ? parse_json(*key) : Result<Json>(Error{});
  if (!name.ok()) return std::nullopt;
  auto record = named_record(*name);
  if (!record) return std::nullopt;
  if (!value) {
    record->deleted = record->kind == SchemaRecord::Kind::schema;
    return record;
  }
  const auto json = parse_json(*value);
  if (!json.ok()) return std::nullopt;
  switch (record->kind) {
    case SchemaRecord::Kind::schema: return version_record(std::move(*record), *json);
    case SchemaRecord::Kind::level: return level_record(std::move(*record), *json);
    case SchemaRecord::Kind::mode: return mode_record(std::move(*record), *json);
    case SchemaRecord::Kind::next_id: return next_id_record(std::move(*record), *json);
  }
  return std::nullopt;
}

}  // namespace tradewind::schema
