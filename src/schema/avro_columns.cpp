// The relation of Avro types to SQL columns, both ways, and the check of defaults.

#include <algorithm>

#include "base/check.h"
#include "schema/avro.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

constexpr size_t kMostFields = 10'000;

// Walks down a type and remembers the way, so that a record inside itself is seen.
class Columns {
 public:
  explicit Columns(Naming naming = Naming::upper) : naming_(naming) {}

  Result<Type> type_of(const AvroType& type, const std::string& place) {
    switch (type.kind) {
      case AvroKind::null: return refuse(place, "a field that is always null has no SQL type");
      case AvroKind::boolean: return Type(Kind::boolean);
      case AvroKind::int32:
        if (type.logical == AvroLogical::date) return Type(Kind::date);
        return Type(type.logical == AvroLogical::time_millis ? Kind::time : Kind::integer);
      case AvroKind::int64:
        if (type.logical == AvroLogical::time_micros) return Type(Kind::time);
        return Type(type.logical == AvroLogical::none ? Kind::bigint : Kind::timestamp);
      case AvroKind::float32:
      case AvroKind::float64: return Type(Kind::real);
      case AvroKind::string:
      case AvroKind::enumeration: return Type(Kind::string);
      case AvroKind::bytes:
      case AvroKind::fixed:
        if (type.logical != AvroLogical::decimal) return Type(Kind::bytes);
        if (type.precision > 38) return refuse(place, "a decimal of more than 38 digits");
        return Type::decimal(type.precision, type.scale);
      case AvroKind::array: return Type::array(TRY(type_of(*type.element, place + "[]")));
      case AvroKind::map: return Type::map(Kind::string, TRY(type_of(*type.element, place + "{}")));
      case AvroKind::choice: return choice(type, place);
      case AvroKind::record: break;
    }
    return Type::structure(TRY(fields_of(type, place)));
  }

  Result<std::vector<Field>> fields_of(const AvroType& record, const std::string& place) {
    if (std::find(open_.begin(), open_.end(), &record) != open_.end()) {
      return refuse(place, "record " + record.name + " contains itself; recursive types cannot be columns");
    }
    if (record.fields.empty()) return refuse(place, "a record without fields has no SQL type");
    open_.push_back(&record);
    std::vector<Field> fields;
    for (const AvroField& field : record.fields) {
      const std::string at = place.empty() ? field.name : place + "." + field.name;
      const std::string name = naming_ == Naming::upper ? upper_case(field.name) : field.name;
      for (const Field& other : fields) {
        if (other.name == name) return refuse(at, "two fields would be the column " + name);
      }
      if (++count_ > kMostFields)
        return refuse(at, "more than " + std::to_string(kMostFields) + " fields in all");
      Type known = TRY(type_of(*field.type, at));
      fields.push_back({name, std::move(known)});
    }
    open_.pop_back();
    return fields;
  }

 private:
  // Several branches become a STRUCT with one field each, of which at most one is set.
  Result<Type> choice(const AvroType& type, const std::string& place) {
    if (const AvroType* only = type.only()) return type_of(*only, place);
    std::vector<Field> fields;
    for (const AvroType* branch : type.branches) {
      if (branch->kind == AvroKind::null) continue;
      const std::string name = branch_field(*branch);
      for (const Field& other : fields) {
        if (other.name == name) return refuse(place, "two branches of the union would be the field " + name);
      }
      Type known = TRY(type_of(*branch, place));
      fields.push_back({name, std::move(known)});
    }
    return Type::structure(std::move(fields));
  }

  static Error refuse(const std::string& place, const std::string& what) {
    return {Code::invalid, (place.empty() ? "Avro schema" : "field " + place) + ": " + what};
  }

  const Naming naming_;
  std::vector<const AvroType*> open_;
  size_t count_ = 0;
};

