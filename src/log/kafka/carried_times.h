#pragma once
// CarriedTimes: records as they are handed to Kafka, those whose time lies too far ahead with that time in a
// header (kTimeHeader), which readers of this log put back.
//
// Brokers refuse a whole batch for one time that is more than an hour ahead of their clock
// (message.timestamp.after.max.ms), and what cannot be written is asked for again for ever.
// Threads: its caller's.

#include <deque>
#include <span>
#include <vector>

#include "log/record.h"

namespace tradewind::log::kafka {

// Half of what brokers let in by default: their clocks are not ours.
inline constexpr Duration kMostAhead(30 * 60 * 1'000);

class CarriedTimes {
 public:
  explicit CarriedTimes(Timestamp now) : now_(now) {}

  // The same records where all can be written as they are. Valid as long as this object and `records` are.
  std::span<const RecordView> of(std::span<const RecordView> records);

 private:
  const Timestamp now_;
  std::deque<Bytes> times_;
  std::deque<std::vector<HeaderView>> headers_;
  std::deque<std::vector<RecordView>> records_;
};

}  // namespace tradewind::log::kafka
