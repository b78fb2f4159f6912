// Arrays: length, elements, order, series.
#include <algorithm>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

bool is_array(const ExpressionPtr& argument) {
  return argument->type.kind() == Kind::array;
}

Result<Type> one_array(std::string_view name, Arguments& a) {
  if (a.size() != 1 || !is_array(a[0])) return does_not_take(name, a);
  return a[0]->type;
}

Result<Value> length(Values a, Types) {
  return Value(static_cast<int64_t>(a[0].parts().size()));
}

Result<Type> bind_contains(Arguments& a) {
  if (a.size() != 2 || !is_array(a[0])) return does_not_take("ARRAY_CONTAINS", a);
  a[1] = TRY(checked_cast(a[1], a[0]->type.element()));
  return Type(Kind::boolean);
}

Result<Value> contains(Values a, Types) {
  if (a[0].is_null()) return truth(false);
  const auto& parts = a[0].parts();
  return truth(std::find(parts.begin(), parts.end(), a[1]) != parts.end());
}

template <bool kGreatest>
Result<Value> extreme(Values a, Types) {
  Value best;
  for (const Value& part : a[0].parts()) {
    if (part.is_null()) continue;
    if (best.is_null() || (kGreatest ? less(best, part) : less(part, best))) best = part;
  }
  return best;
}

Result<Type> bind_extreme(std::string_view name, Arguments& a) {
  const Type type = TRY(one_array(name, a));
  if (type.element().is_nested()) return does_not_take(name, a);
  return type.element();
}

// Joined as people read them; null is "null".
Result<Value> join(Values a, Types types) {
  if (a[0].is_null()) return Value();
  const std::string by = a.size() == 1 ? "," : a[1].is_null() ? "null" : a[1].text();
  std::string text;
  for (size_t i = 0; i < a[0].parts().size(); ++i)
    text += (i == 0 ? "" : by) + value_text(types[0].element(), a[0].parts()[i]);
  return Value(std::move(text));
}

Result<Type> bind_join(Arguments& a) {
  if (a.empty() || a.size() > 2 || !is_array(a[0]) || a[0]->type.element().is_nested() ||
      (a.size() == 2 && !is_text(a[1]))) {
    return does_not_take("ARRAY_JOIN", a);
  }
  return Type(Kind::string);
}

Result<Type> bind_remove(Arguments& a) {
  if (a.size() != 2 || !is_array(a[0])) return does_not_take("ARRAY_REMOVE", a);
  a[1] = TRY(checked_cast(a[1], a[0]->type.element()));
  return a[0]->type;
}

Result<Value> remove(Values a, Types) {
  if (a[0].is_null()) return Value();
  std::vector<Value> left;
  for (const Value& part : a[0].parts()) {
    if (!(part == a[1])) left.push_back(part);
  }
  return Value(std::move(left));
}

// Nulls stand last, either way.
Result<Value> sort(Values a, Types) {
  std::vector<Value> parts = a[0].parts();
  const std::string order = a.size() == 2 ? a[1].text() : "ASC";
  const bool down = order.starts_with("D") || order.starts_with("d");
  if (!down && !order.starts_with("A") && !order.starts_with("a")) return Value();
  std::stable_sort(parts.begin(), parts.end(), [down](const Value& x, const Value& y) {
    if (x.is_null() || y.is_null()) return !x.is_null();
    return down ? less(y, x) : less(x, y);
  });
  return Value(std::move(parts));
}

Result<Type> bind_sort(Arguments& a) {
  const bool fits = (a.size() == 1 || (a.size() == 2 && is_text(a[1]))) && is_array(a[0]) &&
                    !a[0]->type.element().is_nested();
  if (!fits) return does_not_take("ARRAY_SORT", a);
  return a[0]->type;
}

constexpr int64_t kLongestSeries = 1'000'000;

Result<Value> series(Values a, Types) {
  const int64_t from = a[0].number();
  const int64_t to = a[1].number();
  const int64_t step = a.size() == 3 ? a[2].number() : from <= to ? 1 : -1;
  if (step == 0) return Error{Code::invalid, "a series needs a step other than 0"};
  if ((to - from > 0 && step < 0) || (to - from < 0 && step > 0))
    return Error{Code::invalid, "the step " + std::to_string(step) + " leads away from the end"};
  if ((to - from) / step >= kLongestSeries)
    return Error{Code::invalid, "a series has at most 1,000,000 elements"};
  std::vector<Value> parts;
  for (int64_t n = 0; n <= (to - from) / step; ++n) parts.emplace_back(from + n * step);
  return Value(std::move(parts));
}