// Writes the Avro type of SQL types; records inside get numbered names, for a name may be defined once only.
class Writer {
 public:
  // `record_name`: of the outermost record, with its namespace; empty: the usual one.
  Writer(std::string& out, const std::string& record_name) : json_(out) {
    if (record_name.empty()) return;
    const size_t dot = record_name.rfind('.');
    name_ = dot == std::string::npos ? record_name : record_name.substr(dot + 1);
    namespace_ = dot == std::string::npos ? "" : record_name.substr(0, dot);
  }

  void record(const std::vector<Field>& columns) { record(name_, columns, true); }
  void bare(const Type& type) { bare(type, name_); }

 private:
  void record(const std::string& name, const std::vector<Field>& fields, bool outermost) {
    json_.begin_object();
    pair("type", "record");
    pair("name", name);
    if (outermost && !namespace_.empty()) pair("namespace", namespace_);
    json_.key("fields");
    json_.begin_array();
    for (const Field& field : fields) {
      json_.begin_object();
      pair("name", field.name);
      json_.key("type");
      nullable(field.type, name + "_" + field.name);
      json_.key("default");
      json_.null();
      json_.end_object();
    }
    json_.end_array();
    json_.end_object();
  }

  void bare(const Type& type, const std::string& name) {
    switch (type.kind()) {
      case Kind::boolean: return json_.string("boolean");
      case Kind::integer: return json_.string("int");
      case Kind::bigint: return json_.string("long");
      case Kind::real: return json_.string("double");
      case Kind::string: return json_.string("string");
      case Kind::bytes: return json_.string("bytes");
      case Kind::date: return logical("int", "date");
      case Kind::time: return logical("int", "time-millis");
      case Kind::timestamp: return logical("long", "timestamp-millis");
      case Kind::structure: return record(name, type.fields(), false);
      case Kind::decimal:
      case Kind::array:
      case Kind::map: break;
    }
    json_.begin_object();
    if (type.kind() == Kind::decimal) {
      pair("type", "bytes");
      pair("logicalType", "decimal");
      json_.key("precision");
      json_.number(type.precision());
      json_.key("scale");
      json_.number(type.scale());
    } else {
      pair("type", type.kind() == Kind::array ? "array" : "map");
      json_.key(type.kind() == Kind::array ? "items" : "values");
      nullable(type.element(), name);
    }
    json_.end_object();
  }

  void nullable(const Type& type, const std::string& name) {
    json_.begin_array();
    json_.string("null");
    bare(type, name);
    json_.end_array();
  }
  void logical(const char* base, const char* name) {
    json_.begin_object();
    pair("type", base);
    pair("logicalType", name);
    json_.end_object();
  }
  void pair(const char* key, const std::string& value) {
    json_.key(key);
    json_.string(value);
  }

  std::string name_ = "KsqlDataSourceSchema";
  std::string namespace_ = "io.confluent.ksql.avro_schemas";
  JsonWriter json_;
};

bool in_range(const Json& value, int64_t low, int64_t high) {
  const auto number = value.integer();
  return number && *number >= low && *number <= high;
}

Result<> check_parts(const AvroType& type, const Json& value, const std::string& place) {
  if (type.kind == AvroKind::array) {
    for (const Json& element : value.elements()) TRY(check_default(*type.element, element, place + "[]"));
    return {};
  }
  if (type.kind == AvroKind::map) {
    for (const Json::Member& member : value.members())
      TRY(check_default(*type.element, member.value, place + "{}"));
    return {};
  }
  for (const AvroField& field : type.fields) {
    const std::string at = place + "." + field.name;
    const Json* part = value.find(field.name);
    if (part == nullptr && !field.fallback)
      return Error{Code::invalid, at + ": the default lacks this field"};
    if (part != nullptr) TRY(check_default(*field.type, *part, at));
  }
  return {};
}

}  // namespace

std::optional<std::string> bytes_of_json(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      bytes += text[i];
      continue;
    }
    if ((byte != 0xc2 && byte != 0xc3) || i + 1 >= text.size()) return std::nullopt;
    bytes += static_cast<char>((byte & 3) << 6 | (static_cast<uint8_t>(text[++i]) & 0x3f));
  }
  return bytes;
}

