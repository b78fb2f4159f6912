#pragma once
// Aggregates that keep values: COLLECT_LIST, COLLECT_SET, HISTOGRAM, ATTR, TOPK, TOPKDISTINCT, and
// LATEST_BY_OFFSET and EARLIEST_BY_OFFSET.

#include <memory>

#include "expr/aggregate.h"

namespace tradewind::expr {

std::unique_ptr<Aggregate> make_collect_list(const Type& argument);
std::unique_ptr<Aggregate> make_collect_set(const Type& argument);
// Null when the type is not text.
std::unique_ptr<Aggregate> make_histogram(const Type& argument);
std::unique_ptr<Aggregate> make_attr(const Type& argument);
// Of a structure by its first field, else of the values. Null when they have no order.
std::unique_ptr<Aggregate> make_top(const Type& argument, size_t count, bool distinct);
// `count` nothing: the one value; else an array of at most so many.
std::unique_ptr<Aggregate> make_by_offset(const Type& argument, std::optional<size_t> count, bool latest,
                                          bool ignore_nulls);

inline constexpr size_t kLongestHistogram = 1000;

}  // namespace tradewind::expr
