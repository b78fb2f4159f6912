// Text that is JSON: fields, lists, tests.
#include <algorithm>

#include "expr/functions/json_text.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

Result<Value> extract(Values a, Types) {
  const Json document = TRY(parse_json(a[0].text()));
  const Json* found = TRY(at_path(document, a[1].text()));
  return found == nullptr ? Value() : text_value(*found);
}

Result<Value> is_json(Values a, Types) {
  return truth(!a[0].is_null() && parse_json(a[0].text()).ok());
}

bool equals(const Json& json, const Type& type, const Value& value) {
  if (value.is_null()) return json.is_null();
  if (type.kind() == Kind::string) return json.is(Json::Kind::string) && json.text() == value.text();
  if (type.kind() == Kind::boolean)
    return json.is(Json::Kind::boolean) && json.truth() == (value.number() != 0);
  if (!json.is(Json::Kind::number)) return false;
  if (type.kind() == Kind::real) return json.real() == value.real();
  if (type.kind() == Kind::decimal) return json.text() == value_text(type, value);
  return json.integer() == value.number();
}

Result<Value> array_contains(Values a, Types types) {
  if (a[0].is_null()) return truth(false);
  const auto document = parse_json(a[0].text());
  if (!document.ok() || !document->is(Json::Kind::array)) return truth(false);
  const auto& elements = document->elements();
  return truth(std::any_of(elements.begin(), elements.end(),
                           [&](const Json& element) { return equals(element, types[1], a[1]); }));
}

Result<Type> bind_contains(Arguments& a) {
  if (a.size() != 2 || !is_text(a[0]) || a[1]->type.is_nested())
    return does_not_take("JSON_ARRAY_CONTAINS", a);
  return Type(Kind::boolean);
}

Result<Value> array_length(Values a, Types) {
  const Json document = TRY(parse_json(a[0].text()));
  if (!document.is(Json::Kind::array)) return Value();
  return Value(static_cast<int64_t>(document.elements().size()));
}

Result<Value> items(Values a, Types) {
  const Json document = TRY(parse_json(a[0].text()));
  if (!document.is(Json::Kind::array)) return Value();
  std::vector<Value> parts;
  for (const Json& element : document.elements()) parts.emplace_back(element.dump());
  return Value(std::move(parts));
}

Result<Value> keys(Values a, Types) {
  const Json document = TRY(parse_json(a[0].text()));
  if (!document.is(Json::Kind::object)) return Value();
  std::vector<Value> parts;
  for (const Json::Member& member : document.members()) parts.emplace_back(member.name);
  return Value(std::move(parts));
}

Result<Value> records(Values a, Types) {
  const Json document = TRY(parse_json(a[0].text()));
  if (!document.is(Json::Kind::object)) return Value();
  std::vector<Value> parts;
  for (const Json::Member& member : document.members()) {
    parts.emplace_back(member.name);
    parts.emplace_back(member.value.dump());
  }
  return Value(std::move(parts));
}

// Objects are united, the later member counts; anything else becomes one array.
Json together(const Json& a, const Json& b) {
  if (a.is(Json::Kind::object) && b.is(Json::Kind::object)) {
    std::vector<Json::Member> members = a.members();
    for (const Json::Member& member : b.members()) {
      const auto known = std::find_if(members.begin(), members.end(),
                                      [&](const Json::Member& m) { return m.name == member.name; });
      if (known == members.end())
        members.push_back(member);
      else
        known->value = member.value;
    }
    return Json::object(std::move(members));
  }
  std::vector<Json> elements;
  for (const Json* one : {&a, &b}) {
    if (one->is(Json::Kind::array))
      elements.insert(elements.end(), one->elements().begin(), one->elements().end());
    else
      elements.push_back(*one);
  }
  return Json::array(std::move(elements));
}

Result<Value> concat(Values a, Types) {
  Json all = TRY(parse_json(a[0].text()));
  for (size_t i = 1; i < a.size(); ++i) {
    const Json next = TRY(parse_json(a[i].text()));
    all = together(all, next);
  }
  return Value(all.dump());
}

Result<Type> bind_concat(Arguments& a) {
  if (a.empty() || !std::all_of(a.begin(), a.end(), is_text)) return does_not_take("JSON_CONCAT", a);
  return Type(Kind::string);
}

Result<Value> to_json(Values a, Types types) {
  return Value(json_text(types[0], a[0]));
}

Result<Type> bind_to_json(Arguments& a) {
  if (a.size() != 1) return does_not_take("TO_JSON_STRING", a);
  return Type(Kind::string);
}

const Function kRows[] = {
    {"EXTRACTJSONFIELD", "EXTRACTJSONFIELD(text, path)",
     "What a path names in a text that is JSON, as text; null when it is not there.",
     "EXTRACTJSONFIELD('{\"items\": [{\"sku\": \"p-1\"}]}', '$.items[0].sku')",
     [](Arguments& a) {
       return take("EXTRACTJSONFIELD", a, {Kind::string, Kind::string}, Kind::string);
     },
     nullptr, extract},
    {"IS_JSON_STRING", "IS_JSON_STRING(text) -> BOOLEAN", "True when the text is JSON.",
     "IS_JSON_STRING('{\"a\": 1}')",
     [](Arguments& a) { return take("IS_JSON_STRING", a, {Kind::string}, Kind::boolean); }, nullptr, is_json,
     false, true},
    {"JSON_ARRAY_CONTAINS", "JSON_ARRAY_CONTAINS(text, x) -> BOOLEAN",
     "True when x is an element of the array.", "JSON_ARRAY_CONTAINS('[1, 2]', 2)", bind_contains, nullptr,
     array_contains, false, true},
    {"JSON_ARRAY_LENGTH", "JSON_ARRAY_LENGTH(text) -> INTEGER", "How many elements; null for other JSON.",
     "JSON_ARRAY_LENGTH('[1, 2]')",
     [](Arguments& a) { return take("JSON_ARRAY_LENGTH", a, {Kind::string}, Kind::integer); }, nullptr,
     array_length},
    {"JSON_CONCAT", "JSON_CONCAT(text, ...)", "Objects united, or everything else in one array.",
     "JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}')", bind_concat, nullptr, concat},
    {"JSON_ITEMS", "JSON_ITEMS(text) -> ARRAY<STRING>", "The elements of an array, each as JSON.",
     "JSON_ITEMS('[1, {\"a\": 2}]')",
     [](Arguments& a) { return take("JSON_ITEMS", a, {Kind::string}, Type::array(Kind::string)); }, nullptr,
     items},
    {"JSON_KEYS", "JSON_KEYS(text) -> ARRAY<STRING>", "The names of an object's members.",
     "JSON_KEYS('{\"a\": 1, \"b\": 2}')",
     [](Arguments& a) { return take("JSON_KEYS", a, {Kind::string}, Type::array(Kind::string)); }, nullptr,
     keys},
    {"JSON_RECORDS", "JSON_RECORDS(text) -> MAP<STRING, STRING>", "An object's members, the values as JSON.",
     "JSON_RECORDS('{\"a\": 1, \"b\": \"x\"}')",
     [](Arguments& a) {
       return take("JSON_RECORDS", a, {Kind::string}, Type::map(Kind::string, Kind::string));
     },
     nullptr, records},
    {"TO_JSON_STRING", "TO_JSON_STRING(x)", "Any value as JSON.", "TO_JSON_STRING(STRUCT(a := 1, b := 'x'))",
     bind_to_json, nullptr, to_json, false, true},
};

}  // namespace

std::span<const Function> json_functions() {
  return kRows;
}

}  // namespace tradewind::expr
