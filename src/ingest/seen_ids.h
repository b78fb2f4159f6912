#pragma once
// SeenIds: the ids of the last events, up to a number and an age.
//
// In shards, so that no addition has to move all of them at once. About 60 bytes an id. Threads: one at a
// time.

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "ingest/events.h"

namespace tradewind::ingest {

class SeenIds {
 public:
  SeenIds(size_t most, int64_t kept_ms) : most_(most), kept_ms_(kept_ms) {}

  bool contains(const EventId& id) const;
  // Brings what contains() will look at near.
  void prefetch(const EventId& id) const;
  // False: it was there. Forgets what is too old or too many.
  bool add(const EventId& id, int64_t now_ms);
  // Forgets the last `count` that were added: they did not come to be.
  void take_back(size_t count);
  size_t size() const { return order_.size(); }

 private:
  static constexpr size_t kShards = 256;

  // Open addressing, linear; an id of zeros is no id.
  struct Shard {
    std::vector<EventId> places;
    size_t used = 0;

    size_t home(const EventId& id) const { return id.low & (places.size() - 1); }
    // Where it is, or where it would be. REQUIRES there are places.
    size_t find(const EventId& id) const;
    void grow();
    void erase(size_t place);
  };
  static EventId kept(EventId id) {
    if (id == EventId()) id.low = 1;
    return id;
  }
  const Shard& shard(const EventId& id) const { return shards_[id.high >> 56]; }
  void forget(const EventId& id);

  const size_t most_;
  const int64_t kept_ms_;
  std::array<Shard, kShards> shards_;
  std::deque<std::pair<int64_t, EventId>> order_;
};

}  // namespace tradewind::ingest
