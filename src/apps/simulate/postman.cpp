#include "apps/simulate/postman.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/coding.h"

namespace tradewind::simulate {
namespace {

constexpr int64_t kMinuteMs = 60'000;

// Most within the ten minutes that the shop's queries wait, a fifth beyond them.
int64_t lateness_ms(Random& random) {
  if (random.chance(0.8)) return 5'000 + static_cast<int64_t>(random.below(9 * kMinuteMs));
  return 11 * kMinuteMs + static_cast<int64_t>(random.below(30 * kMinuteMs));
}

}  // namespace

Postman::Postman(uint64_t seed, double late_percent, double doubled_percent)
    : random_(seed ^ 0x706f7374ULL), late_(late_percent / 100), doubled_(doubled_percent / 100) {}

void Postman::keep(int64_t due_ms, const EventView& event) {
  kept_.push_back({due_ms, ++kept_count_, event.time.ms, event.topic, Bytes(event.key), Bytes(event.value)});
  std::push_heap(kept_.begin(), kept_.end(), later);
}

void Postman::carry(int64_t now_ms, size_t first, EventBatch& batch) {
  // Levels of stock come in order, as from one system; profiles and labels come once.
  for (size_t i = batch.size(); i-- > first;) {
    const EventView event = batch[i];
    if (event.topic == Topic::user_profiles || event.topic == Topic::truth) continue;
    const double draw = random_.unit();
    if (draw < doubled_) {
      keep(now_ms + 500 + static_cast<int64_t>(random_.below(2 * kMinuteMs)), event);
    } else if (event.topic != Topic::inventory && draw > 1 - late_) {
      keep(now_ms + lateness_ms(random_), event);
      batch.remove(i);
    }
  }
}

int64_t Postman::next_ms() const {
  return kept_.empty() ? INT64_MAX : kept_.front().due_ms;
}

void Postman::deliver(EventBatch& batch) {
  std::pop_heap(kept_.begin(), kept_.end(), later);
  const Kept& kept = kept_.back();
  batch.append({kept.topic, kept.key, kept.value, {kept.time_ms}});
  kept_.pop_back();
}

void Postman::pause(int64_t length_ms) {
  for (Kept& kept : kept_) kept.due_ms += length_ms;
}

void Postman::save(Bytes& out) const {
  put_fixed(out, random_);
  put_fixed(out, kept_count_);
  put_fixed(out, static_cast<uint64_t>(kept_.size()));
  for (const Kept& kept : kept_) {
    put_fixed(out, kept.due_ms);
    put_fixed(out, kept.number);
    put_fixed(out, kept.time_ms);
    put_fixed(out, kept.topic);
    put_bytes(out, kept.key);
    put_bytes(out, kept.value);
  }
}

bool Postman::load(BytesView& in) {
  uint64_t size = 0;
  if (!get_fixed(in, random_) || !get_fixed(in, kept_count_) || !get_fixed(in, size)) return false;
  kept_.clear();
  for (uint64_t i = 0; i < size; ++i) {
    Kept kept;
    BytesView key, value;
    if (!get_fixed(in, kept.due_ms) || !get_fixed(in, kept.number) || !get_fixed(in, kept.time_ms) ||
        !get_fixed(in, kept.topic) || !get_bytes(in, key) || !get_bytes(in, value))
      return false;
    kept.key = key;
    kept.value = value;
    kept_.push_back(std::move(kept));
  }
  return true;
}

}  // namespace tradewind::simulate
