#pragma once
// SeenIds: the ids of the last events, up to a number and an age.
//
// They lie in the order they came; tables in shards say where, so that no addition has to move all of them at
// once. About 30 bytes an id, 45 where each came at a time of its own. Threads: one at a time.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/memory.h"
#include "ingest/events.h"

namespace tradewind::ingest {

class SeenIds {
 public:
  // REQUIRES most < 2^32.
  SeenIds(size_t most, int64_t kept_ms) : most_(most), kept_ms_(kept_ms) {}

  bool contains(const EventId& id) const;
  // Brings what contains() will look at near.
  void prefetch(const EventId& id) const;
  // False: it was there. Forgets what is too old or too many.
  bool add(const EventId& id, int64_t now_ms);
  // Forgets the last `count` that were added: they did not come to be.
  void take_back(size_t count);
  size_t size() const { return end_ - begin_; }

 private:
  static constexpr size_t kShards = 16;  // few: each soon fills huge pages
  static constexpr size_t kBlockIds = 4096;
  using Block = std::array<EventId, kBlockIds>;

  // Where an id lies: a part of it, and the low half of its number.
  struct Slot {
    uint32_t tag = 0;  // 0: nothing lies here
    uint32_t number = 0;
  };
  // Open addressing, linear.
  struct Shard {
    LargeVector<Slot> slots;
    size_t used = 0;

    size_t home(uint32_t tag) const { return tag & (slots.size() - 1); }
    size_t behind(size_t place) const { return (place + 1) & (slots.size() - 1); }
    void grow();
    void erase(size_t place);
  };
  // Ids from the number `first` on came at `ms`.
  struct Time {
    int64_t ms;
    uint64_t first;
  };

  static uint32_t tag_of(const EventId& id) { return static_cast<uint32_t>(id.low) | 0x80000000U; }
  static size_t shard_of(const EventId& id) { return id.high % kShards; }
  const EventId& at(uint64_t number) const {
    return (*blocks_[number / kBlockIds - begin_ / kBlockIds])[number % kBlockIds];
  }
  bool holds(const Slot& slot, const EventId& id) const;
  // The slot it lies in, or the empty one where it would be. REQUIRES there are slots.
  size_t find(const Shard& in, const EventId& id) const;
  void push(const EventId& id, int64_t now_ms);
  void forget(const EventId& id);
  void forget_oldest();

  const size_t most_;
  const int64_t kept_ms_;
  std::array<Shard, kShards> shards_;
  // Those of the numbers [begin_, end_); the first lies in the first block.
  std::deque<std::unique_ptr<Block>> blocks_;
  std::unique_ptr<Block> spare_;
  std::deque<Time> times_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

}  // namespace tradewind::ingest
