// FunnelPath beside a reference that keeps every try and looks through all of them, on random lists of
// events.
#include "stream/ops/funnel_paths.h"

#include <algorithm>

#include "base/random.h"

namespace tradewind::stream {
namespace {

bool takes(const FunnelEvent& event, size_t step) {
  return (event.steps & (1U << (step - 1))) != 0;
}

struct Try {
  int64_t entry = 0;
  std::vector<int64_t> times;  // of the steps it has taken
};

// Every first step is a try; a later step goes to the youngest try that has taken the step before.
std::vector<FunnelStepTaken> best(const std::vector<FunnelEvent>& events, const FunnelRules& rules) {
  std::vector<Try> tries;
  std::vector<FunnelStepTaken> taken;
  for (const FunnelEvent& event : events) {
    for (size_t step = rules.steps; step > 1; --step) {
      if (!takes(event, step)) continue;
      Try* youngest = nullptr;
      for (Try& one : tries) {
        if (one.times.size() + 1 >= step && (youngest == nullptr || one.entry > youngest->entry))
          youngest = &one;
      }
      if (youngest == nullptr || youngest->times.size() >= step) continue;
      if (event.time_ms - youngest->entry > rules.within_ms) continue;
      taken.push_back({step, youngest->entry, {}, event.time_ms - youngest->times.back()});
      youngest->times.push_back(event.time_ms);
    }
    const bool known =
        std::any_of(tries.begin(), tries.end(), [&](const Try& one) { return one.entry == event.time_ms; });
    if (!takes(event, 1) || known) continue;
    taken.push_back({1, event.time_ms, {}, std::nullopt});
    tries.push_back({event.time_ms, {event.time_ms}});
  }
  return taken;
}

// From each first step that no try is open at, straight through to its end.
std::vector<FunnelStepTaken> first(const std::vector<FunnelEvent>& events, const FunnelRules& rules) {
  std::vector<FunnelStepTaken> taken;
  std::optional<int64_t> last;
  for (size_t i = 0; i < events.size();) {
    if (!takes(events[i], 1) || last == events[i].time_ms) {
      ++i;
      continue;
    }
    const int64_t entry = events[i].time_ms;
    int64_t before = entry;
    last = entry;
    taken.push_back({1, entry, {}, std::nullopt});
    size_t step = 1;
    for (++i; i < events.size() && events[i].time_ms - entry <= rules.within_ms && step < rules.steps; ++i) {
      if (!takes(events[i], step + 1)) continue;
      taken.push_back({++step, entry, {}, events[i].time_ms - before});
      before = events[i].time_ms;
    }
  }
  return taken;
}

std::vector<FunnelEvent> random_events(Random& random, size_t steps) {
  std::vector<FunnelEvent> events(static_cast<size_t>(random.between(0, 40)));
  for (FunnelEvent& event : events) {
    event.time_ms = random.between(0, 60);
    event.steps = 1U << random.below(steps);
    if (random.chance(0.1)) event.steps |= 1U << random.below(steps);  // a row may be two steps at once
  }
  std::sort(events.begin(), events.end());
  const auto doubles = [](const FunnelEvent& a, const FunnelEvent& b) { return a.doubles(b); };
  events.erase(std::unique(events.begin(), events.end(), doubles), events.end());
  return events;
}

std::string text(const std::vector<FunnelStepTaken>& taken) {
  std::string all;
  for (const FunnelStepTaken& one : taken) {
    all += std::to_string(one.step) + "@" + std::to_string(one.entry_ms) + "+" +
           (one.waited_ms ? std::to_string(*one.waited_ms) : "-") + " ";
  }
  return all;
}

TEST(FunnelPath, FindsWhatLookingThroughAllTriesFinds) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    Random random(seed);
    const FunnelRules rules{.steps = static_cast<size_t>(random.between(2, 5)),
                            .within_ms = random.between(1, 50),
                            .best = seed % 2 == 0};
    const auto events = random_events(random, rules.steps);
    FunnelPath path;
    std::vector<FunnelStepTaken> taken;
    for (const FunnelEvent& event : events) {
      if (random.chance(0.1)) {  // kept and read back in between
        Bytes bytes;
        path.save(bytes);
        BytesView in = bytes;
        path = FunnelPath();
        ASSERT_TRUE(path.load(in, rules));
        ASSERT_TRUE(in.empty());
      }
      path.take(event, rules, taken);
    }
    const auto wanted = rules.best ? best(events, rules) : first(events, rules);
    ASSERT_EQ(text(taken), text(wanted)) << (rules.best ? "BEST" : "FIRST") << " seed " << seed;
  }
}

TEST(FunnelPath, GivesATryTheGroupOfItsFirstStep) {
  const FunnelRules rules{.steps = 2, .within_ms = 10, .best = true};
  FunnelPath path;
  std::vector<FunnelStepTaken> taken;
  path.take({1, 1, "phone"}, rules, taken);
  path.take({5, 2, "laptop"}, rules, taken);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[1], (FunnelStepTaken{2, 1, "phone", 4}));
}

TEST(FunnelPath, RefusesBytesThatAreNoPath) {
  const FunnelRules rules{.steps = 2, .within_ms = 10, .best = true};
  for (const Bytes& bytes : {Bytes(), Bytes("\x03"), Bytes("\x01"), Bytes("\x01\x01\x02")}) {
    BytesView in = bytes;
    EXPECT_FALSE(FunnelPath().load(in, rules));
  }
}

}  // namespace
}  // namespace tradewind::stream
