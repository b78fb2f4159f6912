// Text as a whole: lengths, cases, joining, looking up, replacing.
#include <algorithm>
#include <charconv>

#include "expr/functions/characters.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

bool is_bytes(const ExpressionPtr& argument) {
  return argument->type.kind() == Kind::bytes;
}

Result<Value> upper(Values a, Types) {
  return Value(upper_of(a[0].text()));
}
Result<Value> lower(Values a, Types) {
  return Value(lower_of(a[0].text()));
}
Result<Value> initcap(Values a, Types) {
  return Value(capitalized(a[0].text()));
}

Result<Value> trim(Values a, Types) {
  std::string_view text = a[0].text();
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return Value(std::string(text));
}

Result<Type> bind_length(Arguments& a) {
  if (a.size() == 1 && is_bytes(a[0])) return Type(Kind::integer);
  return take("LEN", a, {Kind::string}, Kind::integer);
}

Result<Value> length(Values a, Types types) {
  const std::string& text = a[0].text();
  return Value(static_cast<int64_t>(types[0].kind() == Kind::bytes ? text.size() : length_of(text)));
}

Result<Value> replace(Values a, Types) {
  std::string text = a[0].text();
  const std::string& old = a[1].text();
  for (size_t at = 0; !old.empty() && (at = text.find(old, at)) != std::string::npos;
       at += a[2].text().size()) {
    text.replace(at, old.size(), a[2].text());
  }
  return Value(std::move(text));
}

// Where the nth occurrence begins, searching from a character on, or backwards from the end.
Result<Value> instr(Values a, Types) {
  const std::string& text = a[0].text();
  const std::string& part = a[1].text();
  const int64_t from = a.size() > 2 ? a[2].number() : 1;
  const int64_t wanted = a.size() > 3 ? a[3].number() : 1;
  const auto length = static_cast<int64_t>(length_of(text));
  if (from == 0 || wanted < 1) return Value(int64_t{0});
  const auto place = [&](size_t at) { return static_cast<int64_t>(length_of(text.substr(0, at))) + 1; };
  int64_t seen = 0;
  if (from > 0) {
    size_t at = byte_of(text, static_cast<size_t>(from - 1));
    if (from > length && !part.empty()) return Value(int64_t{0});
    for (; (at = text.find(part, at)) != std::string::npos; at += 1) {
      if (++seen == wanted) return Value(place(at));
    }
    return Value(int64_t{0});
  }
  if (-from > length) return Value(int64_t{0});
  size_t at = byte_of(text, static_cast<size_t>(length + from));
  for (; (at = text.rfind(part, at)) != std::string::npos; at -= 1) {
    if (++seen == wanted) return Value(place(at));
    if (at == 0) break;
  }
  return Value(int64_t{0});
}

Result<Type> bind_joined(std::string_view name, Arguments& a, size_t least) {
  const auto first = std::find_if(a.begin(), a.end(), [](const auto& one) { return !is_null_literal(one); });
  if (a.size() < least || first == a.end()) return does_not_take(name, a);
  const Type type = is_bytes(*first) ? Type(Kind::bytes) : Type(Kind::string);
  for (ExpressionPtr& argument : a) {
    if (!is_null_literal(argument) && !(argument->type == type)) return does_not_take(name, a);
    argument = cast_if_needed(argument, type);
  }
  return type;
}

// Skips nulls. With `kSeparated` the first argument stands between the others; when it is null, so is all.
template <bool kSeparated>
ColumnPtr joined(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  std::string text;
  for (size_t row = 0; row < call.rows; ++row) {
    text.clear();
    bool first = true;
    for (size_t a = kSeparated ? 1 : 0; a < call.arguments.size(); ++a) {
      if (call.arguments[a]->is_null(row)) continue;
      if (kSeparated && !first) text += call.arguments[0]->data<BytesView>()[row];
      text += call.arguments[a]->data<BytesView>()[row];
      first = false;
    }
    out->data<BytesView>()[row] = out->store(text);
    if (kSeparated && call.arguments[0]->is_null(row)) out->set_null(row);
  }
  return out;
}

Result<Value> elt(Values a, Types) {
  if (a[0].is_null()) return Value();
  const int64_t n = a[0].number();
  return n < 1 || n >= static_cast<int64_t>(a.size()) ? Value() : a[static_cast<size_t>(n)];
}

Result<Type> bind_elt(Arguments& a) {
  if (a.size() < 2 || a[0]->type.kind() != Kind::integer) return does_not_take("ELT", a);
  for (size_t i = 1; i < a.size(); ++i) {
    if (!is_text(a[i])) return does_not_take("ELT", a);
  }
  return Type(Kind::string);
}

