#include "stream/test_driver.h"

#include "log/memory_log.h"
#include "schema/local_registry.h"

namespace tradewind::stream {
namespace {

using testing::ElementsAre;

// SUM(AMOUNT) by SHOP over minutes with ten seconds of grace, from a JSON topic to another one.
Topology minutes() {
  Topology parts;
  parts.name = "Q";
  parts.source.topic = "sales";
  parts.source.value_format = schema::Format::json;
  parts.source.key_columns = {{"SHOP", Kind::string}};
  parts.source.value_columns = {{"AMOUNT", Kind::bigint}};
  AggregateStep step;
  step.keys = {expr::column(0, Kind::string)};
  step.key_names = {"SHOP"};
  step.calls = {{"SUM", expr::column(1, Kind::bigint), "TOTAL"}};
  step.window = WindowSpec{.size = Duration(60'000),
                           .advance = Duration(60'000),
                           .grace = Duration(10'000),
                           .retention = Duration(70'000)};
  parts.steps = {step};
  SinkSpec sink;
  sink.topic = "totals";
  sink.table = true;
  sink.value_format = schema::Format::json;
  sink.key_columns = {0};
  sink.value_columns = {3};
  sink.window_start = 1;
  parts.sink = sink;
  auto built = build(std::move(parts));
  EXPECT_TRUE(built.ok());
  return *built;
}

class TestDriverTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(log_->create_topic({.name = "sales"}).ok()); }

  const std::unique_ptr<log::Log> log_ = log::make_memory_log();
  const std::unique_ptr<schema::LocalRegistry> registry_ =
      std::move(schema::LocalRegistry::open(*log_)).value();
};

TEST_F(TestDriverTest, RunsATopologyFromTextToText) {
  TestDriver driver(*log_, *registry_);
  const Topology topology = minutes();
  ASSERT_TRUE(driver.start().ok());
  ASSERT_TRUE(driver.add(topology).ok());
  ASSERT_TRUE(driver
                  .feed(topology.source, {"00:00:10  a  1", "00:01:05  a  2", "00:00:20  a  4",
                                          "00:01:10  b  8", "00:00:59  a  16  # too late"})
                  .ok());
  ASSERT_TRUE(driver.settle().ok());
  const auto rows = driver.rows(topology);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("00:00:20", "a", "00:00:00", "5"),
                                 ElementsAre("00:01:05", "a", "00:01:00", "2"),
                                 ElementsAre("00:01:10", "b", "00:01:00", "8")));
  EXPECT_EQ(driver.runtime().status()[0].late_rows, 1);
}

TEST_F(TestDriverTest, GoesOnWhereTheDriverBeforeItStopped) {
  const Topology topology = minutes();
  for (int life = 0; life < 3; ++life) {
    TestDriver driver(*log_, *registry_);
    ASSERT_TRUE(driver.add(topology).ok());
    ASSERT_TRUE(driver.start().ok());
    ASSERT_TRUE(driver.feed(topology.source, {"00:00:10  a  1"}).ok());
    ASSERT_TRUE(driver.settle().ok());
    EXPECT_THAT(*driver.rows(topology),
                ElementsAre(ElementsAre("00:00:10", "a", "00:00:00", std::to_string(life + 1))));
  }
}

// With stream.idle_close event time goes on with the clock once nothing has come for so long.
TEST_F(TestDriverTest, ClosesWindowsOfASilentSourceByTheClock) {
  RuntimeOptions options;
  options.idle_close = Duration(5'000);
  TestDriver driver(*log_, *registry_, options);
  Topology topology = minutes();
  std::get<AggregateStep>(topology.steps[0]).final = true;
  ASSERT_TRUE(driver.start().ok());
  ASSERT_TRUE(driver.add(topology).ok());
  ASSERT_TRUE(driver.feed(topology.source, {"00:00:10  a  1", "00:00:50  a  2"}).ok());
  ASSERT_TRUE(driver.settle().ok());
  driver.clock().advance(Duration(19'000));  // the window and its grace end 20 s after the last row
  ASSERT_TRUE(driver.settle().ok());
  EXPECT_TRUE(driver.rows(topology)->empty());
  driver.clock().advance(Duration(1'000));
  ASSERT_TRUE(driver.settle().ok());
  EXPECT_THAT(*driver.rows(topology), ElementsAre(ElementsAre("00:00:50", "a", "00:00:00", "3")));
  // What comes for it now is late, though the stream itself has not got so far.
  ASSERT_TRUE(driver.feed(topology.source, {"00:00:55  a  4", "00:01:00  b  8"}).ok());
  ASSERT_TRUE(driver.settle().ok());
  EXPECT_EQ(driver.runtime().status()[0].late_rows, 1);
}

// As Kafka's tools can give a topic more of them while it is read.
TEST_F(TestDriverTest, ReadsThePartitionsThatATopicGetsFromTheirFirstRecord) {
  TestDriver driver(*log_, *registry_);
  const Topology topology = minutes();
  ASSERT_TRUE(driver.start().ok());
  ASSERT_TRUE(driver.add(topology).ok());
  ASSERT_TRUE(driver.feed(topology.source, {"00:00:10  a  1"}).ok());
  ASSERT_TRUE(driver.settle().ok());

  ASSERT_TRUE(log_->delete_topic("sales").ok());
  ASSERT_TRUE(log_->create_topic({.name = "sales", .partitions = 3}).ok());
  const auto producer = std::move(log_->producer({})).value();
  const log::RecordView was{.key = "a", .value = R"({"AMOUNT": 1})", .time = Timestamp{10'000}};
  const log::RecordView more{.key = "a", .value = R"({"AMOUNT": 4})", .time = Timestamp{20'000}};
  ASSERT_TRUE(producer->append({"sales", 0}, {&was, 1}).ok());
  ASSERT_TRUE(producer->append({"sales", 2}, {&more, 1}).ok());
  driver.clock().advance(Duration(10'000));
  ASSERT_TRUE(driver.settle().ok());
  EXPECT_THAT(*driver.rows(topology), ElementsAre(ElementsAre("00:00:20", "a", "00:00:00", "5")));
}

TEST_F(TestDriverTest, SaysWhichLineOfAFeedIsWrong) {
  TestDriver driver(*log_, *registry_);
  const auto fed = driver.feed(minutes().source, {"00:00:10  a  1", "00:00:11  a  many"});
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().message, "line 2: 'many' is no BIGINT for the column AMOUNT");
}

}  // namespace
}  // namespace tradewind::stream
