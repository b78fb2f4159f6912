#pragma once
// Backoff: how long to wait before the nth attempt: doubling from `first` up to `most`, with seeded jitter of +-25 %.

#include <algorithm>

#include "base/random.h"
#include "base/time.h"

namespace tradewind {

struct Backoff {
  Duration first = Duration(50);
  Duration most = Duration(10'000);

  // `attempt` counts from 0.
  Duration delay(int attempt, Random& random) const {
    const int64_t doubled = first.count() << std::min(attempt, 30);
    const int64_t capped = std::min<int64_t>(doubled, most.count());
    return Duration(static_cast<int64_t>(static_cast<double>(capped) * (0.75 + 0.5 * random.unit())));
  }
};

}  // namespace tradewind
