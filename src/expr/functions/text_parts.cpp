// Parts of text or bytes: SUBSTRING, SPLIT, padding.
#include <algorithm>

#include "expr/functions/characters.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

// Text counts in characters, bytes in bytes.
size_t size_of(const std::string& text, const Type& type) {
  return type.kind() == Kind::bytes ? text.size() : length_of(text);
}
size_t place_of(const std::string& text, size_t n, const Type& type) {
  return type.kind() == Kind::bytes ? std::min(n, text.size()) : byte_of(text, n);
}

// The type of the first argument: text, or bytes; the others of the same.
Type kind_of(const Arguments& a) {
  return !a.empty() && a[0]->type.kind() == Kind::bytes ? Type(Kind::bytes) : Type(Kind::string);
}

Result<Type> bind_substring(Arguments& a) {
  const Type type = kind_of(a);
  return take("SUBSTRING", a, {type.kind(), Kind::integer, Kind::integer}, type, 1);
}

Result<Value> substring(Values a, Types types) {
  const std::string& text = a[0].text();
  const auto length = static_cast<int64_t>(size_of(text, types[0]));
  int64_t from = a[1].number();
  from = from < 0 ? length + from : from == 0 ? 0 : from - 1;
  if (from < 0) from = 0;
  const int64_t count = a.size() == 3 ? std::max<int64_t>(a[2].number(), 0) : length;
  const size_t begin = place_of(text, static_cast<size_t>(std::min(from, length)), types[0]);
  const size_t end =
      place_of(text, static_cast<size_t>(std::min(from + std::min(count, length), length)), types[0]);
  return Value(text.substr(begin, end - begin));
}

Result<Type> bind_split(Arguments& a) {
  const Type type = kind_of(a);
  return take("SPLIT", a, {type.kind(), type.kind()}, Type::array(type));
}

std::vector<std::string> parts_of(const std::string& text, const std::string& by, const Type& type) {
  std::vector<std::string> parts;
  size_t from = 0;
  if (by.empty()) {
    for (size_t next; from < text.size(); from = next) {
      next = from + place_of(text.substr(from), 1, type);
      parts.push_back(text.substr(from, next - from));
    }
    return parts;
  }
  for (size_t at; (at = text.find(by, from)) != std::string::npos; from = at + by.size())
    parts.push_back(text.substr(from, at - from));
  parts.push_back(text.substr(from));
  return parts;
}

Result<Value> split(Values a, Types types) {
  std::vector<Value> parts;
  for (std::string& part : parts_of(a[0].text(), a[1].text(), types[0])) parts.emplace_back(std::move(part));
  return Value(std::move(parts));
}

// "a=1,b=2": parts without the inner delimiter are left out; of equal keys the last counts.
Result<Value> split_to_map(Values a, Types types) {
  std::vector<Value> map;
  if (a[1].text().empty() || a[2].text().empty() || a[1] == a[2]) return Value();
  for (const std::string& part : parts_of(a[0].text(), a[1].text(), types[0])) {
    const size_t at = part.find(a[2].text());
    if (at == std::string::npos) continue;
    Value key(part.substr(0, at));
    Value value(part.substr(at + a[2].text().size()));
    bool known = false;
    for (size_t i = 0; i < map.size(); i += 2) {
      if (!(map[i] == key)) continue;
      map[i + 1] = value;
      known = true;
    }
    if (known) continue;
    map.push_back(std::move(key));
    map.push_back(std::move(value));
  }
  return Value(std::move(map));
}

template <bool kLeft>
Result<Value> pad(Values a, Types types) {
  const int64_t wanted = a[1].number();
  if (wanted < 0 || wanted > (1 << 20) || a[2].text().empty()) return Value();
  std::string text = a[0].text();
  const auto has = static_cast<int64_t>(size_of(text, types[0]));
  if (has >= wanted) return Value(text.substr(0, place_of(text, static_cast<size_t>(wanted), types[0])));
  const auto missing = static_cast<size_t>(wanted - has);
  std::string padding;
  for (size_t n = 0; n < missing; n += std::max<size_t>(size_of(a[2].text(), types[0]), 1))
    padding += a[2].text();
  padding.resize(place_of(padding, missing, types[0]));
  return Value(kLeft ? padding + text : text + padding);
}

Result<Type> bind_pad(std::string_view name, Arguments& a) {
  const Type type = kind_of(a);
  return take(name, a, {type.kind(), Kind::integer, type.kind()}, type);
}

const Function kRows[] = {
    {"SUBSTRING", "SUBSTRING(text or BYTES, from [, length])",
     "A part; the first character is 1, negative counts from the end.", "SUBSTRING('tradewind', 6)",
     bind_substring, nullptr, substring},
    {"SPLIT", "SPLIT(text or BYTES, by) -> ARRAY", "The parts between; by nothing: each character.",
     "SPLIT('a,b', ',')", bind_split, nullptr, split},
    {"SPLIT_TO_MAP", "SPLIT_TO_MAP(text, between entries, between key and value) -> MAP<STRING, STRING>",
     "The entries of a text such as 'a=1,b=2'.", "SPLIT_TO_MAP('a=1,b=2', ',', '=')",
     [](Arguments& a) {
       return take("SPLIT_TO_MAP", a, {Kind::string, Kind::string, Kind::string},
                   Type::map(Kind::string, Kind::string));
     },
     nullptr, split_to_map},
    {"LPAD", "LPAD(text or BYTES, length, padding)", "Filled up on the left, or cut.", "LPAD('7', 3, '0')",
     [](Arguments& a) { return bind_pad("LPAD", a); }, nullptr, pad<true>},
    {"RPAD", "RPAD(text or BYTES, length, padding)", "Filled up on the right, or cut.", "RPAD('7', 3, '0')",
     [](Arguments& a) { return bind_pad("RPAD", a); }, nullptr, pad<false>},
};

}  // namespace

std::span<const Function> text_part_functions() {
  return kRows;
}

}  // namespace tradewind::expr
