#pragma once
// Postman: what comes between the shop and the platform: some events are carried late, some twice.
//
// Threads: one.

#include <cstdint>
#include <vector>

#include "apps/simulate/event_batch.h"
#include "base/random.h"

namespace tradewind::simulate {

class Postman {
 public:
  // REQUIRES percentages from 0 to 100.
  Postman(uint64_t seed, double late_percent, double doubled_percent);

  // Looks at the batch's events from `first` on: takes some out, to bring them later; keeps a copy of others.
  void carry(int64_t now_ms, size_t first, EventBatch& batch);
  // When the next kept event is due; INT64_MAX: none.
  int64_t next_ms() const;
  // Appends it. REQUIRES there is one.
  void deliver(EventBatch& batch);
  // All that is kept comes so much later.
  void pause(int64_t length_ms);

  void save(Bytes& out) const;
  bool load(BytesView& in);

 private:
  struct Kept {
    int64_t due_ms = 0;
    uint64_t number = 0;
    int64_t time_ms = 0;
    Topic topic = Topic::customer_events;
    Bytes key;
    Bytes value;
  };
  static bool later(const Kept& a, const Kept& b) {
    return a.due_ms != b.due_ms ? a.due_ms > b.due_ms : a.number > b.number;
  }
  void keep(int64_t due_ms, const EventView& event);

  Random random_;
  double late_;
  double doubled_;
  uint64_t kept_count_ = 0;
  std::vector<Kept> kept_;  // a heap, the next one first
};

}  // namespace tradewind::simulate
