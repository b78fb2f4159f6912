#include "engine/driver.h"

#include "log/memory_log.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;

class DriverTest : public testing::Test {
 protected:
  void SetUp() override {
    log_ = log::make_memory_log();
    driver_ = std::move(Driver::start(*log_, {})).value();
    session_["auto.offset.reset"] = "earliest";
    const auto made = driver_->run(
        "CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='s', partitions=1, value_format='JSON');",
        session_);
    ASSERT_TRUE(made.ok()) << made.error().message;
  }

  void feed(int from, int to) {
    std::vector<std::string> lines;
    for (int v = from; v < to; ++v) lines.push_back("00:00:01  k  " + std::to_string(v));
    const auto records = driver_->records_for("s", lines);
    ASSERT_TRUE(records.ok()) << records.error().message;
    ASSERT_TRUE(stream::append(*log_, "s", *records).ok());
  }

  std::unique_ptr<log::Log> log_;
  std::unique_ptr<Driver> driver_;
  Session session_;
};

TEST_F(DriverTest, ASelectUpToNowReadsBehindRowsThatDoNotMatch) {
  feed(0, 9000);
  const auto answer = driver_->select("SELECT v FROM s WHERE v = 8999;", session_);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_THAT(answer->rows, ElementsAre(ElementsAre("8999")));
}

TEST_F(DriverTest, GoesOnWhereTheDriverBeforeItStopped) {
  ASSERT_TRUE(
      driver_->run("CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;", session_)
          .ok());
  feed(0, 3);
  ASSERT_TRUE(driver_->settle().ok());
  feed(3, 5);
  driver_.reset();
  driver_ = std::move(Driver::start(*log_, {})).value();
  ASSERT_TRUE(driver_->settle().ok());
  EXPECT_THAT(driver_->select("SELECT n FROM t;", session_)->rows, ElementsAre(ElementsAre("5")));
}

}  // namespace
}  // namespace tradewind::engine
