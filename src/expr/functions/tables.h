#pragma once
// The rows of the table of functions, by file.

#include <span>

#include "expr/function.h"

namespace tradewind::expr {

std::span<const Function> arithmetic_functions();
std::span<const Function> compare_functions();
std::span<const Function> text_functions();
std::span<const Function> number_functions();
std::span<const Function> time_functions();
std::span<const Function> collection_functions();

// For Bind: each argument must be of this kind (or NULL), else what the function takes is told.
Error does_not_take(std::string_view name, const std::vector<ExpressionPtr>& arguments);
bool is_text(const ExpressionPtr& argument);

}  // namespace tradewind::expr
