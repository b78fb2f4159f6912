#pragma once
// SeenRows: what has passed lately: 128-bit hashes of keys with the event time of the last one that passed.
//
// An open-addressed table of 24-byte entries. What is too old to matter goes when the table would have to
// grow, so that a row costs one look on average. Two different keys have the same hash once in 2^128 / n
// cases for n keys within the time. Threads: one owner.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace tradewind::stream {

class SeenRows {
 public:
  struct Entry {
    static constexpr int64_t kNone = INT64_MIN;
    uint64_t high = 0;
    uint64_t low = 0;
    int64_t time_ms = kNone;
  };

  // The place of a key: its entry, or where it goes. Entries with times up to `forget_ms` may be dropped.
  // Valid until the next call.
  Entry& place_of(BytesView key, int64_t forget_ms);
  // Takes an entry as it was saved.
  void put(const Entry& entry);

  size_t bytes() const { return slots_.capacity() * sizeof(Entry); }
  // All places, empty ones (kNone) too; grown() changes when entries have moved.
  const std::vector<Entry>& slots() const { return slots_; }
  uint64_t grown() const { return grown_; }

 private:
  Entry& find(uint64_t high, uint64_t low);
  void grow(int64_t forget_ms);

  std::vector<Entry> slots_;
  size_t taken_ = 0;  // places handed out for new entries
  uint64_t grown_ = 0;
};

}  // namespace tradewind::stream
