#include "log/embedded/index.h"

#include <algorithm>

#include "base/check.h"

namespace tradewind::log {

size_t PartitionIndex::locate(Offset offset) const {
  const auto at =
      std::upper_bound(batches_.begin(), batches_.end(), offset,
                       [](Offset wanted, const BatchPlace& place) { return wanted < place.end(); });
  return static_cast<size_t>(at - batches_.begin());
}

void PartitionIndex::count(const BatchPlace& place, int64_t sign) {
  place.segment->live_batches += sign;
  place.segment->live_bytes += sign * place.bytes();
  bytes_ += sign * place.bytes();
  if (place.compacted == 0) dirty_bytes_ += sign * place.bytes();
}

void PartitionIndex::append(const BatchPlace& place) {
  CHECK(place.base >= next);
  batches_.push_back(place);
  count(place, 1);
  next = place.end();
}

bool PartitionIndex::replace(const BatchPlace& place, uint64_t frame) {
  const size_t from = locate(place.base);
  size_t to = from;
  while (to < batches_.size() && batches_[to].base < place.end()) ++to;
  if (from < to && (batches_[from].base < place.base || batches_[to - 1].end() > place.end())) return false;
  for (size_t i = from; i < to; ++i) {
    count(batches_[i], -1);
    Segment& left = *batches_[i].segment;
    left.emptied_by = std::max(left.emptied_by, frame);
  }
  const auto at = [this](size_t i) { return batches_.begin() + static_cast<ptrdiff_t>(i); };
  const bool kept = place.end() > begin;
  if (kept && from == to) {
    batches_.insert(at(from), place);
  } else if (kept) {
    batches_[from] = place;
    batches_.erase(at(from + 1), at(to));
  } else {
    batches_.erase(at(from), at(to));
  }
  if (kept) count(place, 1);
  next = std::max(next, place.end());
  return true;
}

int64_t PartitionIndex::drop_before(Offset keep, uint64_t frame) {
  int64_t records = 0;
  while (!batches_.empty() && batches_.front().end() <= keep) {
    const BatchPlace& front = batches_.front();
    records += front.count;
    count(front, -1);
    front.segment->emptied_by = std::max(front.segment->emptied_by, frame);
    batches_.pop_front();
  }
  return records;
}

}  // namespace tradewind::log
