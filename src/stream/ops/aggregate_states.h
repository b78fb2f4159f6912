#pragma once
// The states of a grouping's aggregates, one behind the other in a row.

#include <memory>
#include <vector>

#include "expr/aggregate.h"
#include "stream/topology.h"

namespace tradewind::stream {

// Makes the aggregates of a step and gives each its place, from byte `at` on. Answers where they end.
// REQUIRES build() has tried the step.
size_t place_states(const AggregateStep& step, size_t at,
                    std::vector<std::unique_ptr<expr::Aggregate>>& aggregates);

}  // namespace tradewind::stream
