// The engine as it runs in production: two workers with threads of their own, while others append, read
// tables, follow a stream and change what runs. Worth most under the thread sanitizer; the totals are
// recounted.
#include <atomic>
#include <thread>

#include "data/value.h"
#include "engine/engine.h"
#include "gtest/gtest.h"
#include "log/faulty_disk.h"
#include "log/open.h"
#include "log/partitioner.h"
#include "schema/local_registry.h"

namespace tradewind::engine {
namespace {

constexpr int kAppends = 150;
constexpr int kRowsPerAppend = 40;
constexpr int kChanges = 12;
constexpr int kKeys = 37;

class EngineThreads : public testing::Test {
 protected:
  EngineThreads() : disk_(1) {
    log_ = std::move(log::open_embedded({.directory = "/log", .disk = &disk_})).value();
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    stream::RuntimeOptions options;
    options.workers = 2;
    options.snapshot_frame_bytes = 4 << 10;
    options.snapshot_slice_bytes = 1 << 10;
    engine_ = std::make_unique<Engine>(*log_, *registry_, clock_, options);
    EXPECT_TRUE(engine_->start().ok());
  }
  ~EngineThreads() override { engine_->stop(); }

  void run(const std::string& text) {
    Session session = {{"auto.offset.reset", "earliest"}};
    const auto statements = engine_->parse(text, {});
    ASSERT_TRUE(statements.ok()) << statements.error().message;
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      ASSERT_TRUE(done.ok()) << statement.text << ": " << done.error().message;
    }
  }

  Result<std::unique_ptr<RowStream>> select(const std::string& text) {
    const auto statements = TRY(engine_->parse(text, {}));
    const Session session = {{"auto.offset.reset", "earliest"}, {"tradewind.pull.wait.ms", "60000"}};
    return engine_->select(std::get<sql::Select>(statements[0].is).query, session);
  }

  // (count, sum) by key.
  using Totals = std::map<std::string, std::pair<int64_t, int64_t>>;
  Totals totals(const std::string& table) {
    Totals found;
    auto rows = select("SELECT K, C, S FROM " + table + ";");
    EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.error().message);
    if (!rows.ok()) return found;
    while (auto batch = std::move((*rows)->next(Duration(0))).value()) {
      for (size_t i = 0; i < batch->rows(); ++i) {
        found[std::string(batch->column(0)->data<BytesView>()[i])] = {batch->column(1)->data<int64_t>()[i],
                                                                      batch->column(2)->data<int64_t>()[i]};
      }
    }
    return found;
  }

  void append_all(Totals& expected) {
    auto producer = std::move(log_->producer({})).value();
    for (int n = 0; n < kAppends; ++n) {
      std::map<int32_t, std::vector<std::pair<std::string, std::string>>> parts;
      for (int i = 0; i < kRowsPerAppend; ++i) {
        const int64_t number = n * kRowsPerAppend + i;
        const std::string key = "k" + std::to_string(number * 7919 % kKeys);
        parts[log::partition_of(key, 4)].emplace_back(key, "{\"N\":" + std::to_string(number) + "}");
        ++expected[key].first;
        expected[key].second += number;
      }
      for (const auto& [partition, rows] : parts) {
        std::vector<log::RecordView> records;
        for (const auto& [key, value] : rows) records.push_back({.key = key, .value = value});
        ASSERT_TRUE(producer->append({"s", partition}, records).ok());
      }
    }
  }

  void read_until(const std::atomic<bool>& over) {
    int64_t last = 0;
    while (!over) {
      int64_t count = 0;
      for (const auto& [key, total] : totals("T")) count += total.first;
      EXPECT_GE(count, last) << "committed rows were taken back";
      EXPECT_LE(count, kAppends * kRowsPerAppend);
      last = count;
      for (const stream::QueryStatus& status : engine_->status()) EXPECT_EQ(status.error, "");
    }
  }

  void follow() {
    constexpr int64_t kRows = kAppends * kRowsPerAppend;
    auto rows = select("SELECT K, N FROM S EMIT CHANGES LIMIT " + std::to_string(kRows) + ";");
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    int64_t sum = 0;
    while (auto batch = std::move((*rows)->next(Duration(1000))).value()) {
      for (size_t i = 0; i < batch->rows(); ++i) sum += batch->column(1)->data<int64_t>()[i];
    }
    EXPECT_EQ(sum, kRows * (kRows - 1) / 2);
  }

  void change() {
    for (int i = 0; i < kChanges; ++i) {
      const std::string name = "X" + std::to_string(i);
      run("CREATE TABLE " + name +
          " AS SELECT K, COUNT(*) AS C, SUM(N) AS S FROM S GROUP BY K EMIT CHANGES;");
      if (i % 3 == 0) continue;  // stays
      if (i % 3 == 1) (void)totals(name);
      run("DROP TABLE " + name + ";");
    }
  }

  SystemClock clock_;
  log::FaultyDisk disk_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineThreads, CountEachRowOnceWhileTablesAreReadMadeAndDropped) {
  run("CREATE STREAM S (K STRING KEY, N BIGINT) WITH (KAFKA_TOPIC='s', PARTITIONS=4, VALUE_FORMAT='JSON');"
      "CREATE TABLE T AS SELECT K, COUNT(*) AS C, SUM(N) AS S FROM S GROUP BY K EMIT CHANGES;");
  Totals expected;
  std::atomic<bool> over{false};
  std::jthread reader([&] { read_until(over); });
  std::jthread follower([&] { follow(); });
  {
    std::jthread changer([&] { change(); });
    std::jthread appender([&] { append_all(expected); });
  }
  over = true;
  reader.join();
  follower.join();
  EXPECT_FALSE(engine_->failure().has_value());
  EXPECT_EQ(totals("T"), expected);
  for (int i = 0; i < kChanges; i += 3) EXPECT_EQ(totals("X" + std::to_string(i)), expected) << i;
}

TEST_F(EngineThreads, RefuseWhatIsAskedWhileTheyStop) {
  run("CREATE STREAM S (K STRING KEY, N BIGINT) WITH (KAFKA_TOPIC='s', PARTITIONS=4, VALUE_FORMAT='JSON');");
  std::atomic<int> made{0};
  std::optional<Error> refused;
  std::jthread changer([&] {
    for (int i = 0; !refused && i < 200; ++i) {
      Session session;
      const auto statements =
          engine_->parse("CREATE TABLE X" + std::to_string(i) +
                             " AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;",
                         {});
      const auto done = engine_->execute((*statements)[0], session);
      if (!done.ok()) refused = done.error();
      ++made;
      made.notify_all();
    }
  });
  made.wait(0);
  engine_->stop();
  changer.join();
  ASSERT_TRUE(refused.has_value()) << "queries are made although nobody runs them";
  EXPECT_EQ(refused->code, Code::unavailable) << refused->message;
}

}  // namespace
}  // namespace tradewind::engine
