#pragma once
// The rows of the table of functions, by file; and what binding and running them have in common.

#include <functional>
#include <initializer_list>
#include <span>

#include "expr/function.h"

namespace tradewind::expr {

std::span<const Function> arithmetic_functions();
std::span<const Function> compare_functions();
std::span<const Function> text_functions();
std::span<const Function> text_part_functions();
std::span<const Function> mask_functions();
std::span<const Function> regex_functions();
std::span<const Function> bytes_functions();
std::span<const Function> number_functions();
std::span<const Function> real_functions();
std::span<const Function> time_functions();
std::span<const Function> time_shift_functions();
std::span<const Function> array_functions();
std::span<const Function> set_functions();
std::span<const Function> map_functions();
std::span<const Function> lambda_functions();
std::span<const Function> json_functions();
std::span<const Function> url_functions();
std::span<const Function> chance_functions();

using Arguments = std::vector<ExpressionPtr>;
using Values = std::span<const Value>;
using Types = std::span<const Type>;

// For Bind: what the function takes is told.
Error does_not_take(std::string_view name, const Arguments& arguments);
bool is_text(const ExpressionPtr& argument);
bool is_null_literal(const ExpressionPtr& argument);

// Brings the arguments to these kinds (numbers widen, a literal NULL fits anywhere); the last `optional` of
// them may be missing. REQUIRES scalar kinds other than DECIMAL.
Result<Type> take(std::string_view name, Arguments& a, std::initializer_list<Kind> kinds, Type result,
                  size_t optional = 0);
// Brings arguments [from, end) to their common type.
Result<Type> take_common(std::string_view name, Arguments& a, size_t from = 0);

// One row at a time, nulls left out, as a RowFunction, for functions that keep something between rows.
ColumnPtr by_row(const Call& call, const std::function<Result<Value>(Values)>& each);

// How many ms a unit of time has, in upper case, with or without an S.
Result<int64_t> unit_ms(std::string name);

// The order of two values of one scalar type that are not null.
bool less(const Value& a, const Value& b);

inline Value truth(bool value) {
  return Value(int64_t{value ? 1 : 0});
}

}  // namespace tradewind::expr
