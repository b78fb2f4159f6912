#pragma once
// SUM, AVG and SUM_LIST.

#include <memory>

#include "expr/aggregate.h"

namespace tradewind::expr {

// Null when the type is not a number.
std::unique_ptr<Aggregate> make_sum(const Type& argument);
std::unique_ptr<Aggregate> make_average(const Type& argument);
// Null when the type is not an array of numbers.
std::unique_ptr<Aggregate> make_sum_list(const Type& argument);

}  // namespace tradewind::expr
