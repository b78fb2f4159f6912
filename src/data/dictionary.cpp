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
  table_[at] = {static_cast<uint32_t>(hash >> 32), id};
  ++filled_;
  return id;
}

uint32_t Dictionary::intern_hashed(BytesView key, uint64_t hash) {
  const auto tag = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Entry& entry = table_[at];
    if (entry.id == kNone) return add(key, hash);
    if (entry.hash == tag && keys_[entry.id] == key) return entry.id;
  }
}

uint32_t Dictionary::intern(BytesView key) { return intern_hashed(key, hash64(key)); }

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
    table_[at] = {static_cast<uint32_t>(hash >> 32), id};
    ++filled_;
  }
  unused_ = 0;
}

}  // namespace tradewind
