#include <cstdlib>

#include "data/decimal.h"
#include "schema/avro/plan.h"

namespace tradewind::schema::avro {
namespace {

Value number_of(const AvroType& type, const Json& json, const Type& sql) {
  if (sql.kind() == Kind::real) return static_cast<double>(json.integer().value_or(0));
  int64_t number = json.integer().value_or(0);
  const bool micros = type.logical == AvroLogical::timestamp_micros ||
                      type.logical == AvroLogical::local_timestamp_micros ||
                      type.logical == AvroLogical::time_micros;
  if (micros && (sql.kind() == Kind::timestamp || sql.kind() == Kind::time)) {
    number = number / 1000 - (number % 1000 < 0 ? 1 : 0);
  }
  return number;
}

Value real_of(const Json& json) {
  if (const auto number = json.real()) return *number;
  return std::strtod(json.text().c_str(), nullptr);  // "NaN", "Infinity", "-Infinity"
}

Value bytes_of(const AvroType& type, const std::string& bytes, const Type& sql) {
  if (sql.kind() != Kind::decimal) return bytes;
  const auto unscaled = decimal_from_bytes(bytes);
  const auto scaled = unscaled ? rescale(*unscaled, type.scale, sql.scale()) : std::nullopt;
  if (!scaled || !fits_precision(*scaled, sql.precision())) return {};
  return *scaled;
}

Value parts_of(const AvroType& type, const Json& json, const Type& sql) {
  std::vector<Value> parts;
  if (type.kind == AvroKind::array && sql.kind() == Kind::array) {
    for (const Json& element : json.elements())
      parts.push_back(value_of_default(*type.element, element, sql.element()));
    return parts;
  }
  if (type.kind == AvroKind::map && sql.kind() == Kind::map) {
    for (const Json::Member& member : json.members()) {
      parts.emplace_back(member.name);
      parts.push_back(value_of_default(*type.element, member.value, sql.element()));
    }
    return parts;
  }
  if (type.kind != AvroKind::record || sql.kind() != Kind::structure) return {};
  for (const Field& column : sql.fields()) {
    Value value;
    for (const AvroField& field : type.fields) {
      if (upper_case(field.name) != upper_case(column.name)) continue;
      const Json* own = json.find(field.name);
      if (own == nullptr && field.fallback) own = &*field.fallback;
      if (own != nullptr) value = value_of_default(*field.type, *own, column.type);
      break;
    }
    parts.push_back(std::move(value));
  }
  return parts;
}

// A default of a union belongs to its first branch.
Value branch_of(const AvroType& type, const Json& json, const Type& sql) {
  const AvroType& first = *type.branches[0];
  if (first.kind == AvroKind::null) return {};
  if (type.only() != nullptr || sql.kind() != Kind::structure) return value_of_default(first, json, sql);
  std::vector<Value> parts;
  for (const Field& column : sql.fields()) {
    parts.push_back(column.name == branch_field(first) ? value_of_default(first, json, column.type)
                                                       : Value());
  }
  return parts;
}

}  // namespace

Value value_of_default(const AvroType& type, const Json& json, const Type& sql) {
  const bool text = sql.kind() == Kind::string || sql.kind() == Kind::bytes;
  switch (type.kind) {
    case AvroKind::null: return {};
    case AvroKind::boolean:
      if (sql.kind() == Kind::boolean) return int64_t{json.truth()};
      return {};
    case AvroKind::int32:
    case AvroKind::int64:
      if (text || sql.is_nested() || sql.kind() == Kind::boolean || sql.kind() == Kind::decimal) return {};
      return number_of(type, json, sql);
    case AvroKind::float32:
    case AvroKind::float64:
      if (sql.kind() == Kind::real) return real_of(json);
      return {};
    case AvroKind::string:
    case AvroKind::enumeration:
      if (text) return json.text();
      return {};
    case AvroKind::bytes:
    case AvroKind::fixed:
      if (text || sql.kind() == Kind::decimal) return bytes_of(type, *bytes_of_json(json.text()), sql);
      return {};
    case AvroKind::choice: return branch_of(type, json, sql);
    case AvroKind::array:
    case AvroKind::map:
    case AvroKind::record: return parts_of(type, json, sql);
  }
  return {};
}

}  // namespace tradewind::schema::avro
