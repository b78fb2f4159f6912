#pragma once
// Contract: logs of all kinds, for what every Log promises. With TW_CONTRACT_ON_KAFKA: the brokers that
// TW_KAFKA names, whose topics are deleted. Included behind gtest.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "log/faulty_disk.h"
#include "log/memory_log.h"
#include "log/open.h"

namespace tradewind::log {

struct InMemory {
  static constexpr Offset kMarks = 0;       // offsets that a transaction takes for itself in each partition
  static constexpr bool kSeesEnds = false;  // tells readers that their partition ends before them
  std::unique_ptr<Log> open() { return make_memory_log(); }
};

struct EmbeddedOnDisk {
  static constexpr Offset kMarks = 0;
  static constexpr bool kSeesEnds = false;
  EmbeddedOnDisk() {
    std::string name = (std::filesystem::temp_directory_path() / "tradewind-log-XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~EmbeddedOnDisk() { std::filesystem::remove_all(directory); }
  std::unique_ptr<Log> open() {
    auto opened = open_embedded({.directory = directory, .first_segment_bytes = 1 << 20});
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(opened).value();
  }
  std::string directory;
};

struct EmbeddedInOneThread {
  static constexpr Offset kMarks = 0;
  static constexpr bool kSeesEnds = false;
  std::unique_ptr<Log> open() {
    auto opened = open_embedded(
        {.directory = "/log", .disk = &disk, .own_thread = false, .first_segment_bytes = 64 << 10});
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(opened).value();
  }
  FaultyDisk disk{1};
};

struct OnKafka {
  static constexpr Offset kMarks = 1;
  static constexpr bool kSeesEnds = true;
  OnKafka() {
    const auto log = open();
    const auto topics = log->topics();
    for (const TopicSpec& topic : *topics) EXPECT_TRUE(log->delete_topic(topic.name).ok());
  }
  std::unique_ptr<Log> open() {
    const char* servers = std::getenv("TW_KAFKA");
    auto opened = open_kafka({.servers = servers == nullptr ? "" : servers});
    if (!opened.ok()) ADD_FAILURE() << opened.error().message;
    return std::move(opened).value();
  }
};

inline RecordView record(std::string_view key, std::string_view value, int64_t time_ms = 0) {
  return {.key = key, .value = value, .time = {time_ms}};
}

inline std::string text_of(const RecordView& record) {
  const std::string key = record.key ? std::string(*record.key) : "null";
  return key + "=" + (record.value ? std::string(*record.value) : "null");
}

template <typename Kind>
class LogContract : public testing::Test {
 protected:
  LogContract() { log = kind.open(); }

  void restart() {
    log.reset();
    log = kind.open();
  }
  void topic(const std::string& name, int32_t partitions = 1) {
    ASSERT_TRUE(log->create_topic({.name = name, .partitions = partitions}).ok());
  }
  Offset append(const Position& position, const std::vector<RecordView>& records) {
    auto producer = std::move(log->producer({})).value();
    auto first = producer->append(position, records);
    EXPECT_TRUE(first.ok()) << first.error().message;
    return first.ok() ? *first : -1;
  }
  std::unique_ptr<Producer> transactional(const std::string& id) {
    return std::move(log->producer({.id = id, .transactional = true})).value();
  }
  // Everything there is from `from`, as text.
  std::vector<std::string> read(const Position& position, Offset from = 0,
                                Visibility visibility = Visibility::durable) {
    std::vector<std::string> texts;
    auto consumer = std::move(log->consumer(visibility)).value();
    EXPECT_TRUE(consumer->assign(position, from).ok());
    while (true) {
      auto polled = consumer->poll(Duration(0), 1000);
      EXPECT_TRUE(polled.ok()) << polled.error().message;
      if (!polled.ok() || polled->empty()) return texts;
      for (const FetchedBatch& batch : *polled) {
        for (const RecordView& record : batch.records) texts.push_back(text_of(record));
      }
    }
  }
  Log::Bounds bounds(const Position& position, Visibility visibility = Visibility::durable) {
    const auto found = log->bounds(position, visibility);
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() ? *found : Log::Bounds();
  }

  // An id that no test had before: those of numbering producers outlive everything.
  std::string fresh(const std::string& id) {
    return id + std::to_string(::getpid()) + "-" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  Kind kind;
  std::unique_ptr<Log> log;
};

#ifdef TW_CONTRACT_ON_KAFKA
using Kinds = testing::Types<OnKafka>;
using DurableKinds = Kinds;
#else
using Kinds = testing::Types<InMemory, EmbeddedOnDisk, EmbeddedInOneThread>;
using DurableKinds = testing::Types<EmbeddedOnDisk, EmbeddedInOneThread>;
#endif

}  // namespace tradewind::log
