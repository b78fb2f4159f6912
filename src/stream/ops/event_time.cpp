#include "stream/ops/event_time.h"

#include <algorithm>

#include "stream/runtime.h"

namespace tradewind::stream {
std::optional<int64_t> slowest(Context& context, const Progress& progress) {
  int64_t least = INT64_MAX;
  for (int32_t p = 0; p < context.source_partitions(); ++p) {
    const auto at = progress.find(p);
    if (context.idle(p) && (at == progress.end() || at->second < least)) continue;
    if (at == progress.end()) return std::nullopt;
    least = std::min(least, at->second);
  }
  return least;
}

std::optional<int64_t> closing_time(Context& context, const Progress& progress) {
  const Duration silence = context.silence();
  std::optional<int64_t> time = slowest(context, progress);
  if (time == INT64_MAX || silence.count() > 0) {
    time.reset();
    for (const auto& [partition, reached] : progress) {
      if (partition != kGivenOut) time = std::max(time.value_or(INT64_MIN), reached);
    }
  }
  if (time) *time += silence.count();
  return time;
}

void tell(Context& context, const Batch& rows, const expr::Notes& notes) {
  for (const expr::Note& note : notes) {
    RowNote told;
    told.query = context.query();
    told.step = "group by";
    told.reason = note.reason;
    told.partition = rows.origin().partition;
    context.note(std::move(told));
  }
}

}  // namespace tradewind::stream
