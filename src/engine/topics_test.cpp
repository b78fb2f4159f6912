// What the topics are that statements make.
#include <gtest/gtest.h>

#include "engine/driver.h"
#include "log/memory_log.h"

namespace tradewind::engine {
namespace {

constexpr Duration kHour(3'600'000);
constexpr Duration kDay = 24 * kHour;

class Topics : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Driver::start(*log_, {});
    ASSERT_TRUE(made.ok());
    driver_ = std::move(*made);
    run("CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='s', partitions=1, value_format='JSON', "
        "retention_ms=3600000);");
  }
  void run(const std::string& text) {
    const auto done = driver_->run(text, session_);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  log::TopicSpec topic(const std::string& name) { return log_->topic(name).value(); }

  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  std::unique_ptr<Driver> driver_;
  Session session_;
};

TEST_F(Topics, OfStreamsKeepAWeekOrWhatIsSaid) {
  EXPECT_EQ(topic("s").retention, kHour);
  run("CREATE STREAM a AS SELECT * FROM s EMIT CHANGES;");
  run("CREATE STREAM b WITH (RETENTION_MS = -1) AS SELECT * FROM s EMIT CHANGES;");
  EXPECT_EQ(topic("A").cleanup, log::Cleanup::remove);
  EXPECT_EQ(topic("A").retention, 7 * kDay);
  EXPECT_LT(topic("B").retention, Duration(0));
}

TEST_F(Topics, OfTablesKeepTheLastRowOfEachKey) {
  run("CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;");
  EXPECT_EQ(topic("T").cleanup, log::Cleanup::compact);
}

TEST_F(Topics, OfWindowsLetThemGoWhenTheyAreNotKeptAnyMore) {
  run("CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k EMIT "
      "CHANGES;");
  EXPECT_EQ(topic("T").cleanup, log::Cleanup::compact_and_remove);
  EXPECT_EQ(topic("T").retention, 7 * kDay);
  run("CREATE TABLE long AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 400 DAYS) "
      "GROUP BY k EMIT CHANGES;");
  EXPECT_EQ(topic("LONG").retention, 400 * kDay);
  run("CREATE TABLE short WITH (RETENTION_MS = 7200000) AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING "
      "(SIZE 1 HOUR) GROUP BY k EMIT CHANGES;");
  EXPECT_EQ(topic("SHORT").retention, 2 * kHour);
}

}  // namespace
}  // namespace tradewind::engine
