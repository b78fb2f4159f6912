// The log keeps its space small on the real disk, with a thread of its own, while others write and read.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "log/open.h"

namespace tradewind::log {
namespace {

const Position kOrders{"orders", 0};

TEST(KeeperThread, KeepsWhileOthersAppendAndRead) {
  std::string name = (std::filesystem::temp_directory_path() / "tradewind-log-XXXXXX").string();
  const std::string directory = ::mkdtemp(name.data());
  {
    auto log = std::move(open_embedded({.directory = directory,
                                        .first_segment_bytes = 256 << 10,
                                        .most_segment_bytes = 256 << 10,
                                        .keeper_rate = 1ULL << 32}))
                   .value();
    ASSERT_TRUE(log->create_topic({.name = "orders", .cleanup = Cleanup::compact}).ok());
    ASSERT_TRUE(log->create_topic({.name = "kept", .retention = Duration(-1)}).ok());
    constexpr int kRecords = 1'500;
    std::jthread writer([&] {
      auto producer = std::move(log->producer({})).value();
      for (int i = 0; i < kRecords; ++i) {
        const std::string key = std::to_string(i % 10);
        const std::string value = std::to_string(i) + ":" + Bytes(3'000, 'x');
        const RecordView record{.key = key, .value = value};
        ASSERT_TRUE(producer->append(kOrders, {&record, 1}).ok());
        if (i % 20 == 0) ASSERT_TRUE(producer->append({"kept", 0}, {&record, 1}).ok());
      }
    });
    auto consumer = std::move(log->consumer(Visibility::durable)).value();
    ASSERT_TRUE(consumer->assign(kOrders, 0).ok());
    for (Offset next = 0; next < kRecords;) {
      const auto polled = consumer->poll(Duration(10'000), 10);
      ASSERT_TRUE(polled.ok()) << polled.error().message;
      for (const FetchedBatch& batch : *polled) {
        for (const RecordView& record : batch.records) {
          ASSERT_GE(record.offset, next);
          ASSERT_TRUE(record.value->starts_with(std::to_string(record.offset) + ":"));
          next = record.offset + 1;
        }
      }
    }
    writer.join();
    for (int waits = 0; log->figures().moved_bytes == 0 && waits < 600; ++waits)
      log->wait_for_more(log->written(), Duration(50));
    EXPECT_GT(log->figures().compacted_records, 0);
    EXPECT_GT(log->figures().moved_bytes, 0);
    EXPECT_FALSE(log->figures().keeper_failed);
    ASSERT_TRUE(consumer->assign({"kept", 0}, 0).ok());
    size_t kept = 0;
    while (true) {
      const auto polled = std::move(consumer->poll(Duration(0), 10'000)).value();
      if (polled.empty()) break;
      for (const FetchedBatch& batch : polled) {
        if (batch.position.topic == "kept") kept += batch.records.size();
      }
    }
    EXPECT_EQ(kept, 75U);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tradewind::log
