#pragma once
// Timestamp: milliseconds since 1970-01-01 UTC. Clock: where "now" comes from, passed in so that tests own
// it.
//
// Threads: SystemClock and ManualClock may be shared.

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace tradewind {

using Duration = std::chrono::milliseconds;

struct Timestamp {
  int64_t ms = 0;

  auto operator<=>(const Timestamp&) const = default;
  static constexpr Timestamp min() { return {std::numeric_limits<int64_t>::min()}; }
  static constexpr Timestamp max() { return {std::numeric_limits<int64_t>::max()}; }
};

inline Timestamp operator+(Timestamp time, Duration wait) {
  return {time.ms + wait.count()};
}
inline Timestamp operator-(Timestamp time, Duration wait) {
  return {time.ms - wait.count()};
}
inline Duration operator-(Timestamp later, Timestamp earlier) {
  return Duration(later.ms - earlier.ms);
}

// The greatest multiple of `step` that is <= `time`; right for times before 1970. REQUIRES step > 0.
inline Timestamp floor_to(Timestamp time, Duration step) {
  int64_t rest = time.ms % step.count();
  if (rest < 0) rest += step.count();
  return {time.ms - rest};
}

// "2011-11-17T13:00:00.000Z"
std::string to_iso(Timestamp time);

// ISO 8601 in its usual shortened forms ("2011", "2011-11-17", "2011-11-17T13:00", with zone or none = UTC).
std::optional<Timestamp> from_iso(std::string_view text);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() = 0;
  // Nanoseconds that only grow; for measuring and deadlines.
  virtual int64_t monotonic_ns() = 0;
  // Waits, or moves a manual clock on. Only threads' own loops call it, never operators.
  virtual void sleep(Duration wait) = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() override;
  int64_t monotonic_ns() override;
  void sleep(Duration wait) override;
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = {0}) : now_ms_(start.ms) {}
  Timestamp now() override { return {now_ms_.load()}; }
  int64_t monotonic_ns() override { return now_ms_.load() * 1'000'000; }
  void sleep(Duration wait) override { advance(wait); }
  void advance(Duration wait) { now_ms_ += wait.count(); }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace tradewind
