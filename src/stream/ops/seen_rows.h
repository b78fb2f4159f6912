#pragma once
// SeenRows: what has passed lately: 128-bit hashes of keys with the event time of the last one that passed.
//
// Open-addressed tables of 24-byte entries, many small ones so that none takes long to grow. What is too old
// to matter goes when its table is full; a table is between 62 and 80 % full, and a row costs one look on
// average. Two different keys have the same hash once in 2^128 / n cases for n keys within the time.
// Threads: one owner.

#include <array>
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

  size_t bytes() const { return slots_ * sizeof(Entry); }

  struct Table {
    std::vector<Entry> slots;  // empty ones (kNone) too
    size_t taken = 0;          // slots handed out for new entries
    uint64_t built = 0;        // changes when entries have moved
  };
  static constexpr size_t kTables = 64;
  const std::array<Table, kTables>& tables() const { return tables_; }

 private:
  Entry& room_for(uint64_t high, uint64_t low, int64_t forget_ms);
  static Entry& find(Table& table, uint64_t high, uint64_t low);
  void rebuild(Table& table, int64_t forget_ms);

  std::array<Table, kTables> tables_;
  size_t slots_ = 0;
};

}  // namespace tradewind::stream
