#pragma once
// Windows: the stretches of event time a row belongs to, and when each is over. Pure: no clock, no state.
//
// A window of time holds [start, end). Tumbling: advance = size. Aligned to 1970-01-01 UTC. A session holds
// [start, end], its first and its last row; `size` is the gap that ends it. A sliding window holds (end -
// size, end], `end` being the time of the newest row of a group.

#include <vector>

#include "base/time.h"

namespace tradewind::stream {

struct WindowSpec {
  enum class Kind { tumbling, hopping, session, sliding };
  Kind kind = Kind::tumbling;
  Duration size{0};
  Duration advance{0};
  Duration grace{0};
  Duration retention{0};  // at least size + grace: how long a window stays readable

  bool operator==(const WindowSpec&) const = default;
};

// The starts of the windows holding `time`, earliest first; never empty. REQUIRES tumbling or hopping.
std::vector<int64_t> windows_for(const WindowSpec& spec, Timestamp time);

inline constexpr int64_t kMostWindows = 10'000;  // that one row may lie in

// How many windows hold one time at most. REQUIRES tumbling or hopping.
inline int64_t most_windows(const WindowSpec& spec) {
  return (spec.size.count() + spec.advance.count() - 1) / spec.advance.count();
}

// The stream time from which the window takes no more rows.
inline Timestamp closes_at(const WindowSpec& spec, Timestamp start) {
  return start + spec.size + spec.grace;
}

}  // namespace tradewind::stream
