#include "stream/ops/seen_rows.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace tradewind::stream {
namespace {

constexpr size_t kLeastSlots = 8;

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

SeenRows::Entry& SeenRows::find(Table& table, uint64_t high, uint64_t low) {
  std::vector<Entry>& slots = table.slots;
  size_t at = static_cast<size_t>((static_cast<unsigned __int128>(low) * slots.size()) >> 64);
  while (slots[at].time_ms != Entry::kNone && (slots[at].low != low || slots[at].high != high))
    at = at + 1 == slots.size() ? 0 : at + 1;
  return slots[at];
}

SeenRows::Entry& SeenRows::room_for(uint64_t high, uint64_t low, int64_t forget_ms) {
  Table& table = tables_[high % kTables];
  if ((table.taken + 1) * 5 > table.slots.size() * 4) rebuild(table, forget_ms);
  Entry& entry = find(table, high, low);
  // Counted before it is filled: at worst the table grows early.
  if (entry.time_ms == Entry::kNone) {
    ++table.taken;
    entry.high = high;
    entry.low = low;
  }
  return entry;
}

SeenRows::Entry& SeenRows::place_of(BytesView key, int64_t forget_ms) {
  uint64_t high = 0;
  uint64_t low = 0;
  hash_of(key, high, low);
  return room_for(high, low, forget_ms);
}

void SeenRows::put(const Entry& entry) {
  CHECK(entry.time_ms != Entry::kNone);
  room_for(entry.high, entry.low, INT64_MIN) = entry;
}

void SeenRows::rebuild(Table& table, int64_t forget_ms) {
  const auto counts = [&](const Entry& entry) {
    return entry.time_ms != Entry::kNone && entry.time_ms > forget_ms;
  };
  const auto kept = static_cast<size_t>(std::count_if(table.slots.begin(), table.slots.end(), counts));
  std::vector<Entry> old(std::max(kLeastSlots, kept * 8 / 5 + 1));
  old.swap(table.slots);
  slots_ += table.slots.size() - old.size();
  table.taken = kept;
  ++table.built;
  for (const Entry& entry : old) {
    if (counts(entry)) find(table, entry.high, entry.low) = entry;
  }
}

}  // namespace tradewind::stream
