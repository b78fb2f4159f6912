#pragma once
// PartitionIndex: where the batches of one partition lie, in offset order; there may be gaps between their
// records.
//
// Threads: under the lock of the log. Every batch in it is counted as live in its segment.

#include <deque>

#include "log/embedded/journal.h"

namespace tradewind::log {

struct BatchPlace {
  Offset base = 0;
  uint32_t count = 0;        // of records
  uint32_t span = 0;         // the offsets it stands for are [base, base + span)
  uint32_t length : 30 = 0;  // of its payload
  uint32_t rewritten : 1 = 0;
  uint32_t compacted : 1 = 0;
  uint32_t at = 0;  // of its EntryHeader
  Segment* segment = nullptr;
  uint64_t frame = 0;
  // Wall time at which it was appended, kUnknownTime if before this process began; of a rewritten one that
  // before which its records were.
  int64_t appended_ms = kUnknownTime;

  Offset end() const { return base + span; }
  // When its first record was appended, as well as it is known.
  int64_t about_appended_ms() const { return appended_ms != kUnknownTime ? appended_ms : segment->begun_ms; }
  int64_t bytes() const { return static_cast<int64_t>(length) + static_cast<int64_t>(sizeof(EntryHeader)); }
};
static_assert(sizeof(BatchPlace) == 48, "there is one for each batch of the log");

class PartitionIndex {
 public:
  Offset begin = 0;  // readers start here
  Offset next = 0;

  const std::deque<BatchPlace>& batches() const { return batches_; }
  // The index in batches() of the first one that ends behind `offset`.
  size_t locate(Offset offset) const;
  // REQUIRES place.base >= next, which moves behind it.
  void append(const BatchPlace& place);
  // Puts a rewritten batch in the place of what lies in its range, because of frame `frame`; it is dead at
  // once when all of it lies before begin. False, and nothing is done: it would cut a batch in two.
  bool replace(const BatchPlace& place, uint64_t frame);
  // Forgets what ends at `keep` or before, because of what frame `frame` says; how many records that were.
  int64_t drop_before(Offset keep, uint64_t frame);
  // Of all batches, and of those that are not compacted.
  int64_t bytes() const { return bytes_; }
  int64_t dirty_bytes() const { return dirty_bytes_; }

 private:
  void count(const BatchPlace& place, int64_t sign);

  std::deque<BatchPlace> batches_;
  int64_t bytes_ = 0;
  int64_t dirty_bytes_ = 0;
};

}  // namespace tradewind::log
