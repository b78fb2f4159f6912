#pragma once
// TOP_ITEMS: of all items of a group those with the greatest sums of weights, each once.

#include <memory>
#include <optional>

#include "expr/aggregate.h"

namespace tradewind::expr {

// Exact while a group has at most so many items with a weight; then those with the least go, and come back
// from 0.
inline constexpr size_t kMostItems = 65'536;

// Of a structure of an item, its weight and a time (BIGINT, ms). With a half-life a weight counts half for
// each one it is older than the newest row of the group. Null when items have no order or weights are no
// numbers.
std::unique_ptr<Aggregate> make_top_items(const Type& argument, size_t count,
                                          std::optional<int64_t> half_life_ms);

}  // namespace tradewind::expr
