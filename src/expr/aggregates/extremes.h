#pragma once
// MIN and MAX.

#include <memory>

#include "expr/aggregate.h"

namespace tradewind::expr {

// Null when values of the type have no order.
std::unique_ptr<Aggregate> make_extreme(const Type& argument, bool greatest);

}  // namespace tradewind::expr
