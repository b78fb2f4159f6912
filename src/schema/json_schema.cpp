#include "schema/json_schema.h"

#include <algorithm>

#include "base/json.h"
#include "schema/avro.h"

namespace tradewind::schema {
namespace {

constexpr const char* kDecimalTitle = "org.apache.kafka.connect.data.Decimal";
constexpr const char* kDateTitle = "org.apache.kafka.connect.data.Date";
constexpr const char* kTimeTitle = "org.apache.kafka.connect.data.Time";
constexpr const char* kTimestampTitle = "org.apache.kafka.connect.data.Timestamp";

Json schema_of(const Type& type);

Json nullable(Json schema, size_t index) {
  Json null = Json::object();
  null.set("type", Json::string("null"));
  Json made = Json::object();
  made.set("connect.index", Json::number(static_cast<int64_t>(index)));
  made.set("oneOf", Json::array({std::move(null), std::move(schema)}));
  return made;
}

Json object_of(const std::vector<Field>& fields) {
  Json properties = Json::object();
  for (size_t i = 0; i < fields.size(); ++i)
    properties.set(fields[i].name, nullable(schema_of(fields[i].type), i));
  Json made = Json::object();
  made.set("type", Json::string("object"));
  made.set("properties", std::move(properties));
  return made;
}

Json plain(const char* type, const char* connect_type, const char* title = nullptr) {
  Json made = Json::object();
  made.set("type", Json::string(type));
  if (connect_type != nullptr) made.set("connect.type", Json::string(connect_type));
  if (title != nullptr) made.set("title", Json::string(title));
  return made;
}

Json schema_of(const Type& type) {
  switch (type.kind()) {
    case Kind::boolean: return plain("boolean", nullptr);
    case Kind::integer: return plain("integer", "int32");
    case Kind::bigint: return plain("integer", "int64");
    case Kind::real: return plain("number", "float64");
    case Kind::string: return plain("string", nullptr);
    case Kind::bytes: return plain("string", "bytes");
    case Kind::date: return plain("integer", "int32", kDateTitle);
    case Kind::time: return plain("integer", "int32", kTimeTitle);
    case Kind::timestamp: return plain("integer", "int64", kTimestampTitle);
    case Kind::decimal: {
      Json made = plain("number", "bytes", kDecimalTitle);
      Json parameters = Json::object();
      parameters.set("scale", Json::string(std::to_string(type.scale())));
      parameters.set("connect.decimal.precision", Json::string(std::to_string(type.precision())));
      made.set("connect.parameters", std::move(parameters));
      return made;
    }
    case Kind::array: {
      Json made = plain("array", nullptr);
      made.set("items", nullable(schema_of(type.element()), 0));
      return made;
    }
    case Kind::map: {
      Json made = plain("object", "map");
      made.set("additionalProperties", nullable(schema_of(type.element()), 0));
      return made;
    }
    case Kind::structure: break;
  }
  return object_of(type.fields());
}

Error unclear(const std::string& place, const std::string& what) {
  return {Code::unsupported, "JSON schema" + (place.empty() ? "" : ", " + place) + ": " + what};
}

// The schema below "oneOf": [null, ...], or the schema itself.
const Json& without_null(const Json& schema) {
  const Json* choices = schema.find("oneOf");
  if (choices == nullptr || !choices->is(Json::Kind::array)) return schema;
  for (const Json& choice : choices->elements()) {
    if (choice.string_at("type") != "null") return choice;
  }
  return schema;
}

Result<Type> type_of(const Json& given, const std::string& place);

int64_t index_of(const Json& schema) {
  const Json* index = schema.find("connect.index");
  return index == nullptr ? INT64_MAX : index->integer().value_or(INT64_MAX);
}

Result<std::vector<Field>> fields_of(const Json& schema, const std::string& place) {
  const Json* properties = schema.find("properties");
  if (properties == nullptr || !properties->is(Json::Kind::object))
    return unclear(place, "an object without properties has no columns");
  std::vector<Json::Member> members = properties->members();
  std::stable_sort(members.begin(), members.end(), [](const Json::Member& a, const Json::Member& b) {
    return index_of(a.value) < index_of(b.value);
  });
  std::vector<Field> fields;
  for (const Json::Member& member : members) {
    Type type = TRY(type_of(member.value, place.empty() ? member.name : place + "." + member.name));
    fields.push_back({upper_case(member.name), std::move(type)});
  }
  return fields;
}

Result<Type> decimal_of(const Json& schema, const std::string& place) {
  constexpr int kUsual = 64;  // the precision where none is told
  const Json* parameters = schema.find("connect.parameters");
  const auto number = [&](const char* name, int otherwise) {
    const auto text = parameters == nullptr ? std::nullopt : parameters->string_at(name);
    return text ? std::atoi(text->c_str()) : otherwise;
  };
  const int scale = number("scale", 0);
  const int precision = number("connect.decimal.precision", kUsual);
  if (precision < 1 || scale < 0 || scale > precision) return unclear(place, "no such DECIMAL");
  return Type::decimal(precision, scale);
}

Result<Type> type_of(const Json& given, const std::string& place) {
  const Json& schema = without_null(given);
  const std::string type = schema.string_at("type").value_or("");
  const std::string connect = schema.string_at("connect.type").value_or("");
  const std::string title = schema.string_at("title").value_or("");
  if (title == kDecimalTitle) return decimal_of(schema, place);
  if (title == kDateTitle) return Type(Kind::date);
  if (title == kTimeTitle) return Type(Kind::time);
  if (title == kTimestampTitle) return Type(Kind::timestamp);
  if (type == "boolean") return Type(Kind::boolean);
  if (type == "integer") return Type(connect.empty() || connect == "int64" ? Kind::bigint : Kind::integer);
  if (type == "number") return Type(Kind::real);
  if (type == "string") return Type(connect == "bytes" ? Kind::bytes : Kind::string);
  if (type == "array") {
    const Json* items = schema.find("items");
    if (items == nullptr) return unclear(place, "an array needs \"items\"");
    return Type::array(TRY(type_of(*items, place + "[]")));
  }
  if (type == "object" && connect == "map") {
    const Json* values = schema.find("additionalProperties");
    if (values == nullptr) return unclear(place, "a map needs \"additionalProperties\"");
    return Type::map(Kind::string, TRY(type_of(*values, place + "{}")));
  }
  if (type == "object") return Type::structure(TRY(fields_of(schema, place)));
  return unclear(place, "\"" + type + "\" is no type of a column");
}

}  // namespace

std::string json_schema_of(const SerdeSpec& spec) {
  if (spec.wrapped()) return object_of(spec.columns).dump();
  return schema_of(spec.columns[0].type).dump();
}

Result<std::vector<Field>> columns_of_json_schema(const std::string& text) {
  const Json schema = TRY(parse_json(text));
  if (schema.string_at("type") == "object" && schema.string_at("connect.type") != "map")
    return fields_of(schema, "");
  return std::vector<Field>{{"ROWVAL", TRY(type_of(schema, ""))}};
}

}  // namespace tradewind::schema
