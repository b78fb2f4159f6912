#include "ingest/seen_ids.h"

#include <utility>

namespace tradewind::ingest {
namespace {

constexpr size_t kLeastSlots = 16;

}  // namespace

void SeenIds::Shard::grow() {
  LargeVector<Slot> old(slots.empty() ? kLeastSlots : slots.size() * 2);
  old.swap(slots);
  for (const Slot& slot : old) {
    if (slot.tag == 0) continue;
    size_t place = home(slot.tag);
    while (slots[place].tag != 0) place = behind(place);
    slots[place] = slot;
  }
}

// What stands behind moves up, so that no search ends early.
void SeenIds::Shard::erase(size_t place) {
  const size_t mask = slots.size() - 1;
  for (size_t next = behind(place); slots[next].tag != 0; next = behind(next)) {
    const size_t away = (next - home(slots[next].tag)) & mask;
    if (away < ((next - place) & mask)) continue;  // it stands between its home and the gap
    slots[place] = slots[next];
    place = next;
  }
  slots[place] = {};
  --used;
}

// The tags of two ids are seldom the same, so the ids themselves are seldom looked at.
bool SeenIds::holds(const Slot& slot, const EventId& id) const {
  return slot.tag == tag_of(id) && at(begin_ + (slot.number - static_cast<uint32_t>(begin_))) == id;
}

size_t SeenIds::find(const Shard& in, const EventId& id) const {
  size_t place = in.home(tag_of(id));
  while (in.slots[place].tag != 0 && !holds(in.slots[place], id)) place = in.behind(place);
  return place;
}

bool SeenIds::contains(const EventId& id) const {
  const Shard& in = shards_[shard_of(id)];
  return !in.slots.empty() && in.slots[find(in, id)].tag != 0;
}

void SeenIds::prefetch(const EventId& id) const {
  const Shard& in = shards_[shard_of(id)];
  if (!in.slots.empty()) __builtin_prefetch(&in.slots[in.home(tag_of(id))]);
}

bool SeenIds::add(const EventId& id, int64_t now_ms) {
  Shard& in = shards_[shard_of(id)];
  if ((in.used + 1) * 4 > in.slots.size() * 3) in.grow();
  Slot& slot = in.slots[find(in, id)];
  if (slot.tag != 0) return false;
  slot = {tag_of(id), static_cast<uint32_t>(end_)};
  ++in.used;
  push(id, now_ms);
  while (size() > 0 && (size() > most_ || times_.front().ms < now_ms - kept_ms_)) forget_oldest();
  return true;
}

void SeenIds::push(const EventId& id, int64_t now_ms) {
  if (end_ / kBlockIds - begin_ / kBlockIds == blocks_.size()) {
    blocks_.push_back(spare_ != nullptr ? std::move(spare_) : std::make_unique<Block>());
  }
  if (times_.empty() || times_.back().ms != now_ms) times_.push_back({now_ms, end_});
  (*blocks_.back())[end_++ % kBlockIds] = id;
}

void SeenIds::forget_oldest() {
  forget(at(begin_));
  if (++begin_ % kBlockIds == 0) {
    spare_ = std::move(blocks_.front());
    blocks_.pop_front();
  }
  if ((times_.size() > 1 ? times_[1].first : end_) == begin_) times_.pop_front();
}

void SeenIds::take_back(size_t count) {
  for (; count > 0 && size() > 0; --count) {
    forget(at(end_ - 1));
    if (--end_ % kBlockIds == 0) {
      spare_ = std::move(blocks_.back());
      blocks_.pop_back();
    }
    if (times_.back().first == end_) times_.pop_back();
  }
  if (size() == 0) times_.clear();  // of what began and was forgotten in part
}

void SeenIds::forget(const EventId& id) {
  Shard& in = shards_[shard_of(id)];
  const size_t place = find(in, id);
  if (in.slots[place].tag != 0) in.erase(place);
}

}  // namespace tradewind::ingest
