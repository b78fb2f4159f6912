#include "data/dictionary.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace tradewind {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr size_t kChunk = 64 * 1024;

}  // namespace

Dictionary::Dictionary() : table_(kFirstSlots), mask_(kFirstSlots - 1) {}

BytesView Dictionary::keep(BytesView key) {
  if (key.empty()) return {};
  if (key.size() > arena_left_) {
    const size_t size = std::max(kChunk, key.size());
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

void Dictionary::rebuild(size_t slots) {
  std::vector<Entry> old(slots);
  old.swap(table_);
  mask_ = slots - 1;
  for (const Entry& entry : old) {
    if (entry.id == kNone) continue;
    size_t at = hash64(keys_[entry.id]) & mask_;
    while (table_[at].id != kNone) at = (at + 1) & mask_;
    table_[at] = entry;
  }
}

void Dictionary::put(size_t at, uint32_t id, uint64_t hash) {
  Entry& entry = table_[at];
  head_of(keys_[id], entry.head);
  entry.hash = static_cast<uint32_t>(hash >> 32);
  entry.id = id;
  entry.size = static_cast<uint32_t>(keys_[id].size());
}

uint32_t Dictionary::add(BytesView key, uint64_t hash) {
  if ((filled_ + 1) * 2 > table_.size()) rebuild(table_.size() * 2);
  uint32_t id;
  if (free_.empty()) {
    id = static_cast<uint32_t>(keys_.size());
    keys_.push_back(keep(key));
    uses_.push_back(0);
  } else {
    id = free_.back();
    free_.pop_back();
    keys_[id] = keep(key);
  }
  ++unused_;  // until somebody retains it
  size_t at = hash & mask_;
  while (table_[at].id != kNone) at = (at + 1) & mask_;
  put(at, id, hash);
  ++filled_;
  return id;
}

void Dictionary::head_of(BytesView key, uint64_t* head) {
  const char* data = key.data();
  const size_t size = key.size();
  head[0] = head[1] = 0;
  if (size > kShort) return;
  if (size >= 8) {
    std::memcpy(&head[0], data, 8);
    std::memcpy(&head[1], data + size - 8, 8);  // overlaps; the size tells the rest
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

bool Dictionary::holds(const Entry& entry, BytesView key, const uint64_t* head) const {
  if (entry.size != key.size() || entry.head[0] != head[0] || entry.head[1] != head[1]) return false;
  return key.size() <= kShort || keys_[entry.id] == key;
}

uint32_t Dictionary::intern_hashed(BytesView key, uint64_t hash) {
  const auto tag = static_cast<uint32_t>(hash >> 32);
  uint64_t head[2];
  head_of(key, head);
  for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Entry& entry = table_[at];
    if (entry.id == kNone) return add(key, hash);
    if (entry.hash == tag && holds(entry, key, head)) return entry.id;
  }
}

uint32_t Dictionary::intern(BytesView key) {
  return intern_hashed(key, hash64(key));
}

uint32_t Dictionary::find(BytesView key) const {
  const uint64_t hash = hash64(key);
  const auto tag = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Entry& entry = table_[at];
    if (entry.id == kNone) return kNone;
    if (entry.hash == tag && keys_[entry.id] == key) return entry.id;
  }
}

const std::vector<uint32_t>& Dictionary::intern_column(const Column& column) {
  Column::Interned& interned = column.interned();
  if (interned.dictionary == this) return interned.ids;
  const size_t rows = column.size();
  const BytesView* values = column.data<BytesView>();
  const uint8_t* valid = column.valid();
  interned.ids.resize(rows);
  hashes_.resize(rows);
  for (size_t i = 0; i < rows; ++i) hashes_[i] = hash64(values[i]);
  for (size_t i = 0; i < rows; ++i) __builtin_prefetch(&table_[hashes_[i] & mask_]);
  for (size_t i = 0; i < rows; ++i) {
    interned.ids[i] = valid != nullptr && valid[i] == 0 ? kNone : intern_hashed(values[i], hashes_[i]);
  }
  interned.dictionary = this;
  return interned.ids;
}

void Dictionary::sweep() {
  // Worth it only when much is unused: the whole arena is written anew.
  if (unused_ < 4096 || unused_ * 2 < keys_.size()) return;
  ++epoch_;
  std::vector<std::unique_ptr<char[]>> old;
  old.swap(arena_);
  arena_left_ = 0;
  arena_bytes_ = 0;
  free_.clear();
  filled_ = 0;
  table_.assign(table_.size(), Entry());
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (uses_[id] == 0) {
      keys_[id] = {};
      free_.push_back(id);
      continue;
    }
    keys_[id] = keep(keys_[id]);
    const uint64_t hash = hash64(keys_[id]);
    size_t at = hash & mask_;
    while (table_[at].id != kNone) at = (at + 1) & mask_;
    put(at, id, hash);
    ++filled_;
  }
  unused_ = 0;
}

}  // namespace tradewind
