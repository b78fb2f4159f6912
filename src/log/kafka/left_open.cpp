#include "log/kafka/left_open.h"

#include <algorithm>
#include <optional>

namespace tradewind::log::kafka {
namespace {

constexpr int64_t kMomentNs = 300'000'000;
constexpr Duration kPause(20);
constexpr Duration kOneTry(1'500);  // then brokers are asked anew who leads what

// What is committed ends before what is written: there a transaction lies open. Where it goes on meanwhile,
// that one has ended.
Result<Offsets> open_now(Catalog& catalog, const std::vector<Position>& positions,
                         const std::optional<Offsets>& before, Duration patience) {
  const Offsets committed = TRY(catalog.committed_ends(positions, patience));
  const Offsets written = TRY(catalog.ends(positions, patience));
  Offsets open;
  for (const Position& position : positions) {
    const auto end = committed.find(position);
    const auto last = written.find(position);
    if (end == committed.end() || last == written.end()) {
      return Error{Code::unavailable, "the ends of topic " + position.topic + " partition " +
                                          std::to_string(position.partition) + " cannot be read"};
    }
    const bool moved = before && before->at(position) != end->second;
    if (end->second < last->second && !moved) open[position] = end->second;
  }
  return open;
}

}  // namespace

Result<Offsets> left_open(Catalog& catalog, const std::vector<Position>& positions, Clock& clock,
                          Duration patience) {
  const int64_t began = clock.monotonic_ns();
  std::vector<Position> asked = positions;
  std::optional<Offsets> open;
  while (!asked.empty()) {
    const int64_t gone_ns = clock.monotonic_ns() - began;
    if (open && gone_ns > kMomentNs) break;
    const Duration left(patience.count() - gone_ns / 1'000'000);
    auto now = open_now(catalog, asked, open, std::clamp(left, Duration(1), kOneTry));
    if (!now.ok() && left <= kPause) return now.error();
    if (now.ok()) {
      open = *std::move(now);
      asked.clear();
      for (const auto& [position, offset] : *open) asked.push_back(position);
    }
    if (!asked.empty()) clock.sleep(kPause);
  }
  return open.value_or(Offsets());
}

}  // namespace tradewind::log::kafka
