// What the embedded log makes of damaged, full, failing and recycled files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/hash.h"
#include "log/embedded/frame.h"
#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kSegment = 64 << 10;
const Position kOrders{"orders", 0};
const std::string kFirst = "/log/journal/000000000001.seg";

class Recovery : public testing::Test {
 protected:
  Recovery() {
    start();
    EXPECT_TRUE(log->create_topic({.name = "orders"}).ok());
  }

  EmbeddedOptions options(Durability durability = Durability::fsync) {
    return {.directory = "/log",
            .durability = durability,
            .disk = &disk,
            .clock = &clock,
            .own_thread = false,
            .first_segment_bytes = kSegment,
            .most_segment_bytes = kSegment};
  }
  void start() {
    auto opened = open_embedded(options());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log = std::move(opened).value();
    producer = std::move(log->producer({})).value();
  }
  void stop() {
    producer.reset();
    log.reset();
  }
  void restart() {
    stop();
    start();
  }
  Error refused() {
    stop();
    const auto opened = open_embedded(options());
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? Error{} : opened.error();
  }
  Result<Offset> append(const std::string& value) {
    const RecordView records[] = {{.key = "k", .value = value}};
    return producer->append(kOrders, records);
  }
  void append_many(int count, size_t size) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(append(Bytes(size, 'x')).ok());
  }
  Result<std::vector<std::string>> values() {
    std::vector<std::string> found;
    auto consumer = TRY(log->consumer(Visibility::durable));
    TRY(consumer->assign(kOrders, 0));
    while (true) {
      const auto polled = TRY(consumer->poll(Duration(0), 1000));
      if (polled.empty()) return found;
      for (const FetchedBatch& batch : polled) {
        for (const RecordView& record : batch.records) found.emplace_back(*record.value);
      }
    }
  }
  Offset end() { return log->bounds(kOrders, Visibility::durable)->end; }

  ManualClock clock;
  FaultyDisk disk{1};
  std::unique_ptr<EmbeddedLog> log;
  std::unique_ptr<Producer> producer;
};

TEST_F(Recovery, CutsATornTail) {
  ASSERT_TRUE(append("whole").ok());
  ASSERT_TRUE(append("torn!").ok());
  stop();
  disk.flip_bit(kFirst, disk.content(kFirst).rfind("torn!"));
  start();
  EXPECT_THAT(*values(), ElementsAre("whole"));
  EXPECT_EQ(*append("next"), 1);
  restart();
  EXPECT_THAT(*values(), ElementsAre("whole", "next"));
}

TEST_F(Recovery, TakesNothingOfACommitWhoseLastFrameIsTorn) {
  ASSERT_TRUE(append("before").ok());
  auto worker = std::move(log->producer({.id = "w", .transactional = true})).value();
  auto transaction = std::move(worker->begin()).value();
  const Bytes big(5 << 20, 'x');  // a frame takes no more after 4 MB
  const RecordView records[] = {{.value = big}, {.value = "the last one"}};
  ASSERT_TRUE(transaction->append(kOrders, std::span(records).first(1)).ok());
  ASSERT_TRUE(transaction->append(kOrders, std::span(records).last(1)).ok());
  ASSERT_TRUE(transaction->commit("group", {{kOrders, 1}}).ok());
  worker.reset();
  transaction.reset();
  stop();
  const std::string second = "/log/journal/000000000002.seg";
  disk.flip_bit(second, disk.content(second).find("the last one"));
  start();
  EXPECT_THAT(*values(), ElementsAre("before"));
  EXPECT_TRUE(log->group_offsets("group")->empty());
  EXPECT_EQ(*append("after"), 1);
  restart();
  EXPECT_THAT(*values(), ElementsAre("before", "after"));
}

