#include "runner/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "data/decimal.h"

namespace tradewind::runner {
namespace {

constexpr double kNear = 1e-6;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::optional<double> number_of(const Json& json) {
  if (!json.is(Json::Kind::number) && !json.is(Json::Kind::string)) return std::nullopt;
  const std::string& text = json.text();
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value;
}

bool is_scalar_text(const Json& json) {
  return json.is(Json::Kind::number) || json.is(Json::Kind::string);
}

// Finds the first place where two values part.
class Comparison {
 public:
  bool same(const Type* type, const Json& wanted, const Json& got, const std::string& path) {
    if (type == nullptr) return same_untyped(wanted, got, path);
    if (wanted.is_null() || got.is_null())
      return wanted.is_null() == got.is_null() || differ(path, wanted, got);
    switch (type->kind()) {
      case Kind::structure: return same_fields(type->fields(), wanted, got, path);
      case Kind::array: return same_elements(&type->element(), wanted, got, path);
      case Kind::map: return same_members(&type->element(), wanted, got, path);
      case Kind::real: return same_real(wanted, got) || differ(path, wanted, got);
      case Kind::decimal: return same_decimal(wanted, got) || differ(path, wanted, got);
      case Kind::boolean: return wanted == got || differ(path, wanted, got);
      case Kind::integer:
      case Kind::bigint:
      case Kind::time:
      case Kind::date:
      case Kind::timestamp:
      case Kind::string:
      case Kind::bytes: break;
    }
    const bool alike = is_scalar_text(wanted) && is_scalar_text(got) && wanted.text() == got.text();
    return alike || differ(path, wanted, got);
  }

  // A record of columns: as many fields, each by its name.
  bool same_fields(const std::vector<Field>& fields, const Json& wanted, const Json& got,
                   const std::string& path) {
    if (!wanted.is(Json::Kind::object) || !got.is(Json::Kind::object)) return same_untyped(wanted, got, path);
    for (const Json::Member& member : wanted.members()) {
      const Json* found = got.find(member.name);
      if (found == nullptr) found = got.find(upper(member.name));
      if (found == nullptr) return miss(path + "." + member.name, member.value);
      const std::string name = upper(member.name);
      const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) {
        return f.name == member.name || upper(f.name) == name;
      });
      const Type* type = field == fields.end() ? nullptr : &field->type;
      if (!same(type, member.value, *found, path + "." + member.name)) return false;
    }
    return wanted.members().size() == got.members().size() || extra(path, wanted, got);
  }

  Difference found;

 private:
  bool differ(const std::string& path, const Json& wanted, const Json& got) {
    found.field = path;
    found.wanted = wanted.dump();
    found.got = got.dump();
    return false;
  }
  bool miss(const std::string& path, const Json& wanted) {
    found.field = path;
    found.wanted = wanted.dump();
    found.got = "no such field";
    return false;
  }
  // A field that nobody wanted, not even as null.
  bool extra(const std::string& path, const Json& wanted, const Json& got) {
    for (const Json::Member& member : got.members()) {
      const auto known = std::any_of(
          wanted.members().begin(), wanted.members().end(),
          [&](const Json::Member& m) { return m.name == member.name || upper(m.name) == member.name; });
      if (known) continue;
      found.field = path + "." + member.name;
      found.wanted = "no such field";
      found.got = member.value.dump();
      return false;
    }
    return differ(path, wanted, got);
  }

  static bool same_real(const Json& wanted, const Json& got) {
    const auto a = number_of(wanted);
    const auto b = number_of(got);
    if (!a || !b) return false;
    return *a == *b || (std::isnan(*a) && std::isnan(*b)) || std::abs(*a - *b) <= kNear;
  }

  static bool same_decimal(const Json& wanted, const Json& got) {
    if (!is_scalar_text(wanted) || !is_scalar_text(got)) return false;
    if (wanted.text() == got.text()) return true;
    const auto a = parse_decimal(wanted.text());
    const auto b = parse_decimal(got.text());
    return a && b && a->unscaled == b->unscaled && a->scale == b->scale;
  }

  bool same_elements(const Type* type, const Json& wanted, const Json& got, const std::string& path) {
    if (!wanted.is(Json::Kind::array) || !got.is(Json::Kind::array) ||
        wanted.elements().size() != got.elements().size())
      return differ(path, wanted, got);
    for (size_t i = 0; i < wanted.elements().size(); ++i) {
      if (!same(type, wanted.elements()[i], got.elements()[i], path + "[" + std::to_string(i + 1) + "]"))
        return false;
    }
    return true;
  }

  bool same_members(const Type* type, const Json& wanted, const Json& got, const std::string& path) {
    if (!wanted.is(Json::Kind::object) || !got.is(Json::Kind::object)) return differ(path, wanted, got);
    for (const Json::Member& member : wanted.members()) {
      const Json* found_member = got.find(member.name);
      if (found_member == nullptr) return miss(path + "['" + member.name + "']", member.value);
      if (!same(type, member.value, *found_member, path + "['" + member.name + "']")) return false;
    }
    return wanted.members().size() == got.members().size() || extra(path, wanted, got);
  }

