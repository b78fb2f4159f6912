#include "ingest/seen_ids.h"

namespace tradewind::ingest {
namespace {

constexpr size_t kLeastPlaces = 16;

}  // namespace

size_t SeenIds::Shard::find(const EventId& id) const {
  const size_t mask = places.size() - 1;
  size_t place = home(id);
  while (!(places[place] == EventId()) && !(places[place] == id)) place = (place + 1) & mask;
  return place;
}

void SeenIds::Shard::grow() {
  std::vector<EventId> old(places.empty() ? kLeastPlaces : places.size() * 2);
  old.swap(places);
  for (const EventId& id : old) {
    if (!(id == EventId())) places[find(id)] = id;
  }
}

// What stands behind moves up, so that no search ends early.
void SeenIds::Shard::erase(size_t place) {
  const size_t mask = places.size() - 1;
  for (size_t next = (place + 1) & mask; !(places[next] == EventId()); next = (next + 1) & mask) {
    const size_t away = (next - home(places[next])) & mask;
    if (away < ((next - place) & mask)) continue;  // it stands between its home and the gap
    places[place] = places[next];
    place = next;
  }
  places[place] = EventId();
  --used;
}

bool SeenIds::contains(const EventId& given) const {
  const EventId id = kept(given);
  const Shard& in = shard(id);
  return !in.places.empty() && in.places[in.find(id)] == id;
}

void SeenIds::prefetch(const EventId& given) const {
  const EventId id = kept(given);
  const Shard& in = shard(id);
  if (!in.places.empty()) __builtin_prefetch(&in.places[in.home(id)]);
}

bool SeenIds::add(const EventId& given, int64_t now_ms) {
  const EventId id = kept(given);
  Shard& in = shards_[id.high >> 56];
  if ((in.used + 1) * 4 > in.places.size() * 3) in.grow();
  const size_t place = in.find(id);
  if (in.places[place] == id) return false;
  in.places[place] = id;
  ++in.used;
  order_.emplace_back(now_ms, id);
  while (!order_.empty() && (order_.size() > most_ || order_.front().first < now_ms - kept_ms_)) {
    forget(order_.front().second);
    order_.pop_front();
  }
  return true;
}

void SeenIds::take_back(size_t count) {
  for (; count > 0 && !order_.empty(); --count) {
    forget(order_.back().second);
    order_.pop_back();
  }
}

void SeenIds::forget(const EventId& id) {
  Shard& in = shards_[id.high >> 56];
  const size_t place = in.find(id);
  if (in.places[place] == id) in.erase(place);
}

}  // namespace tradewind::ingest
