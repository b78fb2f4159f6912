#include "log/kafka/carried_times.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "log/kafka/client.h"

namespace tradewind::log::kafka {
namespace {

constexpr Timestamp kNow{1'767'225'600'000};

int64_t carried(const HeaderView& header) {
  BytesView bytes = header.value.value_or(BytesView());
  uint64_t time = 0;
  EXPECT_EQ(header.name, kTimeHeader);
  EXPECT_TRUE(get_big64(bytes, time));
  return static_cast<int64_t>(time);
}

TEST(CarriedTimes, LeaveAloneWhatBrokersTake) {
  CarriedTimes times(kNow);
  const RecordView records[] = {{.key = "a", .time = kNow},
                                {.key = "b", .time = {kNow.ms + kMostAhead.count()}}};
  const auto same = times.of(records);
  EXPECT_EQ(same.data(), records);
  EXPECT_EQ(same.size(), 2U);
}

TEST(CarriedTimes, PutATimeFarAheadBehindTheHeadersOfItsRecord) {
  CarriedTimes times(kNow);
  const HeaderView trace{.name = "trace", .value = "77"};
  const int64_t late_ms = kNow.ms + kMostAhead.count() + 1;
  const RecordView records[] = {
      {.key = "a", .value = "1", .time = {late_ms}, .headers = &trace, .header_count = 1},
      {.key = "b", .time = kNow},
      {.key = "c", .time = {INT64_MAX}}};
  const auto made = times.of(records);
  ASSERT_EQ(made.size(), 3U);
  EXPECT_EQ(made[0].time, kNow);
  EXPECT_EQ(made[0].value, "1");
  ASSERT_EQ(made[0].header_count, 2U);
  EXPECT_EQ(made[0].headers[0].name, "trace");
  EXPECT_EQ(carried(made[0].headers[1]), late_ms);
  EXPECT_EQ(made[1].header_count, 0U);
  EXPECT_EQ(made[2].time, kNow);
  ASSERT_EQ(made[2].header_count, 1U);
  EXPECT_EQ(carried(made[2].headers[0]), INT64_MAX);
}

TEST(CarriedTimes, KeepWhatTheyGaveBeforeValid) {
  CarriedTimes times(kNow);
  const RecordView first[] = {{.key = "a", .time = {kNow.ms * 2}}};
  const RecordView second[] = {{.key = "b", .time = {kNow.ms * 3}}};
  const auto before = times.of(first);
  const auto after = times.of(second);
  EXPECT_EQ(carried(before[0].headers[0]), kNow.ms * 2);
  EXPECT_EQ(carried(after[0].headers[0]), kNow.ms * 3);
}

}  // namespace
}  // namespace tradewind::log::kafka
