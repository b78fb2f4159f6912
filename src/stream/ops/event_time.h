#pragma once
// Event time as windows see it: how far the partitions of a source are, and the rows that came too late.

#include <map>
#include <optional>
#include <vector>

#include "expr/evaluate.h"
#include "stream/operator.h"

namespace tradewind::stream {

// By source partition the greatest event time seen; under kGivenOut up to where results have been given out.
using Progress = std::map<int32_t, int64_t>;
inline constexpr int32_t kGivenOut = -1;

// A row of a batch that came too late for its window, or for the first of them.
struct LateRow {
  uint32_t row = 0;
  int64_t stream_time_ms = 0;  // of its partition when it came
};

// How far the slowest partition is that still speaks; the greatest number when none does, nothing while one
// that is waited for has not begun.
std::optional<int64_t> slowest(Context& context, const Progress& progress);
// The stream time by which windows close: that of the slowest. Where every partition is silent the furthest
// of them counts, and after stream.idle_close event time goes on with the clock.
std::optional<int64_t> closing_time(Context& context, const Progress& progress);

// What went wrong in an expression of a grouping.
void tell(Context& context, const Batch& rows, const expr::Notes& notes);

}  // namespace tradewind::stream
