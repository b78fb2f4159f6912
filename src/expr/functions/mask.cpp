// MASK and its kin: text whose letters and digits are hidden.
#include "expr/functions/characters.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

// What stands for each class of characters; null: the character itself.
struct Cover {
  Value upper, lower, digit, other;
};

Cover cover_of(Values a, size_t from) {
  const auto chosen = [&](size_t i, const char* usual) {
    if (a.size() <= from + i) return Value(std::string(usual));
    return a[from + i].is_null() || a[from + i].text().empty() ? Value() : a[from + i];
  };
  return {chosen(0, "X"), chosen(1, "x"), chosen(2, "n"), chosen(3, "-")};
}

std::string covered(const std::string& text, const Cover& cover) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const Value* by = nullptr;
    switch (class_of(next_character(text, at))) {
      case CharacterClass::upper: by = &cover.upper; break;
      case CharacterClass::lower: by = &cover.lower; break;
      case CharacterClass::digit: by = &cover.digit; break;
      case CharacterClass::other: by = &cover.other; break;
    }
    out += by->is_null() ? text.substr(begin, at - begin) : by->text().substr(0, byte_of(by->text(), 1));
  }
  return out;
}

Result<Value> mask(Values a, Types) {
  if (a[0].is_null()) return Value();
  return Value(covered(a[0].text(), cover_of(a, 1)));
}

enum class Side { keep_left, keep_right, left, right };

template <Side kSide>
Result<Value> mask_part(Values a, Types) {
  if (a[0].is_null() || a[1].is_null()) return Value();
  if (a[1].number() < 0) return Error{Code::invalid, "a part of less than nothing cannot be masked"};
  const std::string& text = a[0].text();
  const size_t length = length_of(text);
  const auto count = std::min(static_cast<size_t>(a[1].number()), length);
  const bool left = kSide == Side::keep_left || kSide == Side::left;
  const size_t at = byte_of(text, left ? count : length - count);
  const Cover cover = cover_of(a, 2);
  std::string first = text.substr(0, at);
  std::string second = text.substr(at);
  if (kSide == Side::left || kSide == Side::keep_right)
    first = covered(first, cover);
  else
    second = covered(second, cover);
  return Value(first + second);
}

Result<Type> bind_mask(Arguments& a) {
  return take("MASK", a, {Kind::string, Kind::string, Kind::string, Kind::string, Kind::string}, Kind::string,
              4);
}
Result<Type> bind_part(std::string_view name, Arguments& a) {
  return take(name, a, {Kind::string, Kind::integer, Kind::string, Kind::string, Kind::string, Kind::string},
              Kind::string, 4);
}

const Function kRows[] = {
    {"MASK", "MASK(text [, upper, lower, digit, other])",
     "With X for capitals, x for small letters, n for digits, - for the rest; NULL keeps a class.",
     "MASK('My Test $123')", bind_mask, nullptr, mask, false, true},
    {"MASK_KEEP_LEFT", "MASK_KEEP_LEFT(text, n [, upper, lower, digit, other])",
     "All but the first n masked.", "MASK_KEEP_LEFT('DE0012', 2)",
     [](Arguments& a) { return bind_part("MASK_KEEP_LEFT", a); }, nullptr, mask_part<Side::keep_left>, false,
     true},
    {"MASK_KEEP_RIGHT", "MASK_KEEP_RIGHT(text, n [, upper, lower, digit, other])",
     "All but the last n masked.", "MASK_KEEP_RIGHT('4111-1234', 4)",
     [](Arguments& a) { return bind_part("MASK_KEEP_RIGHT", a); }, nullptr, mask_part<Side::keep_right>,
     false, true},
    {"MASK_LEFT", "MASK_LEFT(text, n [, upper, lower, digit, other])", "The first n masked.",
     "MASK_LEFT('4111-1234', 4)", [](Arguments& a) { return bind_part("MASK_LEFT", a); }, nullptr,
     mask_part<Side::left>, false, true},
    {"MASK_RIGHT", "MASK_RIGHT(text, n [, upper, lower, digit, other])", "The last n masked.",
     "MASK_RIGHT('4111-1234', 4)", [](Arguments& a) { return bind_part("MASK_RIGHT", a); }, nullptr,
     mask_part<Side::right>, false, true},
};

}  // namespace

std::span<const Function> mask_functions() {
  return kRows;
}

}  // namespace tradewind::expr
