// A log that now and then does not answer, at any call of a worker: queries wait, go on by themselves, and
// come to what they come to on one that always answers.
#include "base/random.h"
#include "engine/driver.h"
#include "log/memory_log.h"
#include "log/passing_log.h"

namespace tradewind::engine {
namespace {

using log::Position;

// Answers only one call of so many with `unavailable`.
class SilentLog final : public log::PassingLog {
 public:
  SilentLog(log::Log& inner, uint64_t seed) : PassingLog(inner), chance_(seed) {}

  uint64_t one_in = 0;  // calls; 0: it always answers
  int64_t silences = 0;

  Result<log::TopicSpec> topic(const std::string& name) override {
    TRY(answers());
    return PassingLog::topic(name);
  }
  Result<Bounds> bounds(const Position& position, log::Visibility visibility) override {
    TRY(answers());
    return PassingLog::bounds(position, visibility);
  }
  Result<> trim(const Position& position, log::Offset keep) override {
    TRY(answers());
    return PassingLog::trim(position, keep);
  }
  Result<std::unique_ptr<log::Consumer>> consumer(log::Visibility visibility) override {
    TRY(answers());
    return std::unique_ptr<log::Consumer>(
        std::make_unique<Consumer>(*this, TRY(PassingLog::consumer(visibility))));
  }

 private:
  class Transaction final : public log::PassingTransaction {
   public:
    Transaction(SilentLog& log, std::unique_ptr<log::Transaction> inner)
        : PassingTransaction(std::move(inner)), log_(log) {}
    Result<> append(const Position& position, std::span<const log::RecordView> records) override {
      TRY(log_.answers());
      return PassingTransaction::append(position, records);
    }
    Result<log::Offsets> commit(std::string_view group, const log::Offsets& consumed) override {
      TRY(log_.answers());
      return PassingTransaction::commit(group, consumed);
    }

   private:
    SilentLog& log_;
  };

  class Consumer final : public log::Consumer {
   public:
    Consumer(SilentLog& log, std::unique_ptr<log::Consumer> inner) : log_(log), inner_(std::move(inner)) {}
    Result<> assign(const Position& position, log::Offset from) override {
      TRY(log_.answers());
      return inner_->assign(position, from);
    }
    void unassign(const Position& position) override { inner_->unassign(position); }
    Result<std::vector<log::FetchedBatch>> poll(Duration wait, size_t max_records) override {
      TRY(log_.answers());
      return inner_->poll(wait, max_records);
    }

   private:
    SilentLog& log_;
    const std::unique_ptr<log::Consumer> inner_;
  };

  std::unique_ptr<log::Transaction> around(std::unique_ptr<log::Transaction> inner) override {
    return std::make_unique<Transaction>(*this, std::move(inner));
  }
  Result<> answers() {
    if (one_in == 0 || chance_.below(one_in) != 0) return {};
    ++silences;
    return Error{Code::unavailable, "nobody answers"};
  }

  Random chance_;
};

constexpr const char* kQueries = R"(
CREATE STREAM sales (k STRING KEY, shop STRING, units INT) WITH (kafka_topic='sales', partitions=3, value_format='JSON');
CREATE TABLE shops (shop STRING PRIMARY KEY, town STRING) WITH (kafka_topic='shops', partitions=3, value_format='JSON');
CREATE TABLE per_shop AS SELECT shop, COUNT(*) AS n, SUM(units) AS units FROM sales GROUP BY shop EMIT CHANGES;
CREATE TABLE per_window AS SELECT shop, COUNT(*) AS n FROM sales
  WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 1 HOUR) GROUP BY shop EMIT CHANGES;
CREATE STREAM placed AS SELECT s.shop AS shop, s.units AS units, t.town AS town
  FROM sales s LEFT JOIN shops t ON s.shop = t.shop EMIT CHANGES;
CREATE TABLE per_town AS SELECT town, COUNT(*) AS n, SUM(units) AS units FROM placed GROUP BY town EMIT CHANGES;
)";

class Unanswered : public testing::TestWithParam<int> {
 protected:
  void open(uint64_t seed, int workers) {
    driver_.reset();
    inner_ = log::make_memory_log();
    log_ = std::make_unique<SilentLog>(*inner_, seed);
    driver_ = std::move(Driver::start(*log_, {.workers = workers})).value();
    Session session{{"auto.offset.reset", "earliest"}};
    const auto made = driver_->run(kQueries, session);
    ASSERT_TRUE(made.ok()) << made.error().message;
  }
  void feed(const std::string& source, const std::string& topic, const std::vector<std::string>& lines) {
    const auto records = driver_->records_for(source, lines);
    ASSERT_TRUE(records.ok()) << records.error().message;
    ASSERT_TRUE(stream::append(*inner_, topic, *records).ok());
  }
  // As a worker's loop does: what is unavailable is asked for again.
  void settle() {
    for (int tries = 0; tries < 20'000; ++tries) {
      const auto done = driver_->settle();
      if (done.ok()) return;
      ASSERT_EQ(done.error().code, Code::unavailable) << done.error().message;
    }
    FAIL() << "it does not come to rest";
  }
  // Everything the tables hold, after rounds of sales in which one call of `one_in` is not answered.
  std::vector<std::string> outcome(uint64_t seed, int workers, uint64_t one_in) {
    open(seed, workers);
    feed("shops", "shops", {"00:00:00  a  Ulm", "00:00:00  b  Bonn", "00:00:00  c  Ulm"});
    settle();
    Random sales(7);
    log_->one_in = one_in;
    for (int round = 0; round < 12; ++round) {
      std::vector<std::string> lines;
      for (int i = 0; i < 40; ++i) {
        const std::string minute = std::to_string(10 + sales.below(20));
        lines.push_back("00:" + minute + ":00  k" + std::to_string(sales.below(9)) + "  " +
                        std::string(1, static_cast<char>('a' + sales.below(4))) + "  " +
                        std::to_string(sales.below(100)));
      }
      feed("sales", "sales", lines);
      settle();
    }
    log_->one_in = 0;
    settle();
    std::vector<std::string> all;
    for (const std::string table : {"per_shop", "per_window", "per_town"}) {
      const auto found = driver_->select("SELECT * FROM " + table + ";", {});
      EXPECT_TRUE(found.ok()) << found.error().message;
      if (!found.ok()) continue;
      for (const auto& row : found->rows) {
        all.push_back(table);
        for (const std::string& cell : row) all.back() += " " + cell;
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  std::unique_ptr<log::Log> inner_;
  std::unique_ptr<SilentLog> log_;
  std::unique_ptr<Driver> driver_;
};

TEST_P(Unanswered, QueriesComeToTheSame) {
  const int workers = GetParam();
  const std::vector<std::string> wanted = outcome(1, workers, 0);
  ASSERT_GT(wanted.size(), 10u);
  int64_t silences = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    EXPECT_EQ(outcome(seed, workers, 20 + seed * 15), wanted);
    silences += log_->silences;
    if (HasFailure()) return;
  }
  EXPECT_GT(silences, 100);
}

INSTANTIATE_TEST_SUITE_P(Workers, Unanswered, testing::Values(1, 2));

}  // namespace
}  // namespace tradewind::engine
