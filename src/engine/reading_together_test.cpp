// Queries that read one topic from one place read it once.
#include <set>

#include "engine/engine.h"
#include "log/memory_log.h"
#include "schema/local_registry.h"

namespace tradewind::engine {
namespace {

constexpr int64_t kRows = 60'000;

// An engine in one thread, over a topic that holds rows already.
class ReadingTogether : public testing::Test {
 protected:
  ReadingTogether() {
    stream::RuntimeOptions options;
    options.own_threads = false;
    options.rows_per_poll = 1'000;
    engine_ = std::make_unique<Engine>(*log_, *registry_, clock_, options);
    EXPECT_TRUE(engine_->start().ok());
    run("CREATE STREAM sales (units BIGINT) WITH (kafka_topic='sales', partitions=2, value_format='JSON');");
    const log::RecordView record{.value = "{\"UNITS\":1}", .time = clock_.now()};
    const std::vector<log::RecordView> records(kRows / 2, record);
    const auto producer = std::move(log_->producer({})).value();
    for (const int32_t partition : {0, 1}) EXPECT_TRUE(producer->append({"sales", partition}, records).ok());
  }

  void run(const std::string& text) {
    Session session{{"auto.offset.reset", "earliest"}};
    const auto statements = engine_->parse(text, {});
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
    }
  }
  void count(const std::string& table) {
    run("CREATE TABLE " + table + " AS SELECT 1 AS one, COUNT(*) AS n FROM sales GROUP BY 1 EMIT CHANGES;");
  }
  void steps(int most) {
    while (most-- > 0) {
      clock_.advance(Duration(1));
      EXPECT_TRUE(engine_->step().ok());
    }
  }
  int64_t rows_read() const { return engine_->figures().rows; }
  std::set<int64_t> rows_of_queries() const {
    std::set<int64_t> rows;
    for (const stream::QueryStatus& query : engine_->status()) rows.insert(query.rows_in);
    return rows;
  }

  ManualClock clock_{Timestamp{1'767'225'600'000}};
  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  std::unique_ptr<schema::LocalRegistry> registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
  std::unique_ptr<Engine> engine_;
};

TEST_F(ReadingTogether, QueriesCreatedTogetherWaitForEachOther) {
  {
    const Engine::Together together(*engine_);
    count("a");
    steps(10);
    EXPECT_EQ(rows_read(), 0);
    count("b");
  }
  steps(200);
  EXPECT_EQ(rows_read(), kRows);
  EXPECT_EQ(rows_of_queries(), std::set<int64_t>{kRows});
}

TEST_F(ReadingTogether, WhatRanBeforeGoesOnWhileOthersAreCreated) {
  count("a");
  const Engine::Together together(*engine_);
  count("b");
  steps(200);
  EXPECT_EQ(rows_read(), kRows);
}

TEST_F(ReadingTogether, AQueryFarFromTheEndIsWaitedForByThoseAhead) {
  count("a");
  steps(25);
  const int64_t ahead = rows_read();
  ASSERT_GT(ahead, 20'000);  // more than what is waited for in any case
  ASSERT_LT(ahead, kRows / 2);
  count("b");
  steps(200);
  EXPECT_EQ(rows_of_queries(), std::set<int64_t>{kRows});
  EXPECT_EQ(rows_read(), kRows + ahead);
}

}  // namespace
}  // namespace tradewind::engine
