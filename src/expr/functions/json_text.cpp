#include "expr/functions/json_text.h"

#include <charconv>
#include <cmath>

namespace tradewind::expr {
namespace {

void write(JsonWriter& out, const Type& type, const Value& value);

void write_nested(JsonWriter& out, const Type& type, const std::vector<Value>& parts) {
  if (type.kind() == Kind::array) {
    out.begin_array();
    for (const Value& part : parts) write(out, type.element(), part);
    out.end_array();
    return;
  }
  out.begin_object();
  const bool map = type.kind() == Kind::map;
  for (size_t i = 0; i < parts.size(); i += map ? 2 : 1) {
    out.key(map ? value_text(type.key(), parts[i]) : type.fields()[i].name);
    write(out, map ? type.element() : type.fields()[i].type, parts[map ? i + 1 : i]);
  }
  out.end_object();
}

void write(JsonWriter& out, const Type& type, const Value& value) {
  if (value.is_null()) {
    out.null();
  } else if (type.is_nested()) {
    write_nested(out, type, value.parts());
  } else if (type.kind() == Kind::boolean) {
    out.boolean(value.number() != 0);
  } else if (type.is_number() && (type.kind() != Kind::real || std::isfinite(value.real()))) {
    out.raw(value_text(type, value));
  } else {
    out.string(value_text(type, value));
  }
}

// Takes "name" or "'name'" or a number from the front of a path.
bool take_step(std::string_view& path, std::string& name, bool& index) {
  if (path.starts_with('.')) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find_first_of(".["), path.size());
    name = path.substr(0, end);
    path.remove_prefix(end);
    index = false;
    return !name.empty();
  }
  if (!path.starts_with('[')) return false;
  const size_t end = path.find(']');
  if (end == std::string_view::npos) return false;
  std::string_view inside = path.substr(1, end - 1);
  path.remove_prefix(end + 1);
  index = !inside.starts_with('\'') && !inside.starts_with('"');
  if (!index && (inside.size() < 2 || inside.back() != inside.front())) return false;
  name = index ? inside : inside.substr(1, inside.size() - 2);
  return !name.empty();
}

}  // namespace

std::string json_text(const Type& type, const Value& value) {
  std::string text;
  JsonWriter out(text);
  write(out, type, value);
  return text;
}

Result<const Json*> at_path(const Json& document, std::string_view path) {
  const Error no_path{Code::invalid,
                      "'" + std::string(path) + "' is no path; write it like '$.items[0].sku'"};
  if (!path.starts_with('$')) return no_path;
  path.remove_prefix(1);
  const Json* at = &document;
  while (!path.empty()) {
    std::string name;
    bool index = false;
    if (!take_step(path, name, index)) return no_path;
    if (at == nullptr) continue;
    if (!index) {
      at = at->find(name);
      continue;
    }
    size_t n = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), n).ptr != name.data() + name.size())
      return no_path;
    at = at->is(Json::Kind::array) && n < at->elements().size() ? &at->elements()[n] : nullptr;
  }
  return at;
}

Value text_value(const Json& json) {
  if (json.is_null()) return Value();
  return Value(json.is(Json::Kind::string) ? json.text() : json.dump());
}

}  // namespace tradewind::expr
