#include "schema/avro.h"

#include <algorithm>
#include <map>
#include <set>

namespace tradewind::schema {
namespace {

constexpr JsonLimits kLimits{.bytes = size_t{1} << 20, .depth = 256};
constexpr size_t kMostDepth = 64;
constexpr size_t kMostSymbols = 65'536;

struct Primitive {
  const char* name;
  AvroKind kind;
};
constexpr Primitive kPrimitives[] = {
    {"null", AvroKind::null},   {"boolean", AvroKind::boolean}, {"int", AvroKind::int32},
    {"long", AvroKind::int64},  {"float", AvroKind::float32},   {"double", AvroKind::float64},
    {"bytes", AvroKind::bytes}, {"string", AvroKind::string},
};

Error wrong(const std::string& place, const std::string& what) {
  return Error{Code::invalid, (place.empty() ? std::string("Avro schema") : place) + ": " + what};
}

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_full_name(std::string_view name) {
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    if (!is_name(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
  }
  return is_name(name);
}

}  // namespace

class AvroParser {
 public:
  explicit AvroParser(AvroSchema& schema) : schema_(schema) {}

  Result<const AvroType*> take(const Json& json, const std::string& space, const std::string& place,
                               size_t depth) {
    if (depth > kMostDepth) return wrong(place, "nested deeper than " + std::to_string(kMostDepth));
    switch (json.kind()) {
      case Json::Kind::string: return named(json.text(), space, place);
      case Json::Kind::array: return choice(json, space, place, depth);
      case Json::Kind::object: return complex(json, space, place, depth);
      default: return wrong(place, "a type is a name, a list or an object, not " + json.dump());
    }
  }

 private:
  AvroType* add(AvroKind kind) {
    schema_.types_.push_back(std::make_unique<AvroType>());
    schema_.types_.back()->kind = kind;
    return schema_.types_.back().get();
  }

  Result<const AvroType*> named(const std::string& name, const std::string& space, const std::string& place) {
    for (const Primitive& primitive : kPrimitives) {
      if (name == primitive.name) return static_cast<const AvroType*>(add(primitive.kind));
    }
    const auto known = names_.find(full(name, space));
    if (known != names_.end()) return static_cast<const AvroType*>(known->second);
    return wrong(place, "no type is named '" + name + "'");
  }

  Result<const AvroType*> choice(const Json& json, const std::string& space, const std::string& place,
                                 size_t depth) {
    AvroType* type = add(AvroKind::choice);
    if (json.elements().empty()) return wrong(place, "a union without branches");
    std::set<std::string> seen;
    for (const Json& branch : json.elements()) {
      const AvroType* taken = TRY(take(branch, space, place, depth + 1));
      if (taken->kind == AvroKind::choice) return wrong(place, "a union directly in a union");
      const std::string key = taken->name.empty() ? name_of(taken->kind) : taken->name;
      if (!seen.insert(key).second) return wrong(place, "two branches of the union are " + key);
      type->branches.push_back(taken);
    }
    return static_cast<const AvroType*>(type);
  }

  Result<const AvroType*> complex(const Json& json, const std::string& space, const std::string& place,
                                  size_t depth) {
    const Json* kind = json.find("type");
    if (kind == nullptr) return wrong(place, "an object without \"type\"");
    if (!kind->is(Json::Kind::string)) return take(*kind, space, place, depth + 1);
    const std::string& name = kind->text();
    if (name == "record" || name == "error") return record(json, space, place, depth);
    if (name == "enum") return enumeration(json, space, place);
    if (name == "fixed") return fixed(json, space, place);
    if (name == "array" || name == "map") {
      const Json* element = json.find(name == "array" ? "items" : "values");
      if (element == nullptr)
        return wrong(place, name + (name == "array" ? " without \"items\"" : " without \"values\""));
      AvroType* type = add(name == "array" ? AvroKind::array : AvroKind::map);
      type->element = TRY(take(*element, space, place + (name == "array" ? "[]" : "{}"), depth + 1));
      return static_cast<const AvroType*>(type);
    }
    for (const Primitive& primitive : kPrimitives) {
      if (name != primitive.name) continue;
      AvroType* type = add(primitive.kind);
      annotate(json, *type);
      return static_cast<const AvroType*>(type);
    }
    return named(name, space, place);
  }

