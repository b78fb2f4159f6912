#pragma once
// Aggregates of sums of powers: STDDEV_SAMP, STDDEV_SAMPLE, CORRELATION.

#include <memory>

#include "expr/aggregate.h"

namespace tradewind::expr {

// Null when the type is not a number. `root`: the deviation, else the variance.
std::unique_ptr<Aggregate> make_deviation(const Type& argument, bool root);
// REQUIRES a structure of two DOUBLEs.
std::unique_ptr<Aggregate> make_correlation(const Type& argument);

}  // namespace tradewind::expr
