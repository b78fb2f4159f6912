#pragma once
// Function: what a scalar function is. Operators are functions too ("+", "=", "AND"). The table of all of
// them: function_rows(); binding a call: call().
//
// Threads: the table is immutable.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/evaluate.h"
#include "expr/expression.h"

namespace tradewind::expr {

// What a kernel works on: one column per argument, each of `rows` rows.
struct Call {
  const Type& type;
  std::span<const ColumnPtr> arguments;
  size_t rows;
  Notes& notes;
  const Moment& moment;
  size_t site;  // which call of the statement it is; two of chance in one row differ
};

using Kernel = ColumnPtr (*)(const Call& call);
// One row at a time; called only when no argument is null, unless the function `takes_nulls`. An error is
// that row's: null and a note.
using RowFunction = Result<Value> (*)(std::span<const Value> arguments, std::span<const Type> types);

// The result type for argument types; arguments may be wrapped in casts.
using Bind = Result<Type> (*)(std::vector<ExpressionPtr>& arguments);

struct Function {
  std::string_view name;  // upper case
  std::string_view signature;
  std::string_view description;
  std::string_view example;
  Bind bind = nullptr;
  Kernel kernel = nullptr;  // one of the two
  RowFunction row = nullptr;
  bool lazy = false;  // AND, OR, COALESCE, IFNULL, lambdas: evaluate() takes their arguments one by one
  bool takes_nulls = false;
  bool moment = false;  // asks the clock or chance: other calls of the same text give something else
};

std::span<const Function> function_rows();
// EXPLODE and its kin, which the binder makes steps of; their examples stand in a select list.
struct TableFunction {
  std::string_view name;
  std::string_view signature;
  std::string_view description;
  std::string_view example;
};
std::span<const TableFunction> table_functions();
const Function* find_function(std::string_view name);  // any case

// A bound call. `invalid`: no such function, or not for such arguments, with what it takes. `site` tells
// calls of chance apart.
Result<ExpressionPtr> call(std::string_view name, std::vector<ExpressionPtr> arguments, size_t site = 0);
// Whether the clock or chance has a say in it.
bool asks_moment(const Expression& expression);
// CASE: condition, result, ..., [else]; results are brought to one type.
Result<ExpressionPtr> choose(std::vector<ExpressionPtr> parts, bool has_else);
// argument[index] of an array or map.
Result<ExpressionPtr> element(ExpressionPtr of, ExpressionPtr index);
// `to` of `from`, or invalid when no such cast exists.
Result<ExpressionPtr> checked_cast(ExpressionPtr of, const Type& to);

// The type that holds values of both: numbers widen, text literals become what they are compared with.
Result<Type> common_type(const Type& a, const Type& b);
// Of several, literal NULLs left out, for they are of any type; nothing when all are.
Result<std::optional<Type>> common_type(std::span<const ExpressionPtr> of);
// As is when it has the type already.
ExpressionPtr cast_if_needed(ExpressionPtr of, const Type& to);

// One value as another type; an error is the row's.
Result<Value> cast_value(const Value& value, const Type& from, const Type& to);

}  // namespace tradewind::expr
