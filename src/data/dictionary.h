#pragma once
// Dictionary: byte strings <-> dense ids, so that whoever groups by a column looks each value up once per
// batch and indexes arrays afterwards.
//
// Open addressing. The table holds a tag and an id only, so that 100,000 keys take 2 MB of it; the keys lie
// beside it in the order they first came, so that those that come often lie together in the cache.
// Threads: one owner; key() may be called by others while the owner is kept out.

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/memory.h"
#include "data/column.h"

namespace tradewind {

class Dictionary {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  Dictionary();

  // The id of `key`, given if it is new.
  uint32_t intern(BytesView key);
  // The same for `count` keys at once: much faster where they are many.
  void intern_all(const BytesView* keys, size_t count, uint32_t* ids);
  // kNone when the key is not there.
  uint32_t find(BytesView key) const;
  // Ids of a STRING or BYTES column, kNone for nulls; remembered beside the column.
  const std::vector<uint32_t>& intern_column(const Column& column);

  BytesView key(uint32_t id) const { return {known_[id].data, known_[id].size}; }
  // Asks memory for what key() will read.
  void look(uint32_t id) const { __builtin_prefetch(&known_[id]); }
  // One past the highest id ever given out.
  uint32_t size() const { return static_cast<uint32_t>(known_.size()); }

  // Rows that hold an id keep it alive; sweep() gives ids that nobody holds to new keys. Call it only when no
  // batch is in hand (ids beside columns are gone after it).
  void retain(uint32_t id) {
    if (known_[id].uses++ == 0) --unused_;
  }
  void release(uint32_t id) {
    if (--known_[id].uses == 0) ++unused_;
  }
  void sweep();
  // Grows when sweep() gave ids to other keys.
  uint64_t epoch() const { return epoch_; }
  size_t bytes() const {
    return arena_bytes_ + table_.capacity() * sizeof(Slot) + known_.capacity() * sizeof(Known);
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t id = kNone;
  };
  // A key; of a short one the bytes themselves, so that comparing it touches nothing else.
  static constexpr size_t kShort = 16;
  struct Known {
    uint64_t head[2] = {0, 0};   // as head_of() makes it; longer keys: their first 16 bytes
    const char* data = nullptr;  // null: the id is free
    uint32_t size = 0;
    uint32_t uses = 0;
  };
  bool is(const Known& known, BytesView key, const uint64_t* head) const {
    return known.size == key.size() && known.head[0] == head[0] && known.head[1] == head[1] &&
           (key.size() <= kShort || std::memcmp(known.data, key.data(), key.size()) == 0);
  }
  static void head_of(BytesView key, uint64_t* head) {
    const char* data = key.data();
    const size_t size = key.size();
    head[0] = head[1] = 0;
    if (size >= 8) {
      std::memcpy(&head[0], data, 8);
      std::memcpy(&head[1], data + (size < kShort ? size - 8 : kShort - 8),
                  8);  // overlaps; the size tells the rest
    } else if (size >= 4) {
      uint32_t low, high;
      std::memcpy(&low, data, 4);
      std::memcpy(&high, data + size - 4, 4);
      head[0] = low;
      head[1] = high;
    } else if (size > 0) {
      head[0] = static_cast<uint64_t>(static_cast<uint8_t>(data[0])) << 16 |
                static_cast<uint64_t>(static_cast<uint8_t>(data[size / 2])) << 8 |
                static_cast<uint8_t>(data[size - 1]);
    }
  }
  void intern_block(const BytesView* values, const uint8_t* valid, size_t count, uint32_t* ids);
  uint32_t intern_hashed(BytesView key, uint64_t hash);
  uint32_t add(BytesView key, uint64_t hash);
  void place(uint32_t id, uint64_t hash);
  BytesView keep(BytesView key);
  void rebuild(size_t slots);
  void place_known();

  LargeVector<Slot> table_;
  size_t mask_ = 0;
  size_t filled_ = 0;
  LargeVector<Known> known_;  // by id
  std::vector<uint32_t> free_;
  size_t unused_ = 0;
  std::vector<std::unique_ptr<char[]>> arena_;
  char* arena_at_ = nullptr;
  size_t arena_left_ = 0;
  size_t arena_bytes_ = 0;
  uint64_t epoch_ = 0;
};

}  // namespace tradewind
