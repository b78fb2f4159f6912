// What keeping the space of the journal small does to what readers see, and to the directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "log/embedded/frame.h"
#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kSegment = 64 << 10;
constexpr Duration kHour(3'600'000);
const Position kOrders{"orders", 0};

class KeeperTest : public testing::Test {
 protected:
  KeeperTest() { start(); }

  EmbeddedOptions options() {
    return {.directory = "/log",
            .disk = &disk,
            .clock = &clock,
            .own_thread = false,
            .first_segment_bytes = kSegment,
            .most_segment_bytes = kSegment,
            .dirty_percent = dirty_percent,
            .tombstone_retention = kHour,
            .compaction_memory = compaction_memory};
  }
  void start() {
    auto opened = open_embedded(options());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log = std::move(opened).value();
    producer = std::move(log->producer({})).value();
  }
  void restart() {
    producer.reset();
    log.reset();
    start();
  }
  void topic(const TopicSpec& spec) { ASSERT_TRUE(log->create_topic(spec).ok()); }
  void append(const std::string& key, const std::optional<std::string>& value, Position to = kOrders,
              int64_t time_ms = 0) {
    RecordView record{.key = key, .time = {time_ms}};
    if (value) record.value = *value;
    const auto done = producer->append(to, {&record, 1});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  // Segments go by, so that what stands before is in sealed ones.
  void fill() {
    if (!log->topic("filler").ok()) topic({.name = "filler", .retention = Duration(-1)});
    for (int i = 0; i < 3; ++i) append("f", Bytes(50'000, 'f'), {"filler", 0});
    ASSERT_TRUE(log->trim({"filler", 0}, INT64_MAX).ok());
  }
  // As many steps as there are to do; the number of them.
  int keep() {
    for (int steps = 0; steps < 100'000; ++steps) {
      const auto more = log->keep();
      EXPECT_TRUE(more.ok()) << more.error().message;
      if (!more.ok() || !*more) return steps;
    }
    ADD_FAILURE() << "keeping never ends";
    return 0;
  }
  std::vector<std::string> read(const Position& position = kOrders, Offset from = 0) {
    std::vector<std::string> found;
    auto consumer = std::move(log->consumer(Visibility::durable)).value();
    EXPECT_TRUE(consumer->assign(position, from).ok());
    while (true) {
      const auto polled = consumer->poll(Duration(0), 100);
      EXPECT_TRUE(polled.ok()) << polled.error().message;
      if (!polled.ok() || polled->empty()) return found;
      for (const FetchedBatch& batch : *polled) {
        for (const RecordView& record : batch.records) {
          found.push_back(std::to_string(record.offset) + " " + std::string(record.key.value_or("-")) + "=" +
                          std::string(record.value.value_or("null")));
        }
      }
    }
  }
  Log::Bounds bounds(const Position& position = kOrders) {
    return *log->bounds(position, Visibility::durable);
  }
  int64_t directory_bytes() {
    int64_t bytes = 0;
    for (const std::string& path : disk.files()) bytes += static_cast<int64_t>(disk.content(path).size());
    return bytes;
  }

  ManualClock clock{Timestamp{1'700'000'000'000}};
  FaultyDisk disk{1};
  int dirty_percent = 1;
  uint64_t compaction_memory = 1 << 20;
  std::unique_ptr<EmbeddedLog> log;
  std::unique_ptr<Producer> producer;
};

TEST_F(KeeperTest, ForgetsWhatWasAppendedBeforeTheRetentionOfItsTopic) {
  topic({.name = "orders", .retention = kHour});
  append("a", "1");
  append("b", "2");
  fill();
  clock.advance(kHour / 2);
  append("c", "3");
  fill();
  keep();
  EXPECT_EQ(bounds().begin, 0);
  clock.advance(kHour / 2 + Duration(1));
  keep();
  EXPECT_EQ(bounds().begin, 2);
  EXPECT_EQ(bounds().end, 3);
  EXPECT_THAT(read(), ElementsAre("2 c=3"));
  EXPECT_EQ(log->figures().expired_records, 2);
  clock.advance(kHour);
  keep();
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_EQ(bounds().begin, 3);
  append("d", "4");
  restart();
  EXPECT_THAT(read(), ElementsAre("3 d=4"));
}

TEST_F(KeeperTest, KeepsHistoryThatWasAppendedNow) {
  topic({.name = "orders", .retention = kHour});
  append("old", "event", kOrders, 1'000);
  fill();
  clock.advance(kHour - Duration(1));
  keep();
  EXPECT_THAT(read(), ElementsAre("0 old=event"));
}

TEST_F(KeeperTest, SealsTheLastSegmentWhenSomethingInItIsToExpireAndGivesItsSpaceBack) {
  topic({.name = "orders", .retention = kHour});
  append("a", "1");
  EXPECT_GE(directory_bytes(), static_cast<int64_t>(kSegment));
  clock.advance(kHour / 4);
  keep();
  EXPECT_EQ(log->figures().segments, 2);
  EXPECT_LT(disk.content("/log/journal/000000000001.seg").size(), 1'000U);
  EXPECT_THAT(read(), ElementsAre("0 a=1"));
  clock.advance(kHour + Duration(1));
  keep();
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_EQ(log->figures().segments, 1);
  restart();
  EXPECT_EQ(bounds().begin, 1);
}

TEST_F(KeeperTest, KnowsTheAgeOfSegmentsAfterARestart) {
  topic({.name = "orders", .retention = kHour});
  append("a", "1");
  fill();
  clock.advance(kHour / 2);
  restart();
  clock.advance(kHour / 2 + Duration(1));
  restart();
  keep();
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(KeeperTest, CountsTheAgeOfAMovedBatchFromWhenItWasAppended) {
  topic({.name = "orders", .retention = kHour});
  topic({.name = "kept", .retention = Duration(-1)});
  append("a", "1");
  append("k", "for ever", {"kept", 0});
  fill();
  clock.advance(kHour / 2);
  for (int i = 0; i < 6; ++i) fill();
  keep();
  EXPECT_GT(log->figures().moved_bytes, 0);
  EXPECT_THAT(read(), ElementsAre("0 a=1"));
  restart();
  EXPECT_THAT(read(), ElementsAre("0 a=1"));
  clock.advance(kHour / 2 + Duration(1));
  keep();
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_THAT(read({"kept", 0}), ElementsAre("0 k=for ever"));
}

TEST_F(KeeperTest, KeepsAboutAsManyBytesOfAPartitionAsItsTopicSays) {
  topic({.name = "orders", .partitions = 2, .retention = Duration(-1), .retention_bytes = 30'000});
  for (int i = 0; i < 20; ++i) append("a", Bytes(5'000, 'a'));
  append("b", "other", {"orders", 1});
  keep();
  const auto left = read();
  EXPECT_GE(left.size(), 6U);
  EXPECT_LE(left.size(), 7U);
  EXPECT_EQ(bounds().end, 20);
  EXPECT_EQ(read({"orders", 1}).size(), 1U);
}

TEST_F(KeeperTest, MovesAReaderOnAndLeavesTheOffsetsOfGroupsWhenRecordsExpireUnderThem) {
  topic({.name = "orders", .retention = kHour});
  append("a", "1");
  append("b", "2");
  auto worker = std::move(log->producer({.id = "w", .transactional = true})).value();
  auto transaction = std::move(worker->begin()).value();
  ASSERT_TRUE(transaction->commit("group", {{kOrders, 1}}).ok());
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 1).ok());
  fill();
  clock.advance(kHour + Duration(1));
  keep();
  append("c", "3");
  const auto polled = std::move(consumer->poll(Duration(0), 10)).value();
  ASSERT_EQ(polled.size(), 1U);
  EXPECT_EQ(polled[0].records.front().offset, 2);
  EXPECT_EQ(log->group_offsets("group")->at(kOrders), 1);
  ASSERT_TRUE(consumer->assign(kOrders, log->group_offsets("group")->at(kOrders)).ok());
  EXPECT_EQ(std::move(consumer->poll(Duration(0), 10)).value().front().next, 3);
}

TEST_F(KeeperTest, KeepsTheLatestRecordOfEachKeyWhereItWas) {
  topic({.name = "orders", .cleanup = Cleanup::compact});
  for (const char* value : {"1", "2", "3"}) {
    append("a", value);
    append("b", value);
  }
  append("c", "1");
  append("a", "4");
  fill();
  keep();
  const std::vector<std::string> latest = {"5 b=3", "6 c=1", "7 a=4"};
  EXPECT_EQ(read(), latest);
  EXPECT_EQ(log->figures().compacted_records, 5);
  EXPECT_EQ(bounds().begin, 0);
  EXPECT_EQ(bounds().end, 8);
  EXPECT_THAT(read(kOrders, 6), ElementsAre("6 c=1", "7 a=4"));
  EXPECT_THAT(read(kOrders, 2), ElementsAre("5 b=3", "6 c=1", "7 a=4"));
  restart();
  EXPECT_EQ(read(), latest);
  append("b", "5");
  fill();
  keep();
  EXPECT_THAT(read(), ElementsAre("6 c=1", "7 a=4", "8 b=5"));
}

TEST_F(KeeperTest, LeavesOtherTopicsAndRecordsWithoutAKeyAlone) {
  topic({.name = "orders", .cleanup = Cleanup::compact});
  topic({.name = "events", .retention = Duration(-1)});
  for (int i = 0; i < 3; ++i) {
    append("a", "1", {"events", 0});
    const RecordView keyless{.value = "v"};
    ASSERT_TRUE(producer->append(kOrders, {&keyless, 1}).ok());
  }
  fill();
  keep();
  EXPECT_THAT(read(), ElementsAre("0 -=v", "1 -=v", "2 -=v"));
  EXPECT_THAT(read({"events", 0}), ElementsAre("0 a=1", "1 a=1", "2 a=1"));
}

TEST_F(KeeperTest, KeepsHeadersAndTimesOfWhatItWritesAgain) {
  topic({.name = "orders", .cleanup = Cleanup::compact});
  append("gone", "1");
  append("gone", "2");
  const HeaderView headers[] = {{"trace", "77"}, {"none", std::nullopt}};
  RecordView record{.key = "a", .value = "1", .time = {-5}, .headers = headers, .header_count = 2};
  ASSERT_TRUE(producer->append(kOrders, {&record, 1}).ok());
  fill();
  keep();
  ASSERT_GT(log->figures().compacted_records, 0);
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 2).ok());
  const auto polled = std::move(consumer->poll(Duration(0), 10)).value();
  ASSERT_EQ(polled.size(), 1U);
  const RecordView& found = polled[0].records.at(0);
  EXPECT_EQ(found.time.ms, -5);
  ASSERT_EQ(found.header_count, 2U);
  EXPECT_EQ(found.headers[0].value, "77");
  EXPECT_FALSE(found.headers[1].value.has_value());
}

TEST_F(KeeperTest, KeepsATombstoneForItsTimeAndTheLastRecordForEver) {
  topic({.name = "orders", .cleanup = Cleanup::compact});
  append("a", "1");
  append("a", std::nullopt);
  append("b", "1");
  append("b", std::nullopt);
  fill();
  keep();
  EXPECT_THAT(read(), ElementsAre("1 a=null", "3 b=null"));
  clock.advance(kHour + Duration(1));
  keep();
  EXPECT_THAT(read(), ElementsAre("1 a=null", "3 b=null")) << "nothing new: not looked at";
  append("c", Bytes(500, 'c'));
  fill();
  keep();
  EXPECT_THAT(read(), ElementsAre("4 c=" + Bytes(500, 'c')));
  append("c", std::nullopt);
  fill();
  clock.advance(kHour + Duration(1));
  keep();
  EXPECT_THAT(read(), ElementsAre("5 c=null")) << "so that reading ends where the partition does";
  restart();
  EXPECT_EQ(bounds().end, 6);
}

TEST_F(KeeperTest, CompactsMoreKeysThanFitItsMemoryInSeveralPasses) {
  compaction_memory = 48 * 20;
  restart();
  topic({.name = "orders", .cleanup = Cleanup::compact});
  for (int round = 0; round < 3; ++round) {
    for (int key = 0; key < 200; ++key) append(std::to_string(key), std::to_string(round));
  }
  fill();
  keep();
  const auto left = read();
  ASSERT_EQ(left.size(), 200U);
  for (int key = 0; key < 200; ++key) {
    EXPECT_EQ(left[static_cast<size_t>(key)], std::to_string(400 + key) + " " + std::to_string(key) + "=2");
  }
}

TEST_F(KeeperTest, WaitsUntilEnoughIsNew) {
  dirty_percent = 50;
  restart();
  topic({.name = "orders", .cleanup = Cleanup::compact});
  for (int i = 0; i < 40; ++i) append(std::to_string(i), Bytes(1'000, 'x'));
  fill();
  keep();
  const int64_t compacted = log->figures().compacted_records;
  append("0", "new");
  fill();
  keep();
  EXPECT_EQ(log->figures().compacted_records, compacted) << "one of forty is less than half";
}

TEST_F(KeeperTest, GoesOnWhenATopicIsDeletedInTheMiddle) {
  topic({.name = "orders", .cleanup = Cleanup::compact});
  topic({.name = "kept", .retention = Duration(-1)});
  append("k", "1", {"kept", 0});
  for (int i = 0; i < 2'000; ++i) append("a", Bytes(600, 'x'));
  for (int steps = 0; steps < 4; ++steps) ASSERT_TRUE(log->keep().ok());
  ASSERT_TRUE(log->delete_topic("orders").ok());
  keep();
  topic({.name = "orders"});
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_THAT(read({"kept", 0}), ElementsAre("0 k=1"));
  EXPECT_LE(log->figures().segments, 4);
  restart();
  EXPECT_THAT(read({"kept", 0}), ElementsAre("0 k=1"));
}

TEST_F(KeeperTest, MovesNothingOutOfSightOfAReaderInTheMiddle) {
  topic({.name = "orders", .retention = Duration(-1)});
  append("a", "1");
  append("b", "2");
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 0).ok());
  ASSERT_EQ(std::move(consumer->poll(Duration(0), 1)).value().front().next, 1);
  for (int i = 0; i < 6; ++i) fill();
  keep();
  EXPECT_GT(log->figures().moved_bytes, 0);
  const auto polled = std::move(consumer->poll(Duration(0), 10)).value();
  ASSERT_EQ(polled.size(), 1U);
  EXPECT_EQ(polled[0].records.front().offset, 1);
}

TEST_F(KeeperTest, OpensAJournalOfTheFirstVersion) {
  topic({.name = "orders", .retention = Duration(-1)});
  append("a", "1");
  producer.reset();
  log.reset();
  const std::string path = "/log/journal/000000000001.seg";
  Bytes content = disk.content(path);
  SegmentHeader header;
  std::memcpy(&header, content.data(), sizeof header);
  header.version = 1;
  header.crc = crc32c(BytesView(reinterpret_cast<const char*>(&header), offsetof(SegmentHeader, crc)));
  std::memcpy(content.data(), &header, sizeof header);
  disk.set_content(path, content);
  start();
  EXPECT_THAT(read(), ElementsAre("0 a=1"));
}

TEST_F(KeeperTest, TakesNoRoomOnAFullDiskUnlessThatMakesRoom) {
  topic({.name = "orders", .retention = kHour});
  topic({.name = "kept", .retention = Duration(-1)});
  for (int i = 0; i < 20; ++i) append("a", Bytes(10'000, 'a'));
  append("k", "1", {"kept", 0});
  disk.set_capacity(static_cast<uint64_t>(directory_bytes()));
  const Bytes big(10'000, 'a');
  const RecordView record{.key = "a", .value = big};
  while (producer->append(kOrders, {&record, 1}).ok()) {
  }
  const int64_t written = log->figures().bytes_written;
  for (int i = 0; i < 20; ++i) (void)log->keep().ok();
  EXPECT_EQ(log->figures().bytes_written, written) << "nothing may go";
  EXPECT_FALSE(producer->append(kOrders, {&record, 1}).ok());
  clock.advance(kHour + Duration(1));
  for (int i = 0; i < 20; ++i) (void)log->keep().ok();
  EXPECT_FALSE(log->refusing().has_value());
  EXPECT_TRUE(producer->append(kOrders, {&record, 1}).ok());
  EXPECT_THAT(read({"kept", 0}), ElementsAre("0 k=1"));
}

TEST_F(KeeperTest, SaysThatABatchItShouldMoveIsDamagedAndLeavesItWhereItIs) {
  topic({.name = "orders", .retention = Duration(-1)});
  append("a", "needle");
  for (int i = 0; i < 6; ++i) fill();
  disk.flip_bit("/log/journal/000000000001.seg",
                disk.content("/log/journal/000000000001.seg").find("needle"));
  Result<bool> kept = true;
  while (kept.ok() && *kept) kept = log->keep();
  ASSERT_FALSE(kept.ok());
  EXPECT_EQ(kept.error().code, Code::corrupt);
  EXPECT_TRUE(log->figures().keeper_failed);
  EXPECT_FALSE(log->failure().has_value());
}

// The trim stands in the journal before it is on the disk: were a segment to go because of it, a power cut
// could bring back what was moved out of an older one, without what followed.
TEST_F(KeeperTest, LosesNothingFromTheMiddleWhenAPowerCutTakesATrimBack) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    FaultyDisk bad(seed);
    EmbeddedOptions given = options();
    given.disk = &bad;
    log = std::move(open_embedded(given)).value();
    producer = std::move(log->producer({})).value();
    topic({.name = "orders", .retention = Duration(-1)});
    append("a", "in the first segment");
    fill();
    append("b", "in a later one");
    for (int i = 0; i < 6; ++i) fill();
    while (log->figures().moved_bytes == 0) ASSERT_TRUE(*log->keep());
    ASSERT_TRUE(*log->keep());  // the move is settled
    ASSERT_TRUE(log->trim(kOrders, 2).ok());
    ASSERT_TRUE(log->trim({"filler", 0}, INT64_MAX).ok());
    producer.reset();
    log.reset();
    bad.cut_power();
    log = std::move(open_embedded(given)).value();
    EXPECT_THAT(read(), testing::AnyOf(IsEmpty(), testing::SizeIs(2))) << "disk " << seed;
    log.reset();
  }
}

// Ten times the set size of mixed topics.
TEST_F(KeeperTest, BoundsTheDirectoryByWhatIsLive) {
  topic({.name = "clicks", .partitions = 2, .retention = kHour});
  topic({.name = "prices", .partitions = 2, .cleanup = Cleanup::compact});
  topic({.name = "orders", .retention = Duration(-1)});
  constexpr int64_t kSetSize = 1'500'000;
  std::map<std::string, std::string> prices;
  int orders = 0;
  int64_t largest = 0;
  constexpr int kRounds = 10 * kSetSize / 3'000;
  for (int i = 0; i < kRounds; ++i) {
    clock.advance(Duration(20'000));  // so that clicks of an hour are some 360 KB
    append("c", Bytes(2'000, 'c'), {"clicks", i % 2});
    const std::string key = std::to_string(i % 50);
    prices[key] = std::to_string(i) + Bytes(1'000, 'p');
    append(key, prices[key], {"prices", i % 2});
    if (i % 50 == 0) append(std::to_string(orders++), Bytes(500, 'o'));
    if (i % 10 == 0) keep();
    if (i % 1'000 == 999) restart();
    if (i % 100 == 0) largest = std::max(largest, directory_bytes());
  }
  EXPECT_LT(largest, kSetSize);
  EXPECT_EQ(read().size(), static_cast<size_t>(orders));
  std::map<std::string, std::string> found;
  for (int32_t p = 0; p < 2; ++p) {
    for (const std::string& text : read({"prices", p})) {
      const size_t space = text.find(' ');
      const size_t equals = text.find('=');
      found[text.substr(space + 1, equals - space - 1)] = text.substr(equals + 1);
    }
    EXPECT_GE(read({"clicks", p}).size(), 90U) << "an hour";
    EXPECT_LE(read({"clicks", p}).size(), 120U) << "and a quarter, and what is not looked at yet";
  }
  EXPECT_EQ(found, prices);
  EXPECT_TRUE(log->verify().ok());
}

}  // namespace
}  // namespace tradewind::log
