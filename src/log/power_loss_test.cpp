// Power cuts at random places: what was acknowledged is there, transactions are whole or absent, order is
// kept.
#include <gtest/gtest.h>

#include <cstdlib>

#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

constexpr uint64_t kSeeds = 200;
constexpr int kLives = 4;
constexpr int32_t kPartitions = 3;
const char* const kTopic = "orders";

// Something that was asked of the log: one atomic step.
struct Attempt {
  std::map<int32_t, std::vector<std::string>> values;  // by partition
  int64_t consumed = -1;
  int64_t sequence = -1;
};

// What must be in the log: the contents before this life, then the first so many attempts of it.
struct Contents {
  std::map<int32_t, std::vector<std::string>> values;
  int64_t consumed = -1;
  int64_t sequence = -1;

  void take(const Attempt& attempt) {
    for (const auto& [partition, added] : attempt.values) {
      values[partition].insert(values[partition].end(), added.begin(), added.end());
    }
    if (attempt.consumed >= 0) consumed = attempt.consumed;
    if (attempt.sequence >= 0) sequence = attempt.sequence;
  }
};

class BadDays {
 public:
  explicit BadDays(uint64_t seed) : random_(seed), disk_(seed * 7919 + 1), huge_(seed % 10 == 0) {}

  void run() {
    for (int life = 0; life < kLives && !testing::Test::HasFailure(); ++life) {
      if (random_.chance(0.3)) disk_.stop_after_writes(random_.below(12));  // also while starting
      if (open()) {
        if (!disk_.stopped()) disk_.stop_after_writes(1 + random_.below(huge_ ? 25 : 300));
        while (!disk_.stopped()) step();
      }
      producer_.reset();
      log_.reset();
      disk_.cut_power();
      ASSERT_TRUE(open()) << "the log does not open after a power cut: " << reason_;
      compare();
      producer_.reset();
      log_.reset();
    }
  }

 private:
  bool open() {
    auto opened = open_embedded({.directory = "/log",
                                 .disk = &disk_,
                                 .own_thread = false,
                                 .first_segment_bytes = 8 << 10,
                                 .most_segment_bytes = 64 << 10});
    if (!opened.ok()) return refused(opened.error());
    log_ = std::move(opened).value();
    const auto topic = log_->create_topic({.name = kTopic, .partitions = kPartitions});
    if (!topic.ok()) return refused(topic.error());
    auto producer = log_->producer({.id = "worker", .transactional = true});
    if (!producer.ok()) return refused(producer.error());
    producer_ = std::move(producer).value();
    return true;
  }

  bool refused(const Error& error) {
    EXPECT_TRUE(disk_.stopped()) << error.message;
    reason_ = error.message;
    return false;
  }

  void step() {
    const uint64_t what = random_.below(100);
    if (what < 35) return append();
    if (what < 65) return commit();
    if (what < 80) return append_all();
    if (what < 90) return make_durable();
    if (what < 97) return trim();
    (void)log_->create_topic({.name = "scratch"}).ok();
    (void)log_->delete_topic("scratch").ok();
  }

  std::vector<std::string> some_values(size_t most) {
    std::vector<std::string> values;
    for (uint64_t i = random_.below(most) + 1; i > 0; --i) {
      const size_t size = random_.chance(0.1) ? 3000 : 40;
      values.push_back(std::to_string(++last_value_) + ":" + std::string(random_.below(size), 'v'));
    }
    return values;
  }

  static std::vector<RecordView> views(const std::vector<std::string>& values) {
    std::vector<RecordView> records;
    for (const std::string& value : values) records.push_back({.key = "k", .value = value});
    return records;
  }

  void append() {
    const auto partition = static_cast<int32_t>(random_.below(kPartitions));
    attempts_.push_back({.values = {{partition, some_values(20)}}});
    const auto records = views(attempts_.back().values[partition]);
    if (producer_->append({kTopic, partition}, records).ok()) acknowledged_ = attempts_.size();
  }

