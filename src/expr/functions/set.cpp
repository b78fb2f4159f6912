// Arrays as sets, and put together.
#include <algorithm>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

bool has(const std::vector<Value>& parts, const Value& wanted) {
  return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}

// In the order in which they first come.
void add_new(const std::vector<Value>& from, std::vector<Value>& to) {
  for (const Value& part : from) {
    if (!has(to, part)) to.push_back(part);
  }
}

Result<Value> distinct(Values a, Types) {
  std::vector<Value> parts;
  add_new(a[0].parts(), parts);
  return Value(std::move(parts));
}

Result<Value> unite(Values a, Types) {
  std::vector<Value> parts;
  add_new(a[0].parts(), parts);
  add_new(a[1].parts(), parts);
  return Value(std::move(parts));
}

// Those of the first that are in the second too, or those that are not.
template <bool kIn>
Result<Value> common(Values a, Types) {
  std::vector<Value> parts;
  for (const Value& part : a[0].parts()) {
    if (has(a[1].parts(), part) == kIn && !has(parts, part)) parts.push_back(part);
  }
  return Value(std::move(parts));
}

Result<Value> concat(Values a, Types) {
  if (a[0].is_null()) return a[1];
  std::vector<Value> parts = a[0].parts();
  if (!a[1].is_null()) parts.insert(parts.end(), a[1].parts().begin(), a[1].parts().end());
  return Value(std::move(parts));
}

Result<Type> arrays(std::string_view name, Arguments& a, size_t count) {
  if (a.size() != count) return does_not_take(name, a);
  const Type type = TRY(take_common(name, a));
  if (type.kind() != Kind::array) return does_not_take(name, a);
  return type;
}

const Function kRows[] = {
    {"ARRAY_DISTINCT", "ARRAY_DISTINCT(array)", "Each element once, in the order they first come.",
     "ARRAY_DISTINCT(ARRAY[2, 1, 2])", [](Arguments& a) { return arrays("ARRAY_DISTINCT", a, 1); }, nullptr,
     distinct},
    {"ARRAY_UNION", "ARRAY_UNION(array, array)", "The different elements of both.",
     "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", [](Arguments& a) { return arrays("ARRAY_UNION", a, 2); },
     nullptr, unite},
    {"ARRAY_INTERSECT", "ARRAY_INTERSECT(array, array)", "The different elements that both have.",
     "ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3])",
     [](Arguments& a) { return arrays("ARRAY_INTERSECT", a, 2); }, nullptr, common<true>},
    {"ARRAY_EXCEPT", "ARRAY_EXCEPT(array, array)",
     "The different elements of the first that the second has not.", "ARRAY_EXCEPT(ARRAY[1, 2], ARRAY[2, 3])",
     [](Arguments& a) { return arrays("ARRAY_EXCEPT", a, 2); }, nullptr, common<false>},
    {"ARRAY_CONCAT", "ARRAY_CONCAT(array, array)", "Both, one behind the other; null only when both are.",
     "ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2, 3])", [](Arguments& a) { return arrays("ARRAY_CONCAT", a, 2); },
     nullptr, concat, false, true},
};

}  // namespace

std::span<const Function> set_functions() {
  return kRows;
}

}  // namespace tradewind::expr
