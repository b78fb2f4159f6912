#pragma once
// SeenIds: the ids of the last events, up to a number and an age.
//
// They lie in the order they came; tables in shards say where, so that no addition has to move all of them at
// once, and that hardly any looks at more than one line of the cache. About 30 bytes an id, 45 where each
// came at a time of its own. Threads: one at a time.

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
  // Brings near what contains() and add() will look at: some 20 ids ahead; more of them at once push each
  // other out.
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

  // Eight places on one line of the cache: of the id in each, a part, and the low half of its number. Those
  // that are taken come first.
  struct alignas(64) Bucket {
    static constexpr size_t kPlaces = 8;
    std::array<uint32_t, kPlaces> tags{};  // 0: nothing lies here
    std::array<uint32_t, kPlaces> numbers{};

    size_t used() const;
    bool full() const { return tags.back() != 0; }
    bool may_hold(uint32_t tag) const;
    void push(uint32_t tag, uint32_t number);
    void erase(size_t place);
  };
  // An id lies in the bucket its tag names, or where that is full, in the next that is not.
  struct Shard {
    LargeVector<Bucket> buckets;
    size_t used = 0;

    size_t home(uint32_t tag) const { return tag & (buckets.size() - 1); }
    size_t behind(size_t bucket) const { return (bucket + 1) & (buckets.size() - 1); }
    void push(uint32_t tag, uint32_t number);
    void grow();
    void erase(size_t bucket, size_t place);
  };
  struct Place {
    size_t bucket = 0;
    size_t place = Bucket::kPlaces;  // no id lies there: it is not known
    bool known() const { return place < Bucket::kPlaces; }
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
  // Where it lies, or the bucket it would lie in. REQUIRES there are buckets.
  Place find(const Shard& in, const EventId& id) const;
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
