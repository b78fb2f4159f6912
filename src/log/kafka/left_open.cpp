#include "log/kafka/left_open.h"

#include <algorithm>
#include <vector>

namespace tradewind::log::kafka {
namespace {

constexpr int64_t kMomentNs = 300'000'000;
constexpr Duration kPause(20);
constexpr Duration kOneTry(1'500);  // then brokers are asked anew who leads what

// What is committed ends before what is written: there a transaction lies open. Where it goes on meanwhile,
// that one has ended.
LeftOpen open_now(Catalog& catalog, const std::vector<Position>& positions, const Offsets& before,
                  Duration patience) {
  const auto committed = catalog.committed_ends(positions, patience);
  const auto written = catalog.ends(positions, patience);
  LeftOpen found;
  for (const Position& position : positions) {
    const bool known =
        committed.ok() && committed->contains(position) && written.ok() && written->contains(position);
    if (!known) {
      found.unknown.insert(position);
      continue;
    }
    const Offset end = committed->at(position);
    const auto last = before.find(position);
    const bool moved = last != before.end() && last->second != end;
    if (end < written->at(position) && !moved) found.open[position] = end;
  }
  return found;
}

}  // namespace

Result<LeftOpen> left_open(Catalog& catalog, const std::set<Position>& positions,
                           const std::set<Position>& that_matter, Clock& clock, Duration patience) {
  const int64_t began = clock.monotonic_ns();
  std::vector<Position> asked(positions.begin(), positions.end());
  LeftOpen found;
  while (!asked.empty()) {
    const int64_t gone_ns = clock.monotonic_ns() - began;
    const Duration left(patience.count() - gone_ns / 1'000'000);
    LeftOpen now = open_now(catalog, asked, found.open, std::clamp(left, Duration(1), kOneTry));
    found.open = std::move(now.open);
    found.unknown.merge(now.unknown);
    const auto wanted =
        std::find_if(found.unknown.begin(), found.unknown.end(),
                     [&](const Position& position) { return that_matter.contains(position); });
    if (wanted != found.unknown.end() && left <= kPause) {
      return Error{Code::unavailable, "the ends of topic " + wanted->topic + " partition " +
                                          std::to_string(wanted->partition) + " cannot be read"};
    }
    const bool sure = gone_ns > kMomentNs;
    asked.clear();
    if (wanted != found.unknown.end()) {
      asked.assign(found.unknown.begin(), found.unknown.end());
      found.unknown.clear();
    }
    if (!sure || !asked.empty()) {
      for (const auto& [position, offset] : found.open) asked.push_back(position);
    }
    if (!asked.empty()) clock.sleep(kPause);
  }
  return found;
}

}  // namespace tradewind::log::kafka