  // Registers a named type; gives its namespace for the names inside it.
  Result<std::string> define(const Json& json, const std::string& space, const std::string& place,
                             AvroType* type) {
    const auto name = json.string_at("name");
    if (!name) return wrong(place, std::string(name_of(type->kind)) + " without \"name\"");
    const auto own_space = json.string_at("namespace");
    type->name = name->find('.') != std::string::npos ? *name : full(*name, own_space.value_or(space));
    if (!is_full_name(type->name)) return wrong(place, "'" + type->name + "' is not a name");
    for (const Primitive& primitive : kPrimitives) {
      if (type->name == primitive.name)
        return wrong(place, "'" + type->name + "' is the name of a primitive type");
    }
    if (!names_.emplace(type->name, type).second)
      return wrong(place, "'" + type->name + "' is defined twice");
    const size_t dot = type->name.rfind('.');
    const std::string inner = dot == std::string::npos ? "" : type->name.substr(0, dot);
    for (const std::string& alias : TRY(aliases(json, place))) type->aliases.push_back(full(alias, inner));
    return inner;
  }

  static Result<std::vector<std::string>> aliases(const Json& json, const std::string& place) {
    std::vector<std::string> names;
    const Json* list = json.find("aliases");
    if (list == nullptr) return names;
    if (!list->is(Json::Kind::array)) return wrong(place, "\"aliases\" is not a list");
    for (const Json& alias : list->elements()) {
      if (!alias.is(Json::Kind::string)) return wrong(place, "an alias is not text: " + alias.dump());
      names.push_back(alias.text());
    }
    return names;
  }

  Result<const AvroType*> record(const Json& json, const std::string& space, const std::string& place,
                                 size_t depth) {
    AvroType* type = add(AvroKind::record);
    const std::string inner = TRY(define(json, space, place, type));
    const std::string here = place.empty() ? std::string(short_name(type->name)) : place;
    const Json* fields = json.find("fields");
    if (fields == nullptr || !fields->is(Json::Kind::array))
      return wrong(here, "a record without a list of \"fields\"");
    std::set<std::string> seen;
    for (const Json& entry : fields->elements()) {
      const auto name = entry.string_at("name");
      if (!name || !is_name(*name))
        return wrong(here, "a field without a proper \"name\": " + entry.dump().substr(0, 80));
      const std::string at = here + "." + *name;
      if (!seen.insert(*name).second) return wrong(at, "defined twice");
      const Json* kind = entry.find("type");
      if (kind == nullptr) return wrong(at, "a field without \"type\"");
      AvroField field;
      field.name = *name;
      field.aliases = TRY(aliases(entry, at));
      field.type = TRY(take(*kind, inner, at, depth + 1));
      if (const Json* fallback = entry.find("default")) field.fallback = *fallback;
      type->fields.push_back(std::move(field));
    }
    return static_cast<const AvroType*>(type);
  }

  Result<const AvroType*> enumeration(const Json& json, const std::string& space, const std::string& place) {
    AvroType* type = add(AvroKind::enumeration);
    TRY(define(json, space, place, type));
    const Json* symbols = json.find("symbols");
    if (symbols == nullptr || !symbols->is(Json::Kind::array))
      return wrong(place, "an enum without a list of \"symbols\"");
    if (symbols->elements().size() > kMostSymbols) return wrong(place, "an enum with too many symbols");
    std::set<std::string> seen;
    for (const Json& symbol : symbols->elements()) {
      if (!symbol.is(Json::Kind::string) || !is_name(symbol.text())) {
        return wrong(place, symbol.dump() + " is not a symbol");
      }
      if (!seen.insert(symbol.text()).second) return wrong(place, "symbol " + symbol.text() + " twice");
      type->symbols.push_back(symbol.text());
    }
    if (json.find("default") != nullptr) {
      type->symbol_default = json.string_at("default");
      if (!type->symbol_default || seen.count(*type->symbol_default) == 0) {
        return wrong(place, "the enum's default is not one of its symbols");
      }
    }
    return static_cast<const AvroType*>(type);
  }

  Result<const AvroType*> fixed(const Json& json, const std::string& space, const std::string& place) {
    AvroType* type = add(AvroKind::fixed);
    TRY(define(json, space, place, type));
    const Json* size = json.find("size");
    const auto bytes = size == nullptr ? std::nullopt : size->integer();
    if (!bytes || *bytes < 0 || *bytes > (int64_t{1} << 24))
      return wrong(place, "a fixed without a proper \"size\"");
    type->size = static_cast<size_t>(*bytes);
    annotate(json, *type);
    return static_cast<const AvroType*>(type);
  }

