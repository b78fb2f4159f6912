#pragma once
// Expression: a typed, bound, immutable tree over the columns of a batch.
//
// Threads: share freely. Built by the binder (sql) or by hand (apps, tests) with the makers below.

#include <memory>
#include <string>
#include <vector>

#include "data/type.h"
#include "data/value.h"

namespace tradewind::expr {

struct Function;  // function.h
struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

enum class Node {
  column,    // column `index` of the batch
  constant,  // `value`
  call,      // `function` over the arguments
  choose,    // CASE: arguments are condition, result, condition, result ..., and maybe a last else
  cast,      // argument 0 as `type`
  field,     // field `index` of argument 0, a structure; null of a null
  element,   // argument 0 [argument 1]: array (1-based, negative from the end) or map; null when absent
  make_array,
  make_map,
  make_structure,
  parameter,  // of a lambda: the column `index` from the end of the batch its body works on, 1 for the last
  lambda,  // body in argument 0, over `index` parameters; stands only in calls of TRANSFORM, FILTER, REDUCE
};

struct Expression {
  Node node = Node::constant;
  Type type;
  size_t index = 0;
  Value value;
  const Function* function = nullptr;
  std::vector<ExpressionPtr> arguments;
};

ExpressionPtr column(size_t index, Type type);
ExpressionPtr constant(Type type, Value value);
// REQUIRES the argument is a structure with such a field.
ExpressionPtr field(ExpressionPtr of, size_t index);
ExpressionPtr cast(ExpressionPtr of, Type to);

// Structural equality: the same value for the same row, as far as the trees tell.
bool same(const Expression& a, const Expression& b);
// "SUM" free SQL-like text for plans, with column names from `schema`.
std::string text_of(const Expression& expression, const Schema& schema);

}  // namespace tradewind::expr
