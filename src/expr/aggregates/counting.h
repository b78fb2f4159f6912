#pragma once
// COUNT and COUNT_DISTINCT.

#include <memory>

#include "expr/aggregate.h"

namespace tradewind::expr {

std::unique_ptr<Aggregate> make_count();
// Exact by 64-bit fingerprints kept as whole values up to kExactDistinct in a group, then HyperLogLog
// (Flajolet et al. 2007, 2^14 registers). Null when the type cannot be counted.
std::unique_ptr<Aggregate> make_count_distinct(const Type& argument);

inline constexpr size_t kExactDistinct = 65'536;

}  // namespace tradewind::expr
