#include "schema/registries/schema_texts.h"

#include <algorithm>

#include "schema/avro.h"

namespace tradewind::schema {
namespace {

Result<Json> json_of(SchemaKind kind, const std::string& text) {
  if (kind == SchemaKind::protobuf) return Error{Code::unsupported, "no JSON"};
  return avro_json(text);
}

Json ordered(const Json& json) {
  if (json.is(Json::Kind::array)) {
    Json list = Json::array();
    for (const Json& element : json.elements()) list.push(ordered(element));
    return list;
  }
  if (!json.is(Json::Kind::object)) return json;
  std::vector<Json::Member> members;
  for (const Json::Member& member : json.members()) members.push_back({member.name, ordered(member.value)});
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  return Json::object(std::move(members));
}

bool is_primitive(const std::string& name) {
  for (const AvroKind kind : {AvroKind::null, AvroKind::boolean, AvroKind::int32, AvroKind::int64,
                              AvroKind::float32, AvroKind::float64, AvroKind::bytes, AvroKind::string}) {
    if (name == name_of(kind)) return true;
  }
  return false;
}

std::string full_name(const std::string& name, const std::string& space) {
  if (space.empty() || name.find('.') != std::string::npos) return name;
  return space + "." + name;
}

Json normal(const Json& json, const std::string& space);

Json normal_field(const Json& field, const std::string& space) {
  Json made = Json::object();
  for (const Json::Member& member : field.members()) {
    made.set(member.name, member.name == "type" ? normal(member.value, space) : member.value);
  }
  return made;
}

Json normal_fields(const Json& fields, const std::string& space) {
  Json made = Json::array();
  for (const Json& field : fields.elements()) made.push(normal_field(field, space));
  return made;
}

// REQUIRES an object that is a type.
Json normal_object(const Json& json, const std::string& space) {
  const Json* type = json.find("type");
  if (type->is(Json::Kind::object) || type->is(Json::Kind::array)) return normal(*type, space);
  const std::string& kind = type->text();
  const bool composed = kind == "record" || kind == "error" || kind == "enum" || kind == "fixed" ||
                        kind == "array" || kind == "map";
  if (json.members().size() == 1 || (!composed && !is_primitive(kind))) return normal(*type, space);
  std::string inner = space;
  Json made = Json::object();
  const std::string name = json.string_at("name").value_or("");
  if (composed && !name.empty()) {
    const std::string full = full_name(name, json.string_at("namespace").value_or(space));
    inner = full.substr(0, full.size() - short_name(full).size());
    if (!inner.empty()) inner.pop_back();
    made.set("name", Json::string(full));
  }
  for (const Json::Member& member : json.members()) {
    const bool named = composed && !name.empty() && (member.name == "name" || member.name == "namespace");
    if (named) continue;
    if (member.name == "fields") {
      made.set("fields", normal_fields(member.value, inner));
    } else if (member.name == "items" || member.name == "values") {
      made.set(member.name, normal(member.value, inner));
    } else {
      made.set(member.name, member.value);
    }
  }
  return made;
}

// REQUIRES a type of a schema that was parsed, so every member is what it must be.
Json normal(const Json& json, const std::string& space) {
  if (json.is(Json::Kind::string)) {
    return is_primitive(json.text()) ? json : Json::string(full_name(json.text(), space));
  }
  if (json.is(Json::Kind::object)) return normal_object(json, space);
  Json branches = Json::array();
  for (const Json& branch : json.elements()) branches.push(normal(branch, space));
  return branches;
}

}  // namespace

std::string kept_text(SchemaKind kind, const std::string& text) {
  const auto json = json_of(kind, text);
  return json.ok() ? json->dump() : text;
}

std::string ordered_text(SchemaKind kind, const std::string& text) {
  const auto json = json_of(kind, text);
  return json.ok() ? ordered(*json).dump() : text;
}

std::string normal_text(SchemaKind kind, const std::string& text) {
  const auto json = json_of(kind, text);
  if (!json.ok()) return text;
  return ordered(kind == SchemaKind::avro ? normal(*json, "") : *json).dump();
}

}  // namespace tradewind::schema
