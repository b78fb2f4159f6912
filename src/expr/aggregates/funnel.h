#pragma once
// FUNNEL: how many of those who took the first step took the others, and how long that took. Who reached what
// is found by stream/ops/funnel.h; this counts it.

#include <memory>

#include "expr/aggregate.h"

namespace tradewind::expr {

// Of a structure of a step (INTEGER, from 1) and the ms since the step before (BIGINT, null at the first).
// Null when it is none.
std::unique_ptr<Aggregate> make_funnel(const Type& argument, size_t steps);

}  // namespace tradewind::expr
