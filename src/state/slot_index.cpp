#include "state/slot_index.h"

#include <algorithm>

namespace tradewind::state {
namespace {

constexpr size_t kFirstSlots = 16;

}  // namespace

void SlotIndex::rebuild(size_t slots) {
  LargeVector<Entry> old(slots);
  old.swap(table_);
  mask_ = slots - 1;
  for (const Entry& entry : old) {
    if (entry.slot == kNone) continue;
    size_t at = spread(entry.key) & mask_;
    while (table_[at].slot != kNone) at = (at + 1) & mask_;
    table_[at] = entry;
  }
}

void SlotIndex::make_dense(uint32_t keys) {
  dense_.assign(keys, kNone);
  for (const Entry& entry : table_) {
    if (entry.slot != kNone) dense_[entry.key] = entry.slot;
  }
  table_ = {};
}

void SlotIndex::expect(uint32_t count, uint32_t keys) {
  if (size_t{count} * 4 > keys) make_dense(keys);
}

// The array takes 4 bytes for each key there is, the table some 16 for each key in it.
void SlotIndex::add(uint32_t key, uint32_t slot, uint32_t keys) {
  keys = std::max(keys, key + 1);
  ++count_;
  if (!dense_.empty()) {
    if (key >= dense_.size()) dense_.resize(std::max<size_t>(keys, dense_.size() * 5 / 4), kNone);
    dense_[key] = slot;
    return;
  }
  if (table_.empty()) rebuild(kFirstSlots);
  if (size_t{count_} * 2 > table_.size()) {
    if (size_t{count_} * 4 > keys) {
      make_dense(keys);
      dense_[key] = slot;
      return;
    }
    rebuild(table_.size() * 2);
  }
  size_t at = spread(key) & mask_;
  while (table_[at].slot != kNone) at = (at + 1) & mask_;
  table_[at] = {key, slot};
}

}  // namespace tradewind::state