TEST_F(Recovery, DoesNotTakeUpAFrameBehindTheCutLater) {
  auto worker = std::move(log->producer({.id = "w", .transactional = true})).value();
  for (const char* value : {"lost", "late"}) {
    auto transaction = std::move(worker->begin()).value();
    const RecordView records[] = {{.key = "k", .value = value}};
    ASSERT_TRUE(transaction->append(kOrders, records).ok());
    ASSERT_TRUE(transaction->commit("", {}).ok());
  }
  worker.reset();
  stop();
  disk.flip_bit(kFirst, disk.content(kFirst).find("lost"));
  start();
  EXPECT_TRUE(values()->empty());
  ASSERT_TRUE(append("new!").ok());  // as long as the one that was lost: "late" would follow it
  restart();
  EXPECT_THAT(*values(), ElementsAre("new!"));
}

TEST_F(Recovery, RefusesDamageBelowWhatWasSynced) {
  for (const char* value : {"one", "two", "three"}) ASSERT_TRUE(append(value).ok());
  disk.flip_bit(kFirst, disk.content(kFirst).find("one"));
  const Error error = refused();
  EXPECT_EQ(error.code, Code::corrupt);
  EXPECT_THAT(error.message, HasSubstr(kFirst));
  EXPECT_THAT(error.message, HasSubstr("at byte "));
  EXPECT_THAT(error.message, HasSubstr("Restore the directory from a backup"));
}

TEST_F(Recovery, RefusesASegmentWhoseHeaderIsDamaged) {
  ASSERT_TRUE(append("one").ok());
  disk.flip_bit(kFirst, 9);
  EXPECT_EQ(refused().code, Code::corrupt);
}

