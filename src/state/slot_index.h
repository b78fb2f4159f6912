#pragma once
// SlotIndex: key id -> slot of a window. An array by key id where the window holds a good part of all keys,
// else a small hash table: a thousand windows of a few keys each must not cost an array of all keys each.
//
// Threads: one owner; find() may be called by others while the owner is kept out.

#include <cstddef>
#include <cstdint>

#include "base/memory.h"

namespace tradewind::state {

class SlotIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  uint32_t find(uint32_t key) const {
    if (!table_.empty()) {
      for (size_t at = spread(key) & mask_;; at = (at + 1) & mask_) {
        if (table_[at].slot == kNone || table_[at].key == key) return table_[at].slot;
      }
    }
    return key < dense_.size() ? dense_[key] : kNone;
  }
  void prefetch(uint32_t key) const {
    if (!table_.empty())
      __builtin_prefetch(&table_[spread(key) & mask_]);
    else
      __builtin_prefetch(dense_.data() + key);
  }
  // About so many will be added, of so many keys. REQUIRES it is empty.
  void expect(uint32_t count, uint32_t keys);
  // REQUIRES the key is not there. `keys`: how many ids have been given out.
  void add(uint32_t key, uint32_t slot, uint32_t keys);
  size_t bytes() const { return table_.capacity() * sizeof(Entry) + dense_.capacity() * sizeof(uint32_t); }

 private:
  struct Entry {
    uint32_t key = 0;
    uint32_t slot = kNone;
  };
  static size_t spread(uint32_t key) { return key * 0x9e3779b1U >> 7; }
  void rebuild(size_t slots);
  void make_dense(uint32_t keys);

  LargeVector<Entry> table_;  // empty: dense
  size_t mask_ = 0;
  uint32_t count_ = 0;
  LargeVector<uint32_t> dense_;
};

}  // namespace tradewind::state