Result<Value> field(Values a, Types) {
  for (size_t i = 1; i < a.size() && !a[0].is_null(); ++i) {
    if (a[i] == a[0]) return Value(static_cast<int64_t>(i));
  }
  return Value(int64_t{0});
}

Result<Type> bind_field(Arguments& a) {
  if (a.size() < 2 || !std::all_of(a.begin(), a.end(), is_text)) return does_not_take("FIELD", a);
  return Type(Kind::integer);
}

// "\u00e9" sequences, as Java writes characters; two may make one beyond 0xffff.
Result<std::string> from_escapes(const std::string& text) {
  std::string out;
  int32_t high = 0;
  for (size_t at = 0; at < text.size(); at += 6) {
    int32_t unit = 0;
    const char* begin = text.data() + at + 2;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u' ||
        std::from_chars(begin, begin + 4, unit, 16).ptr != begin + 4) {
      return Error{Code::invalid, "'" + text + "' is no character; write it like '\\u00e9'"};
    }
    if (unit >= 0xd800 && unit < 0xdc00) {
      high = unit;
      continue;
    }
    const bool pair = high != 0 && unit >= 0xdc00 && unit < 0xe000;
    append_character(out, pair ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : unit);
    high = 0;
  }
  return out;
}

Result<Value> chr(Values a, Types types) {
  if (types[0].kind() == Kind::string) return Value(TRY(from_escapes(a[0].text())));
  const int64_t point = a[0].number();
  if (point < 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
    return Error{Code::invalid, std::to_string(point) + " is no character"};
  std::string text;
  append_character(text, static_cast<int32_t>(point));
  return Value(std::move(text));
}

Result<Type> bind_chr(Arguments& a) {
  if (a.size() == 1 && is_text(a[0])) return Type(Kind::string);
  return take("CHR", a, {Kind::integer}, Kind::string);
}

const Function kRows[] = {
    {"UCASE", "UCASE(text)", "In capitals.", "UCASE('Müller')",
     [](Arguments& a) { return take("UCASE", a, {Kind::string}, Kind::string); }, nullptr, upper},
    {"LCASE", "LCASE(text)", "In small letters.", "LCASE('ÄPFEL')",
     [](Arguments& a) { return take("LCASE", a, {Kind::string}, Kind::string); }, nullptr, lower},
    {"INITCAP", "INITCAP(text)", "Each word with a capital first, the rest small.", "INITCAP('new YORK')",
     [](Arguments& a) { return take("INITCAP", a, {Kind::string}, Kind::string); }, nullptr, initcap},
    {"TRIM", "TRIM(text)", "Without white space around it.", "TRIM(' a ')",
     [](Arguments& a) { return take("TRIM", a, {Kind::string}, Kind::string); }, nullptr, trim},
    {"LEN", "LEN(text or BYTES) -> INTEGER", "How many characters, or bytes.", "LEN('abc')", bind_length,
     nullptr, length},
    {"REPLACE", "REPLACE(text, old, new)", "With every old replaced.", "REPLACE('aba', 'a', 'c')",
     [](Arguments& a) {
       return take("REPLACE", a, {Kind::string, Kind::string, Kind::string}, Kind::string);
     },
     nullptr, replace},
    {"INSTR", "INSTR(text, part [, from [, nth]]) -> INTEGER",
     "Where the nth part begins, from 1; 0 when it is not there. A negative from searches backwards.",
     "INSTR('banana', 'an', 1, 2)",
     [](Arguments& a) {
       return take("INSTR", a, {Kind::string, Kind::string, Kind::integer, Kind::integer}, Kind::integer, 2);
     },
     nullptr, instr},
    {"CONCAT", "CONCAT(x, ...) of text or BYTES", "All one behind the other, nulls left out.",
     "CONCAT('a', NULL, 'b')", [](Arguments& a) { return bind_joined("CONCAT", a, 1); }, joined<false>},
    {"CONCAT_WS", "CONCAT_WS(separator, x, ...) of text or BYTES",
     "All with the separator between, nulls left out.", "CONCAT_WS('-', 'a', NULL, 'b')",
     [](Arguments& a) { return bind_joined("CONCAT_WS", a, 2); }, joined<true>},
    {"ELT", "ELT(n, text, ...)", "The nth text, from 1; null when there is none.", "ELT(2, 'a', 'b')",
     bind_elt, nullptr, elt, false, true},
    {"FIELD", "FIELD(text, other, ...) -> INTEGER", "Which of the others it is, from 1; 0: none.",
     "FIELD('b', 'a', 'b')", bind_field, nullptr, field, false, true},
    {"CHR", "CHR(number) or CHR('\\u0041')", "The character with that number.", "CHR(252)", bind_chr, nullptr,
     chr},
};

}  // namespace

std::span<const Function> text_functions() {
  return kRows;
}

}  // namespace tradewind::expr
