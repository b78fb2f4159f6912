#include "log/log.h"

namespace tradewind::log {

Offsets Log::ends(const std::vector<Position>& positions, Duration) {
  Offsets ends;
  for (const Position& position : positions) {
    if (const auto there = bounds(position, Visibility::written); there.ok()) ends[position] = there->end;
  }
  return ends;
}

std::map<Position, Log::Backlog> Log::backlog(const Offsets& places) {
  std::map<Position, Backlog> found;
  for (const auto& [position, next] : places) {
    const auto there = bounds(position, Visibility::written);
    if (!there.ok()) continue;
    Backlog& one = found[position];
    if (there->end <= next) continue;
    one.records = there->end - std::max(next, there->begin);
    if (const auto oldest = appended(position, next); oldest.ok()) one.oldest = *oldest;
  }
  return found;
}

}  // namespace tradewind::log
