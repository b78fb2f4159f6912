#include "stream/run/merged_topics.h"

#include "log/memory_log.h"

namespace tradewind::stream {
namespace {

using testing::ElementsAre;

class MergedTopicsTest : public testing::Test {
 protected:
  MergedTopicsTest() : log_(log::make_memory_log()), producer_(std::move(log_->producer({})).value()) {
    for (const char* topic : {"left", "right"})
      EXPECT_TRUE(log_->create_topic({.name = topic, .partitions = 2}).ok());
    for (const char* topic : {"left", "right"}) places_[{topic, 0}] = places_[{topic, 1}] = 0;
    open();
  }

  void open() {
    topics_ =
        std::move(MergedTopics::open(*log_, log::Visibility::written, {"left", "right"}, places_)).value();
  }
  void append(const std::string& topic, int32_t partition, const std::vector<int64_t>& times) {
    std::vector<log::RecordView> records;
    for (const int64_t time : times) records.push_back({.value = "v", .time = Timestamp{time}});
    ASSERT_TRUE(producer_->append({topic, partition}, records).ok());
  }
  // What comes now: "left0 10 20" for a run, at most `runs`.
  std::vector<std::string> read(size_t most = 100, size_t runs = 100) {
    EXPECT_TRUE(topics_->look(Duration(0), 100).ok());
    std::vector<std::string> lines;
    while (lines.size() < runs) {
      const auto run = std::move(topics_->next(most)).value();
      if (!run) break;
      std::string line = run->position->topic + std::to_string(run->position->partition);
      for (const log::RecordView& record : run->records) line += " " + std::to_string(record.time.ms);
      lines.push_back(line);
    }
    return lines;
  }

  std::unique_ptr<log::Log> log_;
  std::unique_ptr<log::Producer> producer_;
  log::Offsets places_;
  std::unique_ptr<MergedTopics> topics_;
};

TEST_F(MergedTopicsTest, GivesTheEarliestFirstInRunsAndTheLeftOneWhereTimesAreEqual) {
  append("right", 0, {10, 20, 21, 40});
  append("left", 0, {10, 20, 30});
  append("left", 1, {5, 50});
  EXPECT_THAT(read(), ElementsAre("left1 5", "left0 10", "right0 10", "left0 20", "right0 20 21", "left0 30",
                                  "right0 40", "left1 50"));
}

TEST_F(MergedTopicsTest, CutsRunsAtTheirLongest) {
  append("left", 0, {1, 2, 3});
  EXPECT_THAT(read(2), ElementsAre("left0 1 2", "left0 3"));
}

TEST_F(MergedTopicsTest, DoesNotWaitForATopicThatHasNothing) {
  append("left", 0, {100});
  EXPECT_THAT(read(), ElementsAre("left0 100"));
  append("right", 0, {50});
  append("left", 0, {60});
  EXPECT_THAT(read(), ElementsAre("right0 50", "left0 60"));
}

TEST_F(MergedTopicsTest, ARecordBehindALaterOneOfItsPartitionWaitsForThat) {
  append("left", 0, {30, 5});
  append("right", 0, {20, 40});
  EXPECT_THAT(read(), ElementsAre("right0 20", "left0 30 5", "right0 40"));
}

TEST_F(MergedTopicsTest, GoesOnWhereItsPlacesAre) {
  append("left", 0, {1, 3, 5});
  append("right", 1, {2, 4});
  EXPECT_THAT(read(1, 3), ElementsAre("left0 1", "right1 2", "left0 3"));
  for (const auto& [position, place] : topics_->places()) places_[position] = place.next;
  EXPECT_EQ((places_[{"left", 0}]), 2);
  EXPECT_EQ((places_[{"right", 1}]), 1);
  open();
  EXPECT_THAT(read(), ElementsAre("right1 4", "left0 5"));
}

}  // namespace
}  // namespace tradewind::stream
