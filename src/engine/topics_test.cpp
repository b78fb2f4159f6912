// What the topics are that statements make.
#include <gmock/gmock.h>

#include "engine/driver.h"
#include "log/memory_log.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;

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

// Kafka's tools can give a topic partitions, and who deletes one and makes it anew may give it fewer.
TEST_F(Topics, WithOtherPartitionsThanBeforeDoNotKeepAnythingFromStarting) {
  run("CREATE STREAM wide (k STRING KEY, v INT) WITH (kafka_topic='wide', partitions=3, "
      "value_format='JSON');");
  run("CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;");
  run("CREATE TABLE u AS SELECT k, COUNT(*) AS n FROM wide GROUP BY k EMIT CHANGES;");
  driver_.reset();
  for (const auto& [name, partitions] : std::map<std::string, int32_t>{{"s", 3}, {"wide", 1}, {"T", 5}}) {
    ASSERT_TRUE(log_->delete_topic(name).ok());
    ASSERT_TRUE(log_->create_topic({.name = name, .partitions = partitions}).ok());
  }
  auto made = Driver::start(*log_, {});
  ASSERT_TRUE(made.ok()) << made.error().message;
  driver_ = std::move(*made);
  const auto producer = std::move(log_->producer({})).value();
  const log::RecordView record{.key = "a", .value = R"({"V": 1})"};
  for (int32_t p = 0; p < 3; ++p) ASSERT_TRUE(producer->append({"s", p}, {&record, 1}).ok());
  ASSERT_TRUE(producer->append({"wide", 0}, {&record, 1}).ok());
  ASSERT_TRUE(driver_->settle().ok());
  EXPECT_THAT(driver_->select("SELECT * FROM t;", session_)->rows, ElementsAre(ElementsAre("a", "3")));
  EXPECT_THAT(driver_->select("SELECT * FROM u;", session_)->rows, ElementsAre(ElementsAre("a", "1")));
  EXPECT_EQ(driver_->engine().catalog().find("S")->partitions, 3);
  EXPECT_EQ(driver_->engine().catalog().find("T")->partitions, 1)
      << "the rows of its keys stay where they are";
}

}  // namespace
}  // namespace tradewind::engine