Result<> check_default(const AvroType& type, const Json& value, const std::string& place) {
  bool good = false;
  switch (type.kind) {
    case AvroKind::null: good = value.is_null(); break;
    case AvroKind::boolean: good = value.is(Json::Kind::boolean); break;
    case AvroKind::int32: good = in_range(value, INT32_MIN, INT32_MAX); break;
    case AvroKind::int64: good = in_range(value, INT64_MIN, INT64_MAX); break;
    case AvroKind::float32:
    case AvroKind::float64:
      good = value.is(Json::Kind::number) ||
             (value.is(Json::Kind::string) &&
              (value.text() == "NaN" || value.text() == "Infinity" || value.text() == "-Infinity"));
      break;
    case AvroKind::string: good = value.is(Json::Kind::string); break;
    case AvroKind::bytes: good = value.is(Json::Kind::string) && bytes_of_json(value.text()); break;
    case AvroKind::fixed: {
      const auto bytes = value.is(Json::Kind::string) ? bytes_of_json(value.text()) : std::nullopt;
      good = bytes && bytes->size() == type.size;
      break;
    }
    case AvroKind::enumeration:
      good = value.is(Json::Kind::string) &&
             std::find(type.symbols.begin(), type.symbols.end(), value.text()) != type.symbols.end();
      break;
    case AvroKind::choice: return check_default(*type.branches[0], value, place);
    case AvroKind::array: good = value.is(Json::Kind::array); break;
    case AvroKind::map:
    case AvroKind::record: good = value.is(Json::Kind::object); break;
  }
  if (!good) {
    return Error{Code::invalid,
                 place + ": the default " + value.dump().substr(0, 80) + " is no " + name_of(type.kind)};
  }
  const bool nested =
      type.kind == AvroKind::array || type.kind == AvroKind::map || type.kind == AvroKind::record;
  return nested ? check_parts(type, value, place) : Result<>();
}

namespace {

Result<> check_fields(const AvroType& type, const std::string& place, std::vector<const AvroType*>& seen) {
  for (const AvroType* branch : type.branches) TRY(check_fields(*branch, place, seen));
  if (type.element != nullptr) TRY(check_fields(*type.element, place, seen));
  if (type.kind != AvroKind::record || std::find(seen.begin(), seen.end(), &type) != seen.end()) return {};
  seen.push_back(&type);
  for (const AvroField& field : type.fields) {
    const std::string at = place + "." + field.name;
    if (field.fallback) TRY(check_default(*field.type, *field.fallback, at));
    TRY(check_fields(*field.type, at, seen));
  }
  return {};
}

}  // namespace

Result<> check_defaults(const AvroSchema& schema) {
  std::vector<const AvroType*> seen;
  return check_fields(schema.root(), std::string(short_name(schema.root().name)), seen);
}

Result<Type> sql_type_of(const AvroType& type, const std::string& place) {
  return Columns().type_of(type, place);
}

Result<std::vector<Field>> columns_of(const AvroSchema& schema, const std::string& lone, Naming naming) {
  const AvroType* root = schema.root().only();
  if (root != nullptr && root->kind == AvroKind::record) return Columns(naming).fields_of(*root, "");
  Type known = TRY(Columns(naming).type_of(schema.root(), ""));
  return std::vector<Field>{{lone, std::move(known)}};
}

Result<std::vector<Field>> columns_of(const AvroSchema& schema, const std::string& lone) {
  return columns_of(schema, lone, Naming::upper);
}

std::string avro_text_of(const std::vector<Field>& columns, const std::string& record_name) {
  std::string text;
  Writer(text, record_name).record(columns);
  return text;
}

std::string avro_text_of(const Type& type, const std::string& record_name) {
  std::string text;
  Writer(text, record_name).bare(type);
  return text;
}

}  // namespace tradewind::schema
