#include <algorithm>
#include <cctype>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

// Texts are counted in characters (code points).
size_t length_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The byte where character `n` (from 0) begins, or the end.
size_t byte_of(std::string_view text, size_t n) {
  size_t at = 0;
  while (at < text.size() && n > 0) {
    ++at;
    while (at < text.size() && (text[at] & 0xc0) == 0x80) ++at;
    --n;
  }
  return at;
}

Result<Type> texts(std::string_view name, std::vector<ExpressionPtr>& arguments, size_t least, size_t most,
                   Kind result) {
  const bool counted = arguments.size() >= least && arguments.size() <= most;
  if (!counted || !std::all_of(arguments.begin(), arguments.end(), is_text))
    return does_not_take(name, arguments);
  return Type(result);
}

Result<Type> bind_substring(std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() < 2 || arguments.size() > 3 || !is_text(arguments[0]))
    return does_not_take("SUBSTRING", arguments);
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i]->type.kind() != Kind::integer) return does_not_take("SUBSTRING", arguments);
  }
  return Type(Kind::string);
}

Result<Value> substring(std::span<const Value> a, std::span<const Type>) {
  const std::string& text = a[0].text();
  const auto length = static_cast<int64_t>(length_of(text));
  int64_t from = a[1].number();
  from = from < 0 ? length + from : from == 0 ? 0 : from - 1;
  if (from < 0) from = 0;
  const int64_t count = a.size() == 3 ? std::max<int64_t>(a[2].number(), 0) : length;
  const size_t begin = byte_of(text, static_cast<size_t>(std::min(from, length)));
  const size_t end = byte_of(text, static_cast<size_t>(std::min(from + std::min(count, length), length)));
  return Value(text.substr(begin, end - begin));
}

template <int (*kFunction)(int)>
Result<Value> mapped(std::span<const Value> a, std::span<const Type>) {
  std::string text = a[0].text();
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(kFunction(c));
  }
  return Value(std::move(text));
}

Result<Value> trim(std::span<const Value> a, std::span<const Type>) {
  std::string_view text = a[0].text();
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return Value(std::string(text));
}

Result<Value> length(std::span<const Value> a, std::span<const Type>) {
  return Value(static_cast<int64_t>(length_of(a[0].text())));
}

Result<Value> replace(std::span<const Value> a, std::span<const Type>) {
  std::string text = a[0].text();
  const std::string& old = a[1].text();
  for (size_t at = 0; !old.empty() && (at = text.find(old, at)) != std::string::npos;
       at += a[2].text().size()) {
    text.replace(at, old.size(), a[2].text());
  }
  return Value(std::move(text));
}

Result<Value> instr(std::span<const Value> a, std::span<const Type>) {
  const size_t at = a[0].text().find(a[1].text());
  return Value(at == std::string::npos ? int64_t{0}
                                       : static_cast<int64_t>(length_of(a[0].text().substr(0, at))) + 1);
}

Result<Value> split(std::span<const Value> a, std::span<const Type>) {
  std::vector<Value> parts;
  const std::string& text = a[0].text();
  const std::string& by = a[1].text();
  size_t from = 0;
  if (by.empty()) {
    for (size_t next; from < text.size(); from = next) {
      next = from + byte_of(std::string_view(text).substr(from), 1);
      parts.emplace_back(text.substr(from, next - from));
    }
    return Value(std::move(parts));
  }
  for (size_t at; (at = text.find(by, from)) != std::string::npos; from = at + by.size()) {
    parts.emplace_back(text.substr(from, at - from));
  }
  parts.emplace_back(text.substr(from));
  return Value(std::move(parts));
}

Result<Value> initcap(std::span<const Value> a, std::span<const Type>) {
  std::string text = a[0].text();
  bool first = true;
  for (char& c : text) {
    c = static_cast<char>(first ? std::toupper(static_cast<unsigned char>(c))
                                : std::tolower(static_cast<unsigned char>(c)));
    first = std::isspace(static_cast<unsigned char>(c)) != 0;
  }
  return Value(std::move(text));
}

