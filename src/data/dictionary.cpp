#include "data/dictionary.h"

#include <algorithm>

#include "base/hash.h"

namespace tradewind {
namespace {

constexpr size_t kBlock = 128;
constexpr size_t kFirstSlots = 64;
constexpr size_t kFirstChunk = 1024;
constexpr size_t kMostChunk = 256 * 1024;
constexpr size_t kWorthSweeping = 256 * 1024;  // unused keys

uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace

Dictionary::Dictionary() : table_(kFirstSlots), mask_(kFirstSlots - 1) {}

BytesView Dictionary::keep(BytesView key) {
  if (key.empty()) return {"", 0};
  if (key.size() > arena_left_) {
    const size_t grown = std::clamp(arena_bytes_, kFirstChunk, kMostChunk);
    const size_t size = std::max(grown, key.size());
    arena_.push_back(std::make_unique<char[]>(size));
    arena_at_ = arena_.back().get();
    arena_left_ = size;
    arena_bytes_ += size;
  }
  char* at = arena_at_;
  std::memcpy(at, key.data(), key.size());
  arena_at_ += key.size();
  arena_left_ -= key.size();
  return {at, key.size()};
}

// REQUIRES the key is not in the table.
void Dictionary::place(uint32_t id, uint64_t hash) {
  size_t at = hash & mask_;
  while (table_[at].id != kNone) at = (at + 1) & mask_;
  table_[at] = {tag_of(hash), id};
}

void Dictionary::rebuild(size_t slots) {
  LargeVector<Slot>(slots).swap(table_);
  mask_ = slots - 1;
  place_known();
}

// By id, for so their bytes lie one behind the other, and in blocks, so that many slots are fetched at once.
void Dictionary::place_known() {
  uint64_t hashes[kBlock];
  for (size_t from = 0; from < known_.size(); from += kBlock) {
    const size_t to = std::min(from + kBlock, known_.size());
    for (size_t id = from; id < to; ++id) {
      if (known_[id].data == nullptr) continue;
      hashes[id - from] = hash64(key(static_cast<uint32_t>(id)));
      __builtin_prefetch(&table_[hashes[id - from] & mask_], 1);
    }
    for (size_t id = from; id < to; ++id) {
      if (known_[id].data != nullptr) place(static_cast<uint32_t>(id), hashes[id - from]);
    }
  }
}

uint32_t Dictionary::add(BytesView key, uint64_t hash) {
  if ((filled_ + 1) * 5 > table_.size() * 4) rebuild(table_.size() * 2);
  uint32_t id;
  if (free_.empty()) {
    id = static_cast<uint32_t>(known_.size());
    known_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Known& known = known_[id];
  const BytesView kept = keep(key);
  head_of(kept, known.head);
  known.data = kept.data();
  known.size = static_cast<uint32_t>(kept.size());
  known.uses = 0;
  ++unused_;  // until somebody retains it
  place(id, hash);
  ++filled_;
  return id;
}

uint32_t Dictionary::intern_hashed(BytesView key, uint64_t hash) {
  const uint32_t tag = tag_of(hash);
  uint64_t head[2];
  head_of(key, head);
  for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = table_[at];
    if (slot.id == kNone) return add(key, hash);
    if (slot.tag == tag && is(known_[slot.id], key, head)) return slot.id;
  }
}

uint32_t Dictionary::intern(BytesView key) {
  return intern_hashed(key, hash64(key));
}

uint32_t Dictionary::find(BytesView wanted) const {
  const uint64_t hash = hash64(wanted);
  for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = table_[at];
    if (slot.id == kNone) return kNone;
    if (slot.tag == tag_of(hash) && key(slot.id) == wanted) return slot.id;
  }
}

// In passes over blocks that fit the first cache, so that the memory of many keys is fetched at once: hashes;
// the table; the first key with the same tag, which is nearly always the one; and then what is left, mostly
// new keys.
const std::vector<uint32_t>& Dictionary::intern_column(const Column& column) {
  Column::Interned& interned = column.interned();
  if (interned.dictionary == this) return interned.ids;
  const size_t rows = column.size();
  const BytesView* values = column.data<BytesView>();
  const uint8_t* valid = column.valid();
  interned.ids.resize(rows);
  for (size_t from = 0; from < rows; from += kBlock) {
    const size_t count = std::min(kBlock, rows - from);
    intern_block(values + from, valid == nullptr ? nullptr : valid + from, count, interned.ids.data() + from);
  }
  interned.dictionary = this;
  return interned.ids;
}

void Dictionary::intern_all(const BytesView* keys, size_t count, uint32_t* ids) {
  for (size_t from = 0; from < count; from += kBlock)
    intern_block(keys + from, nullptr, std::min(kBlock, count - from), ids + from);
}

void Dictionary::intern_block(const BytesView* values, const uint8_t* valid, size_t count, uint32_t* ids) {
  uint64_t hashes[kBlock];
  for (size_t i = 0; i < count; ++i) {
    hashes[i] = hash64(values[i]);
    __builtin_prefetch(&table_[hashes[i] & mask_]);
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t tag = tag_of(hashes[i]);
    size_t at = hashes[i] & mask_;
    while (table_[at].id != kNone && table_[at].tag != tag) at = (at + 1) & mask_;
    ids[i] = table_[at].id;
    if (ids[i] != kNone) __builtin_prefetch(&known_[ids[i]]);
  }
  for (size_t i = 0; i < count; ++i) {
    if (valid != nullptr && valid[i] == 0) {
      ids[i] = kNone;
      continue;
    }
    uint64_t head[2];
    head_of(values[i], head);
    if (ids[i] == kNone || !is(known_[ids[i]], values[i], head)) ids[i] = intern_hashed(values[i], hashes[i]);
  }
}

void Dictionary::sweep() {
  // Worth it only when much is unused: the whole arena is written anew, and a key that is gone today may be
  // back tomorrow.
  if (unused_ < kWorthSweeping || unused_ * 2 < known_.size()) return;
  ++epoch_;
  std::vector<std::unique_ptr<char[]>> old;
  old.swap(arena_);
  arena_left_ = 0;
  arena_bytes_ = 0;
  free_.clear();
  filled_ = 0;
  std::fill(table_.begin(), table_.end(), Slot());
  for (uint32_t id = 0; id < known_.size(); ++id) {
    Known& known = known_[id];
    if (known.uses == 0) {
      known = Known();
      free_.push_back(id);
      continue;
    }
    known.data = keep(key(id)).data();
    ++filled_;
  }
  place_known();
  unused_ = 0;
}

}  // namespace tradewind
