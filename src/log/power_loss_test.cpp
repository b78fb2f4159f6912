// Power cuts at random places, while the log expires, compacts and moves batches: what was acknowledged and
// may not go is there, transactions are whole or absent, order and offsets are kept. TW_SEED=n runs that seed
// alone, TW_SEEDS=n so many of them.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <optional>

#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

constexpr uint64_t kSeeds = 200;
constexpr int kLives = 4;
constexpr int32_t kPartitions = 3;
constexpr Duration kRetention(60'000);
constexpr Duration kTombstoneRetention(30'000);
const std::string kOrders = "orders";  // kept for ever, but for trims
const std::string kPrices = "prices";  // compacted
const std::string kClicks = "clicks";  // kept for kRetention
const std::string kStock = "stock";    // compacted, and kept for kRetention
const std::array kTopics{&kOrders, &kPrices, &kClicks, &kStock};

struct Kept {
  std::string key;
  std::optional<std::string> value;
  int64_t appended_ms = 0;
  Offset offset = 0;

  bool operator==(const Kept&) const = default;
};
using Values = std::map<Position, std::vector<Kept>>;

// Something that was asked of the log: one atomic step.
struct Attempt {
  Values values;
  int64_t consumed = -1;
  int64_t sequence = -1;
};

// What must be in the log: the contents before this life, then the first so many attempts of it.
struct Contents {
  Values values;
  int64_t consumed = -1;
  int64_t sequence = -1;

  void take(const Attempt& attempt) {
    for (const auto& [position, added] : attempt.values) {
      std::vector<Kept>& all = values[position];
      for (const Kept& record : added) {
        all.push_back(record);
        all.back().offset = static_cast<Offset>(all.size()) - 1;
      }
    }
    if (attempt.consumed >= 0) consumed = attempt.consumed;
    if (attempt.sequence >= 0) sequence = attempt.sequence;
  }
};

// What keeping did in all lives together.
struct Coverage {
  int64_t moved = 0;
  int64_t compacted = 0;
  int64_t expired = 0;
  int64_t reclaimed = 0;

  void take(const LogFigures& figures) {
    moved += figures.moved_bytes;
    compacted += figures.compacted_records;
    expired += figures.expired_records;
    reclaimed += figures.reclaimed_bytes;
  }
};

class BadDays {
 public:
  BadDays(uint64_t seed, Coverage& coverage)
      : coverage_(coverage), random_(seed), disk_(seed * 7919 + 1), huge_(seed % 10 == 0) {}

  void run() {
    for (int life = 0; life < kLives && !testing::Test::HasFailure(); ++life) {
      if (random_.chance(0.3)) disk_.stop_after_writes(random_.below(12));  // also while starting
      if (open()) {
        if (!disk_.stopped()) disk_.stop_after_writes(1 + random_.below(huge_ ? 25 : 300));
        while (!disk_.stopped()) step();
        coverage_.take(log_->figures());
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
                                 .clock = &clock_,
                                 .own_thread = false,
                                 .first_segment_bytes = 8 << 10,
                                 .most_segment_bytes = 64 << 10,
                                 .spare_percent = static_cast<int>(random_.between(0, 100)),
                                 .dirty_percent = static_cast<int>(random_.between(0, 100)),
                                 .tombstone_retention = kTombstoneRetention,
                                 .compaction_memory = 1 + random_.below(1000)});
    if (!opened.ok()) return refused(opened.error());
    log_ = std::move(opened).value();
    for (const std::string* name : kTopics) {
      TopicSpec spec{.name = *name, .partitions = kPartitions, .retention = Duration(-1)};
      if (*name == kPrices) spec.cleanup = Cleanup::compact;
      if (*name == kStock) spec.cleanup = Cleanup::compact_and_remove;
      if (*name == kClicks || *name == kStock) spec.retention = kRetention;
      const auto topic = log_->create_topic(spec);
      if (!topic.ok()) return refused(topic.error());
    }
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
    if (random_.chance(0.3)) clock_.advance(Duration(random_.between(0, 8'000)));
    if (random_.chance(0.4)) keep();
    const uint64_t what = random_.below(100);
    if (what < 35) return append();
    if (what < 65) return commit();
    if (what < 80) return append_all();
    if (what < 88) return make_durable();
    if (what < 94) return trim();
    if (what < 97) return look();
    (void)log_->create_topic({.name = "scratch"}).ok();
    const RecordView record{.value = "gone soon"};
    (void)producer_->append({"scratch", 0}, {&record, 1}).ok();
    if (random_.chance(0.5)) keep();
    (void)log_->delete_topic("scratch").ok();
  }

  void keep() {
    for (uint64_t steps = random_.below(6) + 1; steps > 0; --steps) {
      const auto kept = log_->keep();
      EXPECT_TRUE(kept.ok() || disk_.stopped()) << kept.error().message;
      if (!kept.ok() || !*kept) return;
    }
  }

  Position some_position() {
    return {*kTopics[random_.below(kTopics.size())], static_cast<int32_t>(random_.below(kPartitions))};
  }

  std::vector<Kept> some_values(const Position& position, size_t most) {
    std::vector<Kept> values;
    for (uint64_t i = random_.below(most) + 1; i > 0; --i) {
      const size_t size = random_.chance(0.1) ? 3000 : 40;
      Kept record{.key = "k" + std::to_string(random_.below(12)), .appended_ms = clock_.now().ms};
      record.value = std::to_string(++last_value_) + ":" + std::string(random_.below(size), 'v');
      if (position.topic != kOrders && random_.chance(0.2)) record.value.reset();
      values.push_back(std::move(record));
    }
    return values;
  }

  static std::vector<RecordView> views(const std::vector<Kept>& values) {
    std::vector<RecordView> records;
    for (const Kept& kept : values) {
      records.push_back({.key = kept.key});
      if (kept.value) records.back().value = *kept.value;
    }
    return records;
  }

  void append() {
    const Position position = some_position();
    attempts_.push_back({.values = {{position, some_values(position, 20)}}});
    const auto records = views(attempts_.back().values[position]);
    if (producer_->append(position, records).ok()) acknowledged_ = attempts_.size();
  }

  void commit() {
    auto transaction = producer_->begin();
    if (!transaction.ok()) return;
    Attempt attempt{.consumed = ++last_number_};
    for (int parts = 0; parts < 3; ++parts) {
      const Position position = some_position();
      if (attempt.values.contains(position)) continue;
      auto& values = attempt.values[position] = some_values(position, 10);
      if (huge_ && random_.chance(0.6)) values.back().value = std::string(3 << 20, 'h');
      ASSERT_TRUE((*transaction)->append(position, views(values)).ok());
    }
    if (random_.chance(0.1)) return;  // aborted
    attempts_.push_back(attempt);
    (void)(*transaction)->commit("group", {{{kOrders, 0}, attempt.consumed}}).ok();
  }

  void append_all() {
    Attempt attempt{.sequence = ++last_number_};
    for (int parts = 0; parts < 3; ++parts) {
      const Position position = some_position();
      attempt.values[position] = some_values(position, 5);
    }
    std::vector<std::vector<RecordView>> records;
    std::vector<Appending> parts;
    records.reserve(attempt.values.size());
    for (const auto& [position, values] : attempt.values) {
      records.push_back(views(values));
      parts.push_back({position, records.back()});
    }
    attempts_.push_back(attempt);
    if (producer_->append_all(parts, attempt.sequence).ok()) acknowledged_ = attempts_.size();
  }

  void make_durable() {
    const size_t attempts = attempts_.size();
    if (log_->wait_durable(log_->written()).ok()) acknowledged_ = attempts;
  }

  void trim() {
    const Position position{kOrders, static_cast<int32_t>(random_.below(kPartitions))};
    const auto bounds = log_->bounds(position, Visibility::written);
    if (!bounds.ok() || bounds->begin == bounds->end) return;
    const Offset keep = random_.between(bounds->begin, bounds->end);
    trimmed_[position] = std::max(trimmed_[position], keep);
    (void)log_->trim(position, keep).ok();
  }

  // While nothing is wrong readers see everything that was written and may not go, and all that is durable.
  void look() {
    Contents expected = before_;
    for (const Attempt& attempt : attempts_) expected.take(attempt);
    for (const std::string* topic : kTopics) {
      const Position position{*topic, static_cast<int32_t>(random_.below(kPartitions))};
      const Found found = read(position, Visibility::written);
      if (disk_.stopped()) return;
      EXPECT_EQ(trouble(position, expected.values[position], found), "")
          << position.topic << " while it runs";
      const Found durable = read(position, Visibility::durable);
      if (disk_.stopped()) return;
      std::vector<Kept> first = expected.values[position];
      ASSERT_LE(durable.end, static_cast<Offset>(first.size()));
      // What is not durable yet may already be what a durable record was compacted away for: only sealed ones
      // are.
      first.resize(static_cast<size_t>(durable.end));
      EXPECT_EQ(trouble(position, first, durable), "") << position.topic << " as far as it is durable";
    }
  }

  struct Found {
    Offset begin = 0;
    Offset end = 0;
    std::vector<Kept> records;
  };

  void compare() {
    std::map<Position, Found> found;
    for (const std::string* topic : kTopics) {
      for (int32_t p = 0; p < kPartitions; ++p) found[{*topic, p}] = read({*topic, p}, Visibility::durable);
    }
    const auto groups = std::move(log_->group_offsets("group")).value();
    const int64_t consumed = groups.empty() ? -1 : groups.begin()->second;
    const int64_t sequence = producer_->last_sequence().value();
    Contents expected = before_;
    std::string why = "nothing fits";
    for (size_t kept = 0; kept <= attempts_.size(); ++kept) {
      if (kept > 0) expected.take(attempts_[kept - 1]);
      if (kept < acknowledged_ || expected.consumed != consumed || expected.sequence != sequence) continue;
      why = "";
      for (const auto& [position, actual] : found) {
        const std::string what = trouble(position, expected.values[position], actual);
        if (!what.empty())
          why += position.topic + "-" + std::to_string(position.partition) + ": " + what + "; ";
      }
      if (!why.empty()) continue;
      before_ = expected;
      attempts_.clear();
      acknowledged_ = 0;
      return;
    }
    ADD_FAILURE() << "the log holds none of the states it may hold: " << attempts_.size() << " steps, "
                  << acknowledged_ << " acknowledged; its offsets say " << consumed << ", its sequence "
                  << sequence << "; " << why;
  }

  // What is wrong with a partition that should hold `all`; empty when nothing is.
  std::string trouble(const Position& position, const std::vector<Kept>& all, const Found& found) {
    if (found.end != static_cast<Offset>(all.size())) {
      return "it ends at " + std::to_string(found.end) + ", not at " + std::to_string(all.size());
    }
    std::vector<bool> there(all.size());
    Offset last = -1;
    for (const Kept& record : found.records) {
      const Kept& wanted = all[static_cast<size_t>(record.offset)];
      const bool ascends = record.offset > last && record.offset >= found.begin;
      if (!ascends || record.key != wanted.key || record.value != wanted.value)
        return "offset " + std::to_string(record.offset) + " is wrong";
      last = record.offset;
      there[static_cast<size_t>(record.offset)] = true;
    }
    const int64_t now_ms = clock_.now().ms;
    for (Offset offset = 0; offset < found.begin; ++offset) {
      const bool expired = all[static_cast<size_t>(offset)].appended_ms < now_ms - kRetention.count();
      const bool may_go =
          position.topic == kOrders ? offset < trimmed_[position] : position.topic != kPrices && expired;
      if (!may_go) return "offset " + std::to_string(offset) + " lies before its begin";
    }
    const bool compacted = position.topic == kPrices || position.topic == kStock;
    std::map<std::string, size_t> latest;
    for (size_t i = 0; i < all.size(); ++i) latest[all[i].key] = i;
    for (auto i = static_cast<size_t>(found.begin); i < all.size(); ++i) {
      if (there[i] || (compacted && latest[all[i].key] > i)) continue;
      const bool old = all[i].appended_ms < now_ms - kTombstoneRetention.count();
      if (!compacted || all[i].value || !old || i + 1 == all.size())
        return "offset " + std::to_string(i) + " is missing";
      for (size_t before = 0; before < i; ++before) {
        if (there[before] && all[before].key == all[i].key)
          return "offset " + std::to_string(before) + " came back without its tombstone";
      }
    }
    return "";
  }

  Found read(const Position& position, Visibility visibility) {
    Found found;
    const auto bounds = log_->bounds(position, visibility).value();
    found.begin = bounds.begin;
    found.end = bounds.end;
    auto consumer = std::move(log_->consumer(visibility)).value();
    EXPECT_TRUE(consumer->assign(position, 0).ok());
    Offset next = bounds.begin;
    while (true) {
      auto polled = consumer->poll(Duration(0), random_.below(500) + 1);
      if (!polled.ok() && disk_.stopped()) return found;
      EXPECT_TRUE(polled.ok()) << polled.error().message;
      if (!polled.ok() || polled->empty()) break;
      for (const FetchedBatch& batch : *polled) {
        EXPECT_FALSE(batch.records.empty());
        EXPECT_GT(batch.next, batch.records.back().offset);
        for (const RecordView& record : batch.records) {
          found.records.push_back({.key = std::string(*record.key), .offset = record.offset});
          if (record.value) found.records.back().value = std::string(*record.value);
        }
        next = batch.next;
      }
    }
    EXPECT_EQ(next, bounds.end) << "the last batch tells that all was read";
    if (found.begin < found.end) read_from_the_middle(position, visibility, found);
    return found;
  }

  void read_from_the_middle(const Position& position, Visibility visibility, const Found& found) {
    const Offset from = random_.between(found.begin, found.end - 1);
    auto consumer = std::move(log_->consumer(visibility)).value();
    EXPECT_TRUE(consumer->assign(position, from).ok());
    const auto polled = consumer->poll(Duration(0), 1);
    if (!polled.ok() && disk_.stopped()) return;
    ASSERT_TRUE(polled.ok() && !polled->empty());
    const auto wanted = std::find_if(found.records.begin(), found.records.end(),
                                     [&](const Kept& record) { return record.offset >= from; });
    ASSERT_NE(wanted, found.records.end());
    EXPECT_EQ((*polled)[0].records.front().offset, wanted->offset);
  }

  Coverage& coverage_;
  Random random_;
  FaultyDisk disk_;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  const bool huge_;  // commits of several frames
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<Producer> producer_;
  std::string reason_;
  Contents before_;
  std::vector<Attempt> attempts_;
  size_t acknowledged_ = 0;
  std::map<Position, Offset> trimmed_;
  int64_t last_value_ = 0;
  int64_t last_number_ = 0;
};

TEST(PowerLoss, LosesNothingAcknowledgedAndTearsNoTransaction) {
  Coverage coverage;
  uint64_t first = 1;
  uint64_t last = kSeeds;
  if (const char* wanted = std::getenv("TW_SEEDS")) last = std::strtoull(wanted, nullptr, 10);
  if (const char* wanted = std::getenv("TW_SEED")) first = last = std::strtoull(wanted, nullptr, 10);
  for (uint64_t seed = first; seed <= last; ++seed) {
    BadDays(seed, coverage).run();
    if (HasFailure()) {
      FAIL() << "again: TW_SEED=" << seed << " build/release/src/log_test --gtest_filter=PowerLoss.*";
    }
  }
  if (first == last) return;
  EXPECT_GT(coverage.moved, 0);
  EXPECT_GT(coverage.compacted, 0);
  EXPECT_GT(coverage.expired, 0);
  EXPECT_GT(coverage.reclaimed, 0);
}

TEST(PowerLoss, MayLeaveANewSegmentBesideAnUnsyncedOne) {
  Coverage coverage;
  BadDays(850, coverage).run();
}

TEST(PowerLoss, MayTakeBackTheNameOfARecycledSegment) {
  Coverage coverage;
  BadDays(169, coverage).run();
}

}  // namespace
}  // namespace tradewind::log
