#include "ingest/event_times.h"

#include <algorithm>
#include <string>

namespace tradewind::ingest {
namespace {

Rejected rejected_at(size_t index, std::string_view field, int64_t time_ms, int64_t latest_ms) {
  const std::string expected = time_ms < 0 ? "milliseconds since 1970"
                                           : "a time that is not ahead (of " + std::to_string(latest_ms) +
                                                 " at most; ingest.most_ahead)";
  return {.index = index,
          .error =
              "field " + std::string(field) + ": expected " + expected + ", found " + std::to_string(time_ms),
          .field = std::string(field),
          .expected = expected};
}

}  // namespace

void leave_out_impossible(std::string_view field, int64_t latest_ms, Events& events) {
  const auto impossible = [&](const Event& event) {
    return event.time_ms && (*event.time_ms < 0 || *event.time_ms > latest_ms);
  };
  if (std::none_of(events.all.begin(), events.all.end(), impossible)) return;
  Events kept;
  auto known = events.rejected.begin();
  uint32_t value = 0;
  uint32_t key = 0;
  size_t index = 0;
  for (Event event : events.all) {
    // Those that were rejected before are not among `all`.
    for (; known != events.rejected.end() && known->index == index; ++known, ++index)
      kept.rejected.push_back(std::move(*known));
    const BytesView value_bytes = events.values.view().substr(value, event.value_end - value);
    const BytesView key_bytes = BytesView(events.keys).substr(key, event.key_end - key);
    value = event.value_end;
    key = event.key_end;
    if (impossible(event)) {
      kept.rejected.push_back(rejected_at(index++, field, *event.time_ms, latest_ms));
      continue;
    }
    ++index;
    kept.values.raw(value_bytes);
    kept.keys += key_bytes;
    event.value_end = static_cast<uint32_t>(kept.values.size());
    event.key_end = static_cast<uint32_t>(kept.keys.size());
    kept.all.push_back(event);
  }
  kept.rejected.insert(kept.rejected.end(), std::move_iterator(known),
                       std::move_iterator(events.rejected.end()));
  events = std::move(kept);
}

}  // namespace tradewind::ingest