  static void annotate(const Json& json, AvroType& type) {
    using enum AvroLogical;
    const std::string name = json.string_at("logicalType").value_or("");
    const auto is = [&](const char* wanted, AvroKind kind) { return name == wanted && type.kind == kind; };
    if (name == "decimal" && (type.kind == AvroKind::bytes || type.kind == AvroKind::fixed))
      annotate_decimal(json, type);
    if (is("uuid", AvroKind::string) || (is("uuid", AvroKind::fixed) && type.size == 16)) type.logical = uuid;
    if (is("date", AvroKind::int32)) type.logical = date;
    if (is("time-millis", AvroKind::int32)) type.logical = time_millis;
    if (is("time-micros", AvroKind::int64)) type.logical = time_micros;
    if (is("timestamp-millis", AvroKind::int64)) type.logical = timestamp_millis;
    if (is("timestamp-micros", AvroKind::int64)) type.logical = timestamp_micros;
    if (is("local-timestamp-millis", AvroKind::int64)) type.logical = local_timestamp_millis;
    if (is("local-timestamp-micros", AvroKind::int64)) type.logical = local_timestamp_micros;
    if (is("duration", AvroKind::fixed) && type.size == 12) type.logical = duration;
  }

  static void annotate_decimal(const Json& json, AvroType& type) {
    const Json* precision = json.find("precision");
    const Json* scale = json.find("scale");
    const int64_t digits = precision == nullptr ? 0 : precision->integer().value_or(0);
    const int64_t after = scale == nullptr ? 0 : scale->integer().value_or(-1);
    if (digits < 1 || digits > 1'000'000 || after < 0 || after > digits) return;
    type.logical = AvroLogical::decimal;
    type.precision = static_cast<int>(digits);
    type.scale = static_cast<int>(after);
  }

  static std::string full(const std::string& name, const std::string& space) {
    return space.empty() || name.find('.') != std::string::npos ? name : space + "." + name;
  }

  AvroSchema& schema_;
  std::map<std::string, AvroType*> names_;
};

std::optional<size_t> AvroType::null_branch() const {
  for (size_t i = 0; i < branches.size(); ++i) {
    if (branches[i]->kind == AvroKind::null) return i;
  }
  return std::nullopt;
}

const AvroType* AvroType::only() const {
  if (kind != AvroKind::choice) return this;
  if (branches.size() == 1) return branches[0];
  if (branches.size() != 2 || !null_branch()) return nullptr;
  return branches[1 - *null_branch()];
}

Result<Json> avro_json(std::string_view text) {
  auto json = parse_json(text, kLimits);
  // Confluent's registry also takes a bare primitive name without quotes.
  if (!json.ok() && is_name(text)) json = Json::string(std::string(text));
  if (!json.ok()) return json.error().within("Avro schema");
  return json;
}

Result<AvroSchemaPtr> AvroSchema::parse(std::string_view text, std::span<const std::string> needed) {
  auto schema = std::make_shared<AvroSchema>();
  AvroParser parser(*schema);
  for (const std::string& other : needed) {
    const Json json = TRY(avro_json(other));
    TRY(parser.take(json, "", "", 1));
  }
  const Json json = TRY(avro_json(text));
  schema->root_ = TRY(parser.take(json, "", "", 1));
  return AvroSchemaPtr(std::move(schema));
}

const char* name_of(AvroKind kind) {
  switch (kind) {
    case AvroKind::record: return "record";
    case AvroKind::enumeration: return "enum";
    case AvroKind::array: return "array";
    case AvroKind::map: return "map";
    case AvroKind::choice: return "union";
    case AvroKind::fixed: return "fixed";
    default: break;
  }
  for (const Primitive& primitive : kPrimitives) {
    if (primitive.kind == kind) return primitive.name;
  }
  return "unknown";
}

std::string_view short_name(std::string_view full_name) {
  const size_t dot = full_name.rfind('.');
  return dot == std::string_view::npos ? full_name : full_name.substr(dot + 1);
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

std::string branch_field(const AvroType& branch) {
  return upper_case(branch.name.empty() ? std::string_view(name_of(branch.kind)) : short_name(branch.name));
}

}  // namespace tradewind::schema
