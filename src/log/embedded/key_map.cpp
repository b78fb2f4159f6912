#include "log/embedded/key_map.h"

#include <algorithm>

#include "base/hash.h"

namespace tradewind::log {
namespace {

constexpr size_t kLeastSlots = 1024;

}  // namespace

KeyMap::KeyMap(uint64_t most_bytes)
    : most_keys_(std::max<uint64_t>(most_bytes / (2 * sizeof(Slot)), 1)), slots_(kLeastSlots) {}

// The two halves are made in different ways, so that keys which meet in one do not in the other.
KeyMap::Slot KeyMap::slot_of(BytesView key) {
  const auto low = static_cast<uint32_t>(murmur2(key));
  return {hash64(key), uint64_t{crc32c(key)} << 32 | low, -1};
}

size_t KeyMap::find(const Slot& wanted) const {
  const size_t mask = slots_.size() - 1;
  size_t at = wanted.first & mask;
  while (slots_[at].offset >= 0 && (slots_[at].first != wanted.first || slots_[at].second != wanted.second)) {
    at = (at + 1) & mask;
  }
  return at;
}

void KeyMap::put(BytesView key, Offset offset) {
  Slot slot = slot_of(key);
  slot.offset = offset;
  size_t at = find(slot);
  if (slots_[at].offset < 0) {
    if (2 * (keys_ + 1) > slots_.size()) {
      grow();
      at = find(slot);
    }
    ++keys_;
  }
  slots_[at] = slot;
}

Offset KeyMap::latest(BytesView key) const {
  return slots_[find(slot_of(key))].offset;
}

void KeyMap::grow() {
  std::vector<Slot> before(slots_.size() * 2);
  before.swap(slots_);
  for (const Slot& slot : before) {
    if (slot.offset >= 0) slots_[find(slot)] = slot;
  }
}

}  // namespace tradewind::log
