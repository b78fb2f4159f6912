#pragma once
// The aggregates that ksqlDB does not have: how their arguments are read, and which object runs them.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "expr/aggregate.h"

namespace tradewind::expr {

bool is_addition(std::string_view name);  // upper case
// The constants among the arguments of an addition; what is left of them is the one to fold. An empty error:
// not such arguments; else what is wrong with one. The last argument is the time of the row.
Result<std::vector<Value>> addition_constants(std::string_view name, std::vector<ExpressionPtr>& arguments);
// Null when it does not take such a value.
std::unique_ptr<Aggregate> make_addition(std::string_view name, const Type& argument,
                                         std::span<const Value> constants);

// The parts as one structure with these names.
ExpressionPtr structure_of(std::vector<ExpressionPtr> parts, std::vector<std::string> names);

}  // namespace tradewind::expr