  void commit() {
    auto transaction = producer_->begin();
    if (!transaction.ok()) return;
    Attempt attempt{.consumed = ++last_number_};
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      if (random_.chance(0.3)) continue;
      auto& values = attempt.values[partition] = some_values(10);
      if (huge_ && random_.chance(0.6)) values.push_back(std::string(3 << 20, 'h'));
      ASSERT_TRUE((*transaction)->append({kTopic, partition}, views(values)).ok());
    }
    if (random_.chance(0.1)) return;  // aborted
    attempts_.push_back(attempt);
    (void)(*transaction)->commit("group", {{{kTopic, 0}, attempt.consumed}}).ok();
  }

  void append_all() {
    Attempt attempt{.sequence = ++last_number_};
    std::vector<std::vector<RecordView>> records;
    std::vector<Appending> parts;
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      records.push_back(views(attempt.values[partition] = some_values(5)));
      parts.push_back({{kTopic, partition}, records.back()});
    }
    attempts_.push_back(attempt);
    if (producer_->append_all(parts, attempt.sequence).ok()) acknowledged_ = attempts_.size();
  }

  void make_durable() {
    const size_t attempts = attempts_.size();
    if (log_->wait_durable(log_->written()).ok()) acknowledged_ = attempts;
  }

  void trim() {
    const auto partition = static_cast<int32_t>(random_.below(kPartitions));
    const auto bounds = log_->bounds({kTopic, partition}, Visibility::written);
    if (!bounds.ok() || bounds->begin == bounds->end) return;
    const Offset keep = random_.between(bounds->begin, bounds->end);
    trimmed_[partition] = std::max(trimmed_[partition], keep);
    (void)log_->trim({kTopic, partition}, keep).ok();
  }

  struct Found {
    Offset begin = 0;
    std::vector<std::string> values;
  };

  void compare() {
    std::map<int32_t, Found> found;
    for (int32_t partition = 0; partition < kPartitions; ++partition) read(partition, found[partition]);
    const auto groups = std::move(log_->group_offsets("group")).value();
    const int64_t consumed = groups.empty() ? -1 : groups.begin()->second;
    const int64_t sequence = producer_->last_sequence().value();
    Contents expected = before_;
    for (size_t kept = 0; kept <= attempts_.size(); ++kept) {
      if (kept > 0) expected.take(attempts_[kept - 1]);
      if (kept < acknowledged_ || expected.consumed != consumed || expected.sequence != sequence) continue;
      if (!same(expected, found)) continue;
      before_ = expected;
      attempts_.clear();
      acknowledged_ = 0;
      return;
    }
    ADD_FAILURE() << "the log holds none of the states it may hold: " << attempts_.size() << " steps, "
                  << acknowledged_ << " acknowledged; its offsets say " << consumed << ", its sequence "
                  << sequence;
  }

  bool same(const Contents& expected, const std::map<int32_t, Found>& found) const {
    for (const auto& [partition, actual] : found) {
      const auto wanted = expected.values.find(partition);
      const std::vector<std::string> none;
      const auto& values = wanted == expected.values.end() ? none : wanted->second;
      const auto begin = static_cast<size_t>(actual.begin);
      if (begin + actual.values.size() != values.size()) return false;
      if (!std::equal(actual.values.begin(), actual.values.end(), values.begin() + actual.begin))
        return false;
    }
    return true;
  }

  void read(int32_t partition, Found& found) {
    const Position position{kTopic, partition};
    const auto bounds = log_->bounds(position, Visibility::durable).value();
    found.begin = bounds.begin;
    EXPECT_LE(bounds.begin, trimmed_[partition]) << "more was trimmed than asked for";
    auto consumer = std::move(log_->consumer(Visibility::durable)).value();
    ASSERT_TRUE(consumer->assign(position, 0).ok());
    while (true) {
      auto polled = consumer->poll(Duration(0), 500);
      ASSERT_TRUE(polled.ok()) << polled.error().message;
      if (polled->empty()) break;
      for (const FetchedBatch& batch : *polled) {
        for (const RecordView& record : batch.records) {
          EXPECT_EQ(record.offset, found.begin + static_cast<Offset>(found.values.size()));
          found.values.emplace_back(*record.value);
        }
      }
    }
    EXPECT_EQ(bounds.end, found.begin + static_cast<Offset>(found.values.size()));
  }

  Random random_;
  FaultyDisk disk_;
  const bool huge_;  // commits of several frames
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<Producer> producer_;
  std::string reason_;
  Contents before_;
  std::vector<Attempt> attempts_;
  size_t acknowledged_ = 0;
  std::map<int32_t, Offset> trimmed_;
  int64_t last_value_ = 0;
  int64_t last_number_ = 0;
};

TEST(PowerLoss, LosesNothingAcknowledgedAndTearsNoTransaction) {
  uint64_t first = 1;
  uint64_t last = kSeeds;
  if (const char* wanted = std::getenv("TW_SEED")) first = last = std::strtoull(wanted, nullptr, 10);
  for (uint64_t seed = first; seed <= last; ++seed) {
    BadDays(seed).run();
    if (HasFailure()) {
      FAIL() << "again: TW_SEED=" << seed << " build/release/src/log_test --gtest_filter=PowerLoss.*";
    }
  }
}

TEST(PowerLoss, MayLeaveANewSegmentBesideAnUnsyncedOne) {
  BadDays(850).run();
}

TEST(PowerLoss, MayTakeBackTheNameOfARecycledSegment) {
  BadDays(169).run();
}

}  // namespace
}  // namespace tradewind::log
