#include "ingest/quota.h"

#include <algorithm>
#include <cmath>

namespace tradewind::ingest {

Quota::Bucket& Quota::filled(const std::string& client, int64_t now_ms) {
  if (buckets_.size() >= kMostClients && !buckets_.contains(client)) forget_full(now_ms);
  const auto [found, fresh] = buckets_.try_emplace(client, Bucket{static_cast<double>(reserve_), now_ms});
  Bucket& bucket = found->second;
  const double passed = static_cast<double>(std::max<int64_t>(now_ms - bucket.filled_ms, 0)) / 1000;
  bucket.events =
      std::min(bucket.events + passed * static_cast<double>(rate_), static_cast<double>(reserve_));
  bucket.filled_ms = now_ms;
  return bucket;
}

int64_t Quota::wait_ms(const std::string& client, int64_t now_ms) {
  if (unlimited()) return 0;
  const std::lock_guard lock(mutex_);
  const double events = filled(client, now_ms).events;
  if (events >= 1) return 0;
  return std::max<int64_t>(1, std::llround((1 - events) * 1000 / static_cast<double>(rate_)));
}

void Quota::take(const std::string& client, int64_t events, int64_t now_ms) {
  if (unlimited()) return;
  const std::lock_guard lock(mutex_);
  filled(client, now_ms).events -= static_cast<double>(events);
}

// Who would be full by now is as good as unknown; if all owe something, the known are forgotten.
void Quota::forget_full(int64_t now_ms) {
  std::erase_if(buckets_, [&](const auto& known) {
    const double passed = static_cast<double>(now_ms - known.second.filled_ms) / 1000;
    return known.second.events + passed * static_cast<double>(rate_) >= static_cast<double>(reserve_);
  });
  if (buckets_.size() >= kMostClients) buckets_.clear();
}

}  // namespace tradewind::ingest