Result<Type> bind_series(Arguments& a) {
  const bool whole =
      a.size() >= 2 && a[0]->type.kind() == Kind::integer && a[1]->type.kind() == Kind::integer;
  const Kind kind = whole ? Kind::integer : Kind::bigint;
  return take("GENERATE_SERIES", a, {kind, kind, Kind::integer}, Type::array(kind), 1);
}

// From and to, both included, from 1; null when the array does not reach that far.
Result<Value> slice(Values a, Types) {
  if (a[0].is_null()) return Value();
  const auto size = static_cast<int64_t>(a[0].parts().size());
  const int64_t from = a[1].is_null() ? 1 : a[1].number();
  const int64_t to = a[2].is_null() ? size : a[2].number();
  if (from < 1 || to > size || from > to) return Value();
  return Value(std::vector<Value>(a[0].parts().begin() + (from - 1), a[0].parts().begin() + to));
}

Result<Type> bind_slice(Arguments& a) {
  if (a.size() != 3 || !is_array(a[0])) return does_not_take("SLICE", a);
  for (size_t i = 1; i < 3; ++i) {
    if (a[i]->type.kind() != Kind::integer && !is_null_literal(a[i])) return does_not_take("SLICE", a);
    a[i] = cast_if_needed(a[i], Kind::integer);
  }
  return a[0]->type;
}

// Each choice of keeping elements or leaving them null; an element that is null anyway has one.
Result<Value> cube(Values a, Types) {
  const std::vector<Value>& parts = a[0].parts();
  if (parts.size() > 16) return Error{Code::invalid, "CUBE takes at most 16 elements"};
  std::vector<Value> all;
  for (size_t choice = 0; choice < size_t{1} << parts.size(); ++choice) {
    std::vector<Value> one(parts.size());
    bool again = false;
    for (size_t i = 0; i < parts.size(); ++i) {
      const bool keeps = (choice >> (parts.size() - 1 - i) & 1) != 0;
      if (keeps) one[i] = parts[i];
      again = again || (keeps && parts[i].is_null());
    }
    if (!again) all.emplace_back(std::move(one));
  }
  return Value(std::move(all));
}

const Function kRows[] = {
    {"ARRAY_LENGTH", "ARRAY_LENGTH(array) -> INTEGER", "How many elements.", "ARRAY_LENGTH(ARRAY[1, 2])",
     [](Arguments& a) -> Result<Type> {
       TRY(one_array("ARRAY_LENGTH", a));
       return Type(Kind::integer);
     },
     nullptr, length},
    {"ARRAY_CONTAINS", "ARRAY_CONTAINS(array, x) -> BOOLEAN", "True when x is among the elements.",
     "ARRAY_CONTAINS(ARRAY['a', 'b'], 'b')", bind_contains, nullptr, contains, false, true},
    {"ARRAY_MAX", "ARRAY_MAX(array)", "The greatest element, nulls left out.", "ARRAY_MAX(ARRAY[1, 3, 2])",
     [](Arguments& a) { return bind_extreme("ARRAY_MAX", a); }, nullptr, extreme<true>},
    {"ARRAY_MIN", "ARRAY_MIN(array)", "The least element, nulls left out.", "ARRAY_MIN(ARRAY[2, 1, 3])",
     [](Arguments& a) { return bind_extreme("ARRAY_MIN", a); }, nullptr, extreme<false>},
    {"ARRAY_JOIN", "ARRAY_JOIN(array [, separator])", "The elements as one text; commas between.",
     "ARRAY_JOIN(ARRAY[1, 2, 3], ' - ')", bind_join, nullptr, join, false, true},
    {"ARRAY_REMOVE", "ARRAY_REMOVE(array, x)", "Without the elements that are x.",
     "ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", bind_remove, nullptr, remove, false, true},
    {"ARRAY_SORT", "ARRAY_SORT(array [, 'ASC' or 'DESC'])", "The elements in order, nulls last.",
     "ARRAY_SORT(ARRAY[3, 1, 2], 'DESC')", bind_sort, nullptr, sort},
    {"GENERATE_SERIES", "GENERATE_SERIES(from, to [, step]) -> ARRAY",
     "The numbers from one to another, both included.", "GENERATE_SERIES(1, 9, 4)", bind_series, nullptr,
     series},
    {"SLICE", "SLICE(array, from, to)", "The elements at these places, from 1; NULL: from its end.",
     "SLICE(ARRAY[1, 2, 3, 4], 2, 3)", bind_slice, nullptr, slice, false, true},
    {"CUBE", "CUBE(array) -> ARRAY<ARRAY>", "Each choice of elements kept, the others null.",
     "CUBE(ARRAY['a', 'b'])",
     [](Arguments& a) -> Result<Type> { return Type::array(TRY(one_array("CUBE", a))); }, nullptr, cube},
};

}  // namespace

std::span<const Function> array_functions() {
  return kRows;
}

}  // namespace tradewind::expr
