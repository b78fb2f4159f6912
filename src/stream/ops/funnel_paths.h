#pragma once
// FunnelPath: what one person's events make of a funnel: which first steps led to which others.
//
// Steps are taken in the order of event time; of rows at the same ms the one of the earlier step is first,
// and a row takes a person one step on, once. BEST: each first step is a try, and a later step belongs to the
// latest try that has taken the step before it and is still in time. FIRST: a try lasts until it has taken
// all steps or its time is over; first steps in between are not tries. Threads: plain values.

#include <compare>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "base/bytes.h"

namespace tradewind::stream {

struct FunnelRules {
  size_t steps = 2;
  int64_t within_ms = 0;  // from the first step on, this long included
  bool best = true;       // else FIRST
};

// A row that takes some step.
struct FunnelEvent {
  int64_t time_ms = 0;
  uint32_t steps = 0;  // bit i: step i + 1
  Bytes group;         // what is grouped by, of this row

  auto operator<=>(const FunnelEvent& other) const {
    return std::tuple(time_ms, lowest(), steps, BytesView(group)) <=>
           std::tuple(other.time_ms, other.lowest(), other.steps, BytesView(other.group));
  }
  bool operator==(const FunnelEvent&) const = default;
  // The same step at the same time is one event, however often it comes.
  bool doubles(const FunnelEvent& other) const { return time_ms == other.time_ms && steps == other.steps; }

 private:
  uint32_t lowest() const { return steps & -steps; }
};

// A try has taken a step.
struct FunnelStepTaken {
  size_t step = 1;
  int64_t entry_ms = 0;              // of its first step
  Bytes group;                       // of its first step
  std::optional<int64_t> waited_ms;  // since the step before

  bool operator==(const FunnelStepTaken&) const = default;
};

class FunnelPath {
 public:
  // The next event in order; what it leads to is appended.
  void take(const FunnelEvent& event, const FunnelRules& rules, std::vector<FunnelStepTaken>& taken);

  void save(Bytes& out) const;
  bool load(BytesView& in, const FunnelRules& rules);

 private:
  // BEST: by step the latest try that has taken it. FIRST: the one try, under the last step it has taken.
  struct Try {
    int64_t entry_ms = 0;
    int64_t reached_ms = 0;
    Bytes group;
  };
  void take_best(const FunnelEvent& event, const FunnelRules& rules, std::vector<FunnelStepTaken>& taken);
  void take_first(const FunnelEvent& event, const FunnelRules& rules, std::vector<FunnelStepTaken>& taken);
  void advance(size_t step, Try next, std::optional<int64_t> waited, std::vector<FunnelStepTaken>& taken);

  std::vector<std::optional<Try>> tries_;
};

}  // namespace tradewind::stream
