#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

bool is_collection(const ExpressionPtr& of) {
  return of->type.kind() == Kind::array || of->type.kind() == Kind::map;
}

bool are_lambdas(const std::vector<ExpressionPtr>& a, size_t from) {
  for (size_t i = from; i < a.size(); ++i) {
    if (a[i]->node != Node::lambda) return false;
  }
  return true;
}

Result<Type> bind_transform(std::vector<ExpressionPtr>& a) {
  const bool map = !a.empty() && a[0]->type.kind() == Kind::map;
  if (a.size() != (map ? 3 : 2) || !is_collection(a[0]) || !are_lambdas(a, 1))
    return does_not_take("TRANSFORM", a);
  if (map) return Type::map(a[1]->type, a[2]->type);
  return Type::array(a[1]->type);
}

Result<Type> bind_filter(std::vector<ExpressionPtr>& a) {
  if (a.size() != 2 || !is_collection(a[0]) || !are_lambdas(a, 1)) return does_not_take("FILTER", a);
  if (a[1]->type.kind() != Kind::boolean)
    return Error{Code::invalid, "FILTER needs a lambda that gives a BOOLEAN, not " + a[1]->type.text()};
  return a[0]->type;
}

Result<Type> bind_reduce(std::vector<ExpressionPtr>& a) {
  if (a.size() != 3 || !is_collection(a[0]) || !are_lambdas(a, 2)) return does_not_take("REDUCE", a);
  return a[1]->type;
}

const Function kRows[] = {
    {"TRANSFORM", "TRANSFORM(array, x => ...) or TRANSFORM(map, (k, v) => key, (k, v) => value)",
     "Each element, or each key and value, as what the lambda makes of it.",
     "TRANSFORM(ARRAY[1, 2], x => x * 10)", bind_transform, nullptr, nullptr, true},
    {"FILTER", "FILTER(array, x => condition) or FILTER(map, (k, v) => condition)",
     "The elements for which the lambda is true.", "FILTER(ARRAY[1, 2, 3], x => x > 1)", bind_filter, nullptr,
     nullptr, true},
    {"REDUCE", "REDUCE(array, start, (s, x) => ...) or REDUCE(map, start, (s, k, v) => ...)",
     "What is left when the lambda has taken in every element, beginning with the start.",
     "REDUCE(ARRAY[1, 2, 3], 0, (s, x) => s + x)", bind_reduce, nullptr, nullptr, true},
};

}  // namespace

std::span<const Function> lambda_functions() {
  return kRows;
}

}  // namespace tradewind::expr