// Skips nulls.
ColumnPtr concat(const Call& call) {
  ColumnBuilder builder(call.type);
  for (size_t row = 0; row < call.rows; ++row) {
    std::string text;
    for (const ColumnPtr& argument : call.arguments) {
      if (!argument->is_null(row)) text += argument->data<BytesView>()[row];
    }
    builder.append(Value(std::move(text)));
  }
  return builder.finish();
}

template <bool kLeft>
Result<Value> pad(std::span<const Value> a, std::span<const Type>) {
  const int64_t wanted = a[1].number();
  if (wanted < 0 || a[2].text().empty()) return Value();
  std::string text = a[0].text();
  const auto has = static_cast<int64_t>(length_of(text));
  if (has >= wanted) return Value(text.substr(0, byte_of(text, static_cast<size_t>(wanted))));
  std::string padding;
  while (static_cast<int64_t>(length_of(padding)) < wanted - has) padding += a[2].text();
  padding.resize(byte_of(padding, static_cast<size_t>(wanted - has)));
  return Value(kLeft ? padding + text : text + padding);
}

Result<Type> bind_pad(std::string_view name, std::vector<ExpressionPtr>& a) {
  const bool fits = a.size() == 3 && is_text(a[0]) && a[1]->type.kind() == Kind::integer && is_text(a[2]);
  if (!fits) return does_not_take(name, a);
  return Type(Kind::string);
}

#define TEXTS(name, least, most, result) \
  [](std::vector<ExpressionPtr>& a) { return texts(name, a, least, most, result); }

const Function kRows[] = {
    {"SUBSTRING", "SUBSTRING(text, from [, length])",
     "Part of a text; the first character is 1, negative counts from the end.", "SUBSTRING('tradewind', 6)",
     bind_substring, nullptr, substring},
    {"UCASE", "UCASE(text)", "In capitals.", "UCASE('a')", TEXTS("UCASE", 1, 1, Kind::string), nullptr,
     mapped<std::toupper>},
    {"LCASE", "LCASE(text)", "In small letters.", "LCASE('A')", TEXTS("LCASE", 1, 1, Kind::string), nullptr,
     mapped<std::tolower>},
    {"TRIM", "TRIM(text)", "Without white space around it.", "TRIM(' a ')", TEXTS("TRIM", 1, 1, Kind::string),
     nullptr, trim},
    {"LEN", "LEN(text) -> INTEGER", "How many characters.", "LEN('abc')", TEXTS("LEN", 1, 1, Kind::integer),
     nullptr, length},
    {"REPLACE", "REPLACE(text, old, new)", "With every old replaced.", "REPLACE('aba', 'a', 'c')",
     TEXTS("REPLACE", 3, 3, Kind::string), nullptr, replace},
    {"INSTR", "INSTR(text, part) -> INTEGER", "Where the part begins, from 1; 0 when it is not there.",
     "INSTR('abc', 'c')", TEXTS("INSTR", 2, 2, Kind::integer), nullptr, instr},
    {"SPLIT", "SPLIT(text, by) -> ARRAY<STRING>", "The parts between.", "SPLIT('a,b', ',')",
     [](std::vector<ExpressionPtr>& a) -> Result<Type> {
       TRY(texts("SPLIT", a, 2, 2, Kind::string));
       return Type::array(Kind::string);
     },
     nullptr, split},
    {"INITCAP", "INITCAP(text)", "Each word with a capital first.", "INITCAP('new york')",
     TEXTS("INITCAP", 1, 1, Kind::string), nullptr, initcap},
    {"CONCAT", "CONCAT(text, ...)", "All texts one behind the other, nulls left out.", "CONCAT('a', 'b')",
     TEXTS("CONCAT", 1, 100, Kind::string), concat},
    {"LPAD", "LPAD(text, length, padding)", "Filled up on the left, or cut.", "LPAD('7', 3, '0')",
     [](std::vector<ExpressionPtr>& a) { return bind_pad("LPAD", a); }, nullptr, pad<true>},
    {"RPAD", "RPAD(text, length, padding)", "Filled up on the right, or cut.", "RPAD('7', 3, '0')",
     [](std::vector<ExpressionPtr>& a) { return bind_pad("RPAD", a); }, nullptr, pad<false>},
};

}  // namespace

std::span<const Function> text_functions() {
  return kRows;
}

}  // namespace tradewind::expr