  bool same_untyped(const Json& wanted, const Json& got, const std::string& path) {
    if (wanted.is(Json::Kind::object) && got.is(Json::Kind::object))
      return same_members(nullptr, wanted, got, path);
    if (wanted.is(Json::Kind::array) && got.is(Json::Kind::array))
      return same_elements(nullptr, wanted, got, path);
    if (wanted.is(Json::Kind::number) && got.is(Json::Kind::number))
      return same_real(wanted, got) || differ(path, wanted, got);
    if (is_scalar_text(wanted) && is_scalar_text(got))
      return wanted.text() == got.text() || differ(path, wanted, got);
    return wanted == got || differ(path, wanted, got);
  }
};

// A key or a value: one column as it stands, or an object of them.
bool same_part(Comparison& comparison, const std::vector<Field>& columns, const std::string& name,
               const Json& wanted, const Json& got) {
  if (columns.empty()) return comparison.same(nullptr, wanted, got, name);
  if (got.is(Json::Kind::object) && wanted.is(Json::Kind::object)) {
    const bool lone_nested = columns.size() == 1 && columns[0].type.is_nested() &&
                             got.find(columns[0].name) == nullptr &&
                             got.find(upper(columns[0].name)) == nullptr;
    if (!lone_nested) return comparison.same_fields(columns, wanted, got, name);
  }
  return comparison.same(columns.size() == 1 ? &columns[0].type : nullptr, wanted, got, name);
}

std::string window_text(const std::optional<TestWindow>& window) {
  if (!window) return "none";
  return std::string(window->session ? "session " : "time ") + std::to_string(window->start_ms) + " to " +
         std::to_string(window->end_ms);
}

std::string headers_text(const std::vector<TestHeader>& headers) {
  std::string text;
  for (const auto& [key, value] : headers)
    text += (text.empty() ? "" : ", ") + key + "=" + (value ? to_base64(*value) : "null");
  return text.empty() ? "none" : text;
}

std::vector<Field> columns_of(const sql::Source* source, bool key) {
  std::vector<Field> columns;
  if (source == nullptr) return columns;
  const schema::Format format = key ? source->key_format : source->value_format;
  if (format == schema::Format::delimited) return columns;  // its line is text
  for (const sql::SourceColumn& column : source->columns) {
    if (column.key == key) columns.push_back({column.name, column.type});
  }
  return columns;
}

Difference other(const char* field, std::string wanted, std::string got) {
  return {.field = field, .wanted = std::move(wanted), .got = std::move(got)};
}

std::optional<Difference> compare_record(const std::vector<Field>& keys, const std::vector<Field>& values,
                                         const TestRecord& wanted, const TestRecord& got,
                                         const CompareRules& rules) {
  Comparison comparison;
  if (wanted.window && wanted.window != got.window)
    return other("window", window_text(wanted.window), window_text(got.window));
  if (!same_part(comparison, keys, "key", wanted.key, got.key)) return comparison.found;
  if (!same_part(comparison, values, "value", wanted.value, got.value)) return comparison.found;
  const bool any_time = !wanted.time_ms || (*wanted.time_ms == 0 && rules.any_zero_time);
  if (!any_time && wanted.time_ms != got.time_ms)
    return other("timestamp", std::to_string(*wanted.time_ms), std::to_string(got.time_ms.value_or(0)));
  if (!wanted.window && got.window) return other("window", "none", window_text(got.window));
  if (wanted.headers != got.headers)
    return other("headers", headers_text(wanted.headers), headers_text(got.headers));
  return std::nullopt;
}

std::string list_of(const std::vector<TestRecord>& records) {
  constexpr size_t kMost = 50;
  std::string text = std::to_string(records.size()) + " records";
  for (size_t i = 0; i < std::min(records.size(), kMost); ++i) text += "\n    " + text_of(records[i]);
  return text;
}

}  // namespace

std::string Difference::text() const {
  if (record == 0) return "topic " + topic + "\n  wanted: " + wanted + "\n  got: " + got;
  return "topic " + topic + ", record " + std::to_string(record) + ", " + field + "\n  wanted: " + wanted +
         "\n  got: " + got;
}

std::string text_of(const TestRecord& record) {
  Json json = Json::object();
  json.set("key", record.key);
  json.set("value", record.value);
  if (record.time_ms) json.set("timestamp", Json::number(*record.time_ms));
  if (record.window) {
    Json window = Json::object();
    window.set("start", Json::number(record.window->start_ms));
    window.set("end", Json::number(record.window->end_ms));
    window.set("type", Json::string(record.window->session ? "session" : "time"));
    json.set("window", std::move(window));
  }
  if (!record.headers.empty()) json.set("headers", Json::string(headers_text(record.headers)));
  return json.dump() + (record.unreadable.empty() ? "" : "  unreadable: " + record.unreadable);
}

std::optional<Difference> compare_topic(const std::string& topic, const sql::Source* source,
                                        const std::vector<TestRecord>& wanted,
                                        const std::vector<TestRecord>& got, const CompareRules& rules) {
  const std::vector<Field> keys = columns_of(source, true);
  const std::vector<Field> values = columns_of(source, false);
  for (size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
    auto difference = compare_record(keys, values, wanted[i], got[i], rules);
    if (!difference) continue;
    difference->topic = topic;
    difference->record = i + 1;
    if (wanted.size() != got.size()) {
      difference->got += "\n  of " + list_of(got) + "\n  wanted " + list_of(wanted);
    }
    return difference;
  }
  if (wanted.size() == got.size()) return std::nullopt;
  return Difference{.topic = topic, .wanted = list_of(wanted), .got = list_of(got)};
}

}  // namespace tradewind::runner
