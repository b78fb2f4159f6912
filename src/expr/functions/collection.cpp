#include <algorithm>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

Result<Type> bind_length(std::vector<ExpressionPtr>& a) {
  if (a.size() != 1 || a[0]->type.kind() != Kind::array) return does_not_take("ARRAY_LENGTH", a);
  return Type(Kind::integer);
}

Result<Value> array_length(std::span<const Value> a, std::span<const Type>) {
  return Value(static_cast<int64_t>(a[0].parts().size()));
}

Result<Type> bind_contains(std::vector<ExpressionPtr>& a) {
  if (a.size() != 2 || a[0]->type.kind() != Kind::array) return does_not_take("ARRAY_CONTAINS", a);
  a[1] = TRY(checked_cast(a[1], a[0]->type.element()));
  return Type(Kind::boolean);
}

Result<Value> array_contains(std::span<const Value> a, std::span<const Type>) {
  const auto& parts = a[0].parts();
  return Value(int64_t{std::find(parts.begin(), parts.end(), a[1]) != parts.end() ? 1 : 0});
}

Result<Type> bind_as_value(std::vector<ExpressionPtr>& a) {
  if (a.size() != 1) return does_not_take("AS_VALUE", a);
  return a[0]->type;
}

ColumnPtr as_value(const Call& call) {
  return call.arguments[0];
}

const Function kRows[] = {
    {"ARRAY_LENGTH", "ARRAY_LENGTH(array) -> INTEGER", "How many elements.",
     "ARRAY_LENGTH(SPLIT('a,b', ','))", bind_length, nullptr, array_length},
    {"ARRAY_CONTAINS", "ARRAY_CONTAINS(array, x) -> BOOLEAN", "True when x is among the elements.",
     "ARRAY_CONTAINS(SPLIT('a,b', ','), 'b')", bind_contains, nullptr, array_contains},
    {"AS_VALUE", "AS_VALUE(key)", "A key column once more, as a value.", "AS_VALUE('a')", bind_as_value,
     as_value},
};

}  // namespace

std::span<const Function> collection_functions() {
  return kRows;
}

}  // namespace tradewind::expr
