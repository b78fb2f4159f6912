#include "stream/ops/funnel_paths.h"

#include "base/coding.h"

namespace tradewind::stream {
namespace {

bool takes(const FunnelEvent& event, size_t step) {
  return (event.steps >> (step - 1) & 1) != 0;
}

}  // namespace

void FunnelPath::take(const FunnelEvent& event, const FunnelRules& rules,
                      std::vector<FunnelStepTaken>& taken) {
  tries_.resize(rules.steps);
  rules.best ? take_best(event, rules, taken) : take_first(event, rules, taken);
}

void FunnelPath::advance(size_t step, Try next, std::optional<int64_t> waited,
                         std::vector<FunnelStepTaken>& taken) {
  taken.push_back({step, next.entry_ms, next.group, waited});
  tries_[step - 1] = std::move(next);
}

// From the last step to the first, so that a row does not take the same try two steps on.
void FunnelPath::take_best(const FunnelEvent& event, const FunnelRules& rules,
                           std::vector<FunnelStepTaken>& taken) {
  for (size_t step = rules.steps; step > 1; --step) {
    if (!takes(event, step) || !tries_[step - 2]) continue;
    const Try& before = *tries_[step - 2];
    if (event.time_ms - before.entry_ms > rules.within_ms) continue;
    const auto& known = tries_[step - 1];
    if (known && known->entry_ms == before.entry_ms) continue;  // this try has taken it
    advance(step, {before.entry_ms, event.time_ms, before.group}, event.time_ms - before.reached_ms, taken);
  }
  if (!takes(event, 1) || (tries_[0] && tries_[0]->entry_ms == event.time_ms)) return;
  advance(1, {event.time_ms, event.time_ms, event.group}, std::nullopt, taken);
}

void FunnelPath::take_first(const FunnelEvent& event, const FunnelRules& rules,
                            std::vector<FunnelStepTaken>& taken) {
  size_t step = 0;  // the last one the try has taken
  for (size_t i = 0; i < rules.steps; ++i) {
    if (tries_[i]) step = i + 1;
  }
  const bool open =
      step > 0 && step < rules.steps && event.time_ms - tries_[step - 1]->entry_ms <= rules.within_ms;
  if (!open) {
    const bool again = step > 0 && tries_[step - 1]->entry_ms == event.time_ms;
    if (!takes(event, 1) || again) return;
    if (step > 0) tries_[step - 1].reset();
    advance(1, {event.time_ms, event.time_ms, event.group}, std::nullopt, taken);
    return;
  }
  if (!takes(event, step + 1)) return;
  Try next = std::move(*tries_[step - 1]);
  tries_[step - 1].reset();
  const int64_t waited = event.time_ms - next.reached_ms;
  next.reached_ms = event.time_ms;
  advance(step + 1, std::move(next), waited, taken);
}

void FunnelPath::save(Bytes& out) const {
  put_varint(out, tries_.size());
  for (const auto& known : tries_) {
    out += known ? '\x01' : '\0';
    if (!known) continue;
    put_zigzag(out, known->entry_ms);
    put_zigzag(out, known->reached_ms);
    put_bytes(out, known->group);
  }
}

bool FunnelPath::load(BytesView& in, const FunnelRules& rules) {
  uint64_t count = 0;
  if (!get_varint(in, count) || count > rules.steps) return false;
  tries_.assign(count, std::nullopt);
  for (auto& known : tries_) {
    if (in.empty()) return false;
    const bool there = in[0] != '\0';
    in.remove_prefix(1);
    if (!there) continue;
    known.emplace();
    BytesView group;
    if (!get_zigzag(in, known->entry_ms) || !get_zigzag(in, known->reached_ms) || !get_bytes(in, group))
      return false;
    known->group = Bytes(group);
  }
  return true;
}

}  // namespace tradewind::stream
