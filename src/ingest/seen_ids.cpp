#include "ingest/seen_ids.h"

#include <algorithm>
#include <utility>

namespace tradewind::ingest {
namespace {

constexpr size_t kLeastBuckets = 2;
constexpr uint64_t kAhead = 24;  // ids, of those that are forgotten

}  // namespace

size_t SeenIds::Bucket::used() const {
  uint32_t count = 0;
  for (const uint32_t tag : tags) count += tag != 0 ? 1 : 0;
  return count;
}

bool SeenIds::Bucket::may_hold(uint32_t tag) const {
  uint32_t same = 0;
  for (const uint32_t other : tags) same |= other == tag ? 1 : 0;
  return same != 0;
}

// REQUIRES it is not full.
void SeenIds::Bucket::push(uint32_t tag, uint32_t number) {
  const size_t place = used();
  tags[place] = tag;
  numbers[place] = number;
}

void SeenIds::Bucket::erase(size_t place) {
  const size_t last = used() - 1;
  tags[place] = tags[last];
  numbers[place] = numbers[last];
  tags[last] = 0;
}

// REQUIRES there is room.
void SeenIds::Shard::push(uint32_t tag, uint32_t number) {
  size_t bucket = home(tag);
  while (buckets[bucket].full()) bucket = behind(bucket);
  buckets[bucket].push(tag, number);
}

void SeenIds::Shard::grow() {
  LargeVector<Bucket> old(buckets.empty() ? kLeastBuckets : buckets.size() * 2);
  old.swap(buckets);
  for (const Bucket& bucket : old) {
    for (size_t i = 0; i < Bucket::kPlaces && bucket.tags[i] != 0; ++i)
      push(bucket.tags[i], bucket.numbers[i]);
  }
}

// What had to go past a full bucket comes back to it, so that no search ends early.
void SeenIds::Shard::erase(size_t bucket, size_t place) {
  --used;
  const size_t mask = buckets.size() - 1;
  bool was_full = buckets[bucket].full();
  buckets[bucket].erase(place);
  for (size_t next = behind(bucket); was_full && next != bucket; next = behind(next)) {
    Bucket& from = buckets[next];
    was_full = from.full();
    for (size_t i = 0; i < Bucket::kPlaces && from.tags[i] != 0; ++i) {
      const size_t passed = (next - home(from.tags[i])) & mask;  // buckets between its home and here
      if (passed < ((next - bucket) & mask)) continue;
      buckets[bucket].push(from.tags[i], from.numbers[i]);
      from.erase(i);
      bucket = next;
      break;
    }
  }
}

// The tags of two ids are seldom the same, so the ids themselves are seldom looked at.
SeenIds::Place SeenIds::find(const Shard& in, const EventId& id) const {
  const uint32_t tag = tag_of(id);
  for (size_t at = in.home(tag);; at = in.behind(at)) {
    const Bucket& bucket = in.buckets[at];
    if (bucket.may_hold(tag)) {
      for (size_t i = 0; i < Bucket::kPlaces; ++i) {
        const uint64_t number = begin_ + (bucket.numbers[i] - static_cast<uint32_t>(begin_));
        if (bucket.tags[i] == tag && this->at(number) == id) return {at, i};
      }
    }
    if (!bucket.full()) return {at};
  }
}

bool SeenIds::contains(const EventId& id) const {
  const Shard& in = shards_[shard_of(id)];
  return !in.buckets.empty() && find(in, id).known();
}

void SeenIds::prefetch(const EventId& id) const {
  const Shard& in = shards_[shard_of(id)];
  if (!in.buckets.empty()) __builtin_prefetch(&in.buckets[in.home(tag_of(id))]);
}

bool SeenIds::add(const EventId& id, int64_t now_ms) {
  Shard& in = shards_[shard_of(id)];
  if ((in.used + 1) * 4 > in.buckets.size() * Bucket::kPlaces * 3) in.grow();
  const Place place = find(in, id);
  if (place.known()) return false;
  in.buckets[place.bucket].push(tag_of(id), static_cast<uint32_t>(end_));
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
  if (size() > kAhead) prefetch(at(begin_ + kAhead));  // where many come, as many go
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
  const Place place = find(in, id);
  if (place.known()) in.erase(place.bucket, place.place);
}

}  // namespace tradewind::ingest
