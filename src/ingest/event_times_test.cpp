#include "ingest/event_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tradewind::ingest {
namespace {

using testing::ElementsAre;

TEST(EventTimes, OfBefore1970OrFarAheadAreRejectedInTheirPlaces) {
  Events events;
  const auto add = [&](const std::string& value, int64_t time_ms) {
    events.values.raw(value);
    events.keys += "k" + value;
    events.all.push_back({.value_end = static_cast<uint32_t>(events.values.size()),
                          .key_end = static_cast<uint32_t>(events.keys.size()),
                          .has_key = true,
                          .time_ms = time_ms});
  };
  // Of seven events the first and the fourth were rejected already.
  add("one", 10);
  add("two", -5);
  add("four", 101);
  add("five", 100);
  add("six", 0);
  events.rejected = {{.index = 0, .error = "a"}, {.index = 3, .error = "b"}};
  leave_out_impossible("event_time", 100, events);
  EXPECT_EQ(events.values.view(), "onefivesix");
  EXPECT_EQ(events.keys, "konekfiveksix");
  ASSERT_EQ(events.all.size(), 3U);
  EXPECT_EQ(events.all[1].value_end, 7U);
  EXPECT_EQ(events.all[2].key_end, 13U);
  std::vector<size_t> places;
  for (const Rejected& rejected : events.rejected) places.push_back(rejected.index);
  EXPECT_THAT(places, ElementsAre(0, 2, 3, 4));
  EXPECT_EQ(events.rejected[1].error, "field event_time: expected milliseconds since 1970, found -5");
  EXPECT_EQ(events.rejected[3].field, "event_time");
}

TEST(EventTimes, ThatArePossibleStayAsTheyAre) {
  Events events;
  events.values.raw("v");
  events.all = {{.value_end = 1, .time_ms = 100}, {.value_end = 1}};
  events.rejected = {{.index = 2, .error = "a"}};
  leave_out_impossible("t", 100, events);
  EXPECT_EQ(events.all.size(), 2U);
  EXPECT_EQ(events.rejected.size(), 1U);
}

}  // namespace
}  // namespace tradewind::ingest
