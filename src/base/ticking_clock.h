#pragma once
// TickingClock: a Clock for tests with threads: each look at it takes a microsecond, waiting lets others go
// first. What waits for something waits until it is there, however slow the machine.
//
// Threads: shared freely.

#include <atomic>
#include <thread>

#include "base/time.h"

namespace tradewind {

class TickingClock final : public Clock {
 public:
  explicit TickingClock(Timestamp start) : start_(start) {}
  Timestamp now() override { return start_; }
  int64_t monotonic_ns() override { return ns_ += 1'000; }
  void sleep(Duration) override { std::this_thread::yield(); }

 private:
  const Timestamp start_;
  std::atomic<int64_t> ns_{0};
};

}  // namespace tradewind
