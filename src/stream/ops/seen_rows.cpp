#include "stream/ops/seen_rows.h"

#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace tradewind::stream {
namespace {

constexpr size_t kLeastSlots = 64;

// Two lanes of a folded multiply over the same words, each with a mixing of its own.
void hash_of(BytesView key, uint64_t& high, uint64_t& low) {
  high = key.size();
  low = ~high;
  while (!key.empty()) {
    const size_t size = key.size() < 8 ? key.size() : 8;
    uint64_t word = 0;
    std::memcpy(&word, key.data(), size);
    key.remove_prefix(size);
    high = mix64(high ^ word, 0x8ebc6af09c88c6e3ULL);
    low = mix64(low + word, 0x589965cc75374cc3ULL ^ (low >> 32));
  }
}

}  // namespace

SeenRows::Entry& SeenRows::find(uint64_t high, uint64_t low) {
  const size_t mask = slots_.size() - 1;
  size_t at = low & mask;
  while (slots_[at].time_ms != Entry::kNone && (slots_[at].low != low || slots_[at].high != high))
    at = (at + 1) & mask;
  return slots_[at];
}

SeenRows::Entry& SeenRows::place_of(BytesView key, int64_t forget_ms) {
  if ((taken_ + 1) * 3 > slots_.size() * 2) grow(forget_ms);
  uint64_t high = 0;
  uint64_t low = 0;
  hash_of(key, high, low);
  Entry& entry = find(high, low);
  if (entry.time_ms == Entry::kNone) {
    // Counted before it is filled: at worst the table grows early.
    ++taken_;
    entry.high = high;
    entry.low = low;
  }
  return entry;
}

void SeenRows::put(const Entry& entry) {
  CHECK(entry.time_ms != Entry::kNone);
  if ((taken_ + 1) * 3 > slots_.size() * 2) grow(INT64_MIN);
  Entry& place = find(entry.high, entry.low);
  if (place.time_ms == Entry::kNone) ++taken_;
  place = entry;
}

void SeenRows::grow(int64_t forget_ms) {
  const auto counts = [&](const Entry& entry) {
    return entry.time_ms != Entry::kNone && entry.time_ms > forget_ms;
  };
  size_t kept = 0;
  for (const Entry& entry : slots_) kept += counts(entry) ? 1 : 0;
  size_t size = kLeastSlots;
  while (size < kept * 3) size *= 2;  // at most a third full
  std::vector<Entry> old(size);
  old.swap(slots_);
  taken_ = kept;
  ++grown_;
  for (const Entry& entry : old) {
    if (counts(entry)) find(entry.high, entry.low) = entry;
  }
}

}  // namespace tradewind::stream
