// When records were appended, as the embedded log knows it.
#include <gtest/gtest.h>

#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

const Position kOrders{"orders", 0};

class AppendTime : public testing::Test {
 protected:
  AppendTime() {
    start();
    EXPECT_TRUE(log->create_topic({.name = "orders"}).ok());
  }
  void start() {
    log = std::move(open_embedded({.directory = "/log", .disk = &disk, .clock = &clock, .own_thread = false}))
              .value();
  }
  // A record of an event that happened long ago.
  void append() {
    const auto producer = std::move(log->producer({})).value();
    const RecordView record{.value = "x", .time = Timestamp{7}};
    ASSERT_TRUE(producer->append(kOrders, {&record, 1}).ok());
  }
  int64_t appended_ms(Offset from) { return (*log->appended(kOrders, from))->ms; }

  FaultyDisk disk{1};
  ManualClock clock{Timestamp{100'000}};
  std::unique_ptr<EmbeddedLog> log;
};

TEST_F(AppendTime, IsThatOfTheClockAndNotOfTheRecord) {
  clock.advance(Duration(5'000));
  append();
  clock.advance(Duration(1'500));
  append();
  EXPECT_EQ(appended_ms(0), 105'000);
  EXPECT_EQ(appended_ms(1), 106'500);
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 1).ok());
  const auto polled = consumer->poll(Duration(0), 10);
  ASSERT_TRUE(polled.ok());
  EXPECT_EQ(polled->at(0).appended.ms, 106'500);
}

TEST_F(AppendTime, IsAfterARestartThatOfTheSegmentForWhatWasThereBefore) {
  clock.advance(Duration(5'000));
  append();
  clock.advance(Duration(60'000));
  log.reset();
  start();
  append();
  EXPECT_EQ(appended_ms(0), 100'000);
  EXPECT_EQ(appended_ms(1), 165'000);
}

}  // namespace
}  // namespace tradewind::log
