#pragma once
// KeyMap: the highest offset seen of each key, by 128 bits of hash, within a stated amount of memory.
//
// Threads: one.

#include <vector>

#include "log/record.h"

namespace tradewind::log {

class KeyMap {
 public:
  explicit KeyMap(uint64_t most_bytes);
  // REQUIRES offsets to ascend.
  void put(BytesView key, Offset offset);
  // -1: the key was never put.
  Offset latest(BytesView key) const;
  // Its memory is used up; what is put beyond takes more.
  bool full() const { return keys_ >= most_keys_; }

 private:
  struct Slot {
    uint64_t first = 0;
    uint64_t second = 0;
    Offset offset = -1;  // -1: free
  };
  static Slot slot_of(BytesView key);
  size_t find(const Slot& wanted) const;
  void grow();

  size_t most_keys_;
  size_t keys_ = 0;
  std::vector<Slot> slots_;  // a power of two, at most half of them taken
};

}  // namespace tradewind::log