TEST_F(Recovery, RefusesWhenASegmentIsMissing) {
  append_many(30, 10'000);
  stop();
  ASSERT_TRUE(disk.remove("/log/journal/000000000002.seg").ok());
  EXPECT_EQ(refused().code, Code::corrupt);
}

TEST_F(Recovery, RefusesAnotherVersion) {
  stop();
  Bytes content = disk.content(kFirst);
  // The header as version 3 would have written it.
  content[4] = 3;
  disk.set_content(kFirst, content);
  EXPECT_EQ(refused().code, Code::corrupt) << "the checksum still is that of version 2";
}

TEST_F(Recovery, FindsDamageInASealedSegmentWhenItReads) {
  ASSERT_TRUE(append("needle").ok());
  append_many(30, 10'000);
  EXPECT_TRUE(log->verify().ok());
  disk.flip_bit(kFirst, disk.content(kFirst).find("needle"));
  restart();
  EXPECT_EQ(values().error().code, Code::corrupt);
  EXPECT_THAT(values().error().message, HasSubstr("topic orders"));
  EXPECT_EQ(log->verify().error().code, Code::corrupt);
}

TEST_F(Recovery, ReadsASegmentInFullWhenItsFooterIsMissing) {
  ASSERT_TRUE(append("first").ok());
  append_many(30, 10'000);
  const auto before = *values();
  stop();
  Bytes content = disk.content(kFirst);
  std::fill(content.end() - 16, content.end(), '\0');
  disk.set_content(kFirst, content);
  start();
  EXPECT_EQ(*values(), before);
}

TEST_F(Recovery, ForgetsASegmentThatGotNoFurtherThanItsHeader) {
  ASSERT_TRUE(append("kept").ok());
  append_many(7, 10'000);
  const auto before = *values();
  const std::string second = "/log/journal/000000000002.seg";
  ASSERT_TRUE(append(Bytes(30'000, 'y')).ok());
  stop();
  Bytes content = disk.content(second);
  std::fill(content.begin() + 32, content.end(), '\0');
  disk.set_content(second, content);
  for (int round = 0; round < 2; ++round) {
    start();
    EXPECT_EQ(*values(), before);
    stop();
  }
  start();
  append_many(20, 10'000);
  restart();
  EXPECT_EQ(values()->size(), before.size() + 20);
}

TEST_F(Recovery, IsNotFooledByTheOldFramesOfARecycledSegment) {
  for (int round = 0; round < 6; ++round) {
    append_many(20, 10'000);
    ASSERT_TRUE(log->trim(kOrders, end() - 3).ok());
    ASSERT_TRUE(log->wait_durable(log->written()).ok());
    const auto before = *values();
    EXPECT_EQ(before.size(), 3u);
    restart();
    EXPECT_EQ(*values(), before);
    EXPECT_EQ(end(), (round + 1) * 20);
  }
  EXPECT_LE(log->figures().segments, 3);
  EXPECT_LE(disk.files().size(), 7u);
}

TEST_F(Recovery, DoesNotRecycleASegmentThatIsBeingRead) {
  append_many(30, 10'000);
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 0).ok());
  const auto polled = std::move(consumer->poll(Duration(0), 1)).value();
  ASSERT_TRUE(log->trim(kOrders, 30).ok());
  append_many(30, 9'000);
  ASSERT_FALSE(polled.empty());
  EXPECT_EQ(*polled[0].records[0].value, Bytes(10'000, 'x'));
}

TEST_F(Recovery, SaysThatTheDiskIsFullAndGoesOnWhenThereIsRoom) {
  ASSERT_TRUE(append("before").ok());
  const auto used = disk.content(kFirst).size();
  disk.set_capacity(used + 1000);  // no room for a second segment
  Result<Offset> full = Offset{0};
  int accepted = 0;
  while ((full = append(Bytes(10'000, 'x'))).ok()) ++accepted;
  EXPECT_EQ(full.error().code, Code::unavailable);
  EXPECT_THAT(full.error().message, HasSubstr("make room"));
  EXPECT_EQ(append(Bytes(10'000, 'x')).error().code, Code::unavailable);
  EXPECT_FALSE(log->failure().has_value());
  EXPECT_EQ(log->refusing(), full.error()) << "no smaller append makes it ready";
  EXPECT_EQ(values()->size(), static_cast<size_t>(accepted) + 1);
  EXPECT_TRUE(append("small").ok()) << "what fits into the segment is still taken";
  EXPECT_TRUE(log->refusing().has_value());
  disk.set_capacity(UINT64_MAX);
  EXPECT_FALSE(log->refusing().has_value());
  EXPECT_TRUE(append(Bytes(10'000, 'x')).ok());
  restart();
  EXPECT_EQ(values()->size(), static_cast<size_t>(accepted) + 3);
}

TEST_F(Recovery, LosesNoBatchWhenTheDiskWasFullWhileASegmentWasSealed) {
  disk.set_capacity(disk.content(kFirst).size());
  while (append(Bytes(5'000, 'x')).ok()) {
  }
  int small = 0;
  while (small < 10 && append("small").ok()) ++small;
  ASSERT_GT(small, 0);
  disk.set_capacity(UINT64_MAX);
  append_many(20, 10'000);
  const auto before = *values();
  restart();
  EXPECT_EQ(*values(), before);
}

TEST_F(Recovery, DoesNotMoveOffsetsOfACommitThatFailed) {
  auto worker = std::move(log->producer({.id = "w", .transactional = true})).value();
  disk.set_capacity(disk.content(kFirst).size());
  auto transaction = std::move(worker->begin()).value();
  const Bytes big(2 * kSegment, 'x');
  const RecordView records[] = {{.value = big}};
  ASSERT_TRUE(transaction->append(kOrders, records).ok());
  EXPECT_EQ(transaction->commit("group", {{kOrders, 5}}).error().code, Code::unavailable);
  EXPECT_TRUE(log->group_offsets("group")->empty());
  EXPECT_EQ(end(), 0);
  disk.set_capacity(UINT64_MAX);
  EXPECT_TRUE(transaction->commit("group", {{kOrders, 5}}).ok()) << "it may be asked again";
  EXPECT_EQ(log->group_offsets("group")->size(), 1u);
  ASSERT_TRUE(log->wait_durable(log->written()).ok());
  EXPECT_EQ(end(), 1);
  transaction.reset();
  worker.reset();
  restart();
  EXPECT_EQ(values()->size(), 1u);
}

// The only batch says it begins at `offset`, with the right checksum.
void move_batch(FaultyDisk& disk, Offset offset) {
  Bytes bytes = disk.content(kFirst);
  FrameHeader header;
  EntryHeader entry;
  for (size_t at = sizeof(SegmentHeader);; at += sizeof header + header.length) {
    ASSERT_LE(at + sizeof header + sizeof entry, bytes.size());
    std::memcpy(&header, &bytes[at], sizeof header);
    ASSERT_EQ(header.magic, kFrameMagic);
    std::memcpy(&entry, &bytes[at + sizeof header], sizeof entry);
    if (entry.kind != EntryKind::batch) continue;
    entry.base_offset = offset;
    header.crc = 0;
    header.crc = crc32c(BytesView(reinterpret_cast<const char*>(&entry), sizeof entry),
                        crc32c(BytesView(reinterpret_cast<const char*>(&header), sizeof header)));
    std::memcpy(&bytes[at], &header, sizeof header);
    std::memcpy(&bytes[at + sizeof header], &entry, sizeof entry);
    return disk.set_content(kFirst, bytes);
  }
}

TEST_F(Recovery, RefusesOffsetsBeyondTheirEndWhetherReadOrWritten) {
  ASSERT_TRUE(append("last").ok());
  stop();
  move_batch(disk, kMostNumber - 1);
  start();
  EXPECT_EQ(end(), kMostNumber);
  EXPECT_EQ(append("one too many").error().code, Code::corrupt);
  restart();
  EXPECT_EQ(end(), kMostNumber) << "it opens as it did before";
  stop();
  move_batch(disk, kMostNumber);
  EXPECT_EQ(refused().code, Code::corrupt);
}

TEST_F(Recovery, TakesNothingMoreAfterAFailedSync) {
  ASSERT_TRUE(append("safe").ok());
  disk.fail_sync();
  const auto failed = append("doubtful");
  EXPECT_EQ(failed.error().code, Code::io);
  EXPECT_THAT(failed.error().message, HasSubstr("start again"));
  EXPECT_TRUE(log->failure().has_value());
  EXPECT_EQ(append("later").error().code, Code::io);
  EXPECT_EQ(values().error().code, Code::io);
  EXPECT_EQ(log->wait_durable(log->written()).error().code, Code::io);
  disk.cut_power();
  restart();
  EXPECT_EQ(values()->front(), "safe");
}

TEST_F(Recovery, RefusesMoreThanFitsOneAppend) {
  const Bytes huge(70 << 20, 'x');
  EXPECT_EQ(append(huge).error().code, Code::invalid);
  EXPECT_EQ(append("fine").value(), 0);
}

TEST_F(Recovery, LetsOneLogHaveTheDirectory) {
  EXPECT_EQ(open_embedded(options()).error().code, Code::conflict);
}

TEST_F(Recovery, MeasuresSyncsByItsClock) {
  disk.set_slow(&clock, Duration(4));
  const LogFigures before = log->figures();
  ASSERT_TRUE(append("one").ok());
  const LogFigures after = log->figures();
  EXPECT_EQ(after.syncs - before.syncs, 1);
  EXPECT_EQ(after.sync_ns - before.sync_ns, 4'000'000);
  EXPECT_EQ(after.records - before.records, 1);
  EXPECT_EQ(after.payload_bytes - before.payload_bytes, 4);
  EXPECT_GT(after.bytes_written, before.bytes_written);
}

TEST_F(Recovery, DoesNotSyncAppendsWhenTheOperatingSystemIsTrusted) {
  stop();
  log = std::move(open_embedded(options(Durability::os))).value();
  producer = std::move(log->producer({})).value();
  const uint64_t before = disk.syncs();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append("x").ok());
  EXPECT_EQ(disk.syncs(), before);
  EXPECT_EQ(values()->size(), 10u);
}

TEST_F(Recovery, OpensAfterAPowerCutThatTookWhatWasOnlyWritten) {
  stop();
  log = std::move(open_embedded(options(Durability::os))).value();
  producer = std::move(log->producer({})).value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append("x").ok());
  disk.cut_power();
  restart();
  EXPECT_LE(values()->size(), 10u);
}

// The same on the real disk, with a syncing thread.
class Threads : public testing::Test {
 protected:
  Threads() {
    std::string name = (std::filesystem::temp_directory_path() / "tradewind-log-XXXXXX").string();
    directory = ::mkdtemp(name.data());
    log = std::move(open_embedded({.directory = directory, .first_segment_bytes = 1 << 20})).value();
    EXPECT_TRUE(log->create_topic({.name = "orders"}).ok());
  }
  ~Threads() override {
    log.reset();
    std::filesystem::remove_all(directory);
  }
  std::string directory;
  std::unique_ptr<EmbeddedLog> log;
};

TEST_F(Threads, KeepASecondLogOutOfTheDirectory) {
  EXPECT_EQ(open_embedded({.directory = directory}).error().code, Code::conflict);
}

TEST_F(Threads, ShareSyncsAndKeepEachProducersOrder) {
  constexpr int kThreads = 4;
  constexpr int kEach = 100;
  const int64_t syncs = log->figures().syncs;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t] {
        auto producer = std::move(log->producer({})).value();
        for (int i = 0; i < kEach; ++i) {
          const std::string key = std::to_string(t);
          const std::string value = std::to_string(i);
          const RecordView records[] = {{.key = key, .value = value}};
          ASSERT_TRUE(producer->append(kOrders, records).ok());
        }
      });
    }
  }
  EXPECT_LE(log->figures().syncs - syncs, kThreads * kEach);
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 0).ok());
  std::map<std::string, int> next;
  int records = 0;
  while (true) {
    const auto polled = std::move(consumer->poll(Duration(0), 1000)).value();
    if (polled.empty()) break;
    for (const FetchedBatch& batch : polled) {
      for (const RecordView& record : batch.records) {
        EXPECT_EQ(*record.value, std::to_string(next[std::string(*record.key)]++));
        ++records;
      }
    }
  }
  EXPECT_EQ(records, kThreads * kEach);
}

TEST_F(Threads, WakeAReaderWhenSomethingIsAppended) {
  for (const Visibility visibility : {Visibility::durable, Visibility::written}) {
    auto consumer = std::move(log->consumer(visibility)).value();
    ASSERT_TRUE(consumer->assign(kOrders, log->bounds(kOrders, visibility)->end).ok());
    std::jthread writer([this] {
      auto producer = std::move(log->producer({})).value();
      const RecordView records[] = {{.value = "woken"}};
      ASSERT_TRUE(producer->append(kOrders, records).ok());
    });
    const auto polled = std::move(consumer->poll(Duration(60'000), 10)).value();
    ASSERT_EQ(polled.size(), 1u);
    EXPECT_EQ(*polled[0].records[0].value, "woken");
  }
}

TEST_F(Threads, TrimWhileOthersReadAndAppend) {
  std::jthread writer([this] {
    auto producer = std::move(log->producer({})).value();
    const Bytes value(20'000, 'x');
    const RecordView records[] = {{.value = value}};
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(producer->append(kOrders, records).ok());
      if (i % 20 == 19) ASSERT_TRUE(log->trim(kOrders, i - 10).ok());
    }
  });
  auto consumer = std::move(log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign(kOrders, 0).ok());
  Offset next = 0;
  while (next < 300) {
    const auto polled = consumer->poll(Duration(60'000), 10);
    ASSERT_TRUE(polled.ok()) << polled.error().message;
    for (const FetchedBatch& batch : *polled) {
      EXPECT_GE(batch.records.front().offset, next);
      for (const RecordView& record : batch.records) EXPECT_EQ(record.value->size(), 20'000u);
      next = batch.next;
    }
  }
}

}  // namespace
}  // namespace tradewind::log
