#pragma once
// Dictionary: byte strings <-> dense ids, so that whoever groups by a column looks each value up once per
// batch and indexes arrays afterwards. Open addressing, hashes beside the ids, keys in an arena that does not
// move.
//
// Threads: one owner; key() may be called by others while the owner is kept out.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "data/column.h"

namespace tradewind {

class Dictionary {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  Dictionary();

  // The id of `key`, given if it is new.
  uint32_t intern(BytesView key);
  // kNone when the key is not there.
  uint32_t find(BytesView key) const;
  // Ids of a STRING or BYTES column, kNone for nulls; remembered beside the column.
  const std::vector<uint32_t>& intern_column(const Column& column);

  BytesView key(uint32_t id) const { return keys_[id]; }
  // One past the highest id ever given out.
  uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }

  // Rows that hold an id keep it alive; sweep() gives ids that nobody holds to new keys. Call it only when no
  // batch is in hand (ids beside columns are gone after it).
  void retain(uint32_t id) { ++uses_[id]; }
  void release(uint32_t id) {
    if (--uses_[id] == 0) ++unused_;
  }
  void sweep();
  // Grows when sweep() gave ids to other keys.
  uint64_t epoch() const { return epoch_; }
  size_t bytes() const { return arena_bytes_ + table_.size() * sizeof(Entry) + keys_.size() * 24; }

 private:
  // A short key lies in its entry, so that finding it touches one line of memory.
  static constexpr size_t kShort = 16;
  struct Entry {
    uint64_t head[2] = {0, 0};  // the key, zero padded, if it is short
    uint32_t hash = 0;
    uint32_t id = kNone;
    uint32_t size = 0;
    uint32_t reserved = 0;
  };
  bool holds(const Entry& entry, BytesView key, const uint64_t* head) const;
  static void head_of(BytesView key, uint64_t* head);
  uint32_t intern_hashed(BytesView key, uint64_t hash);
  uint32_t add(BytesView key, uint64_t hash);
  void put(size_t at, uint32_t id, uint64_t hash);
  BytesView keep(BytesView key);
  void rebuild(size_t slots);

  std::vector<Entry> table_;
  size_t mask_ = 0;
  size_t filled_ = 0;
  std::vector<BytesView> keys_;
  std::vector<uint32_t> uses_;
  std::vector<uint32_t> free_;
  size_t unused_ = 0;
  std::vector<std::unique_ptr<char[]>> arena_;
  char* arena_at_ = nullptr;
  size_t arena_left_ = 0;
  size_t arena_bytes_ = 0;
  uint64_t epoch_ = 0;
  std::vector<uint64_t> hashes_;  // of the batch at hand
};

}  // namespace tradewind
