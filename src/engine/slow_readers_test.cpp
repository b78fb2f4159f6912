// Readers of windowed push queries that do not read for a while: they wait in bounded memory, and then know
// the newest row of each key and window, or are told that they do not.
#include "engine/driver.h"
#include "log/memory_log.h"
#include "sql/parse.h"

namespace tradewind::engine {
namespace {

using testing::HasSubstr;

constexpr int kKeys = 2'100;
constexpr int kRounds = 30;
constexpr const char* kTable =
    "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k EMIT "
    "CHANGES;";
constexpr size_t kMostWaiting = 50'000;  // rows of one reader

class SlowReadersTest : public testing::Test {
 protected:
  SlowReadersTest() {
    driver_ = std::move(Driver::start(*log_, {})).value();
    run("CREATE STREAM s (k STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, "
        "VALUE_FORMAT='JSON');");
  }

  void run(const std::string& text) {
    Session session;
    const auto done = driver_->run(text, session);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  std::unique_ptr<RowStream> open(const std::string& text) {
    const auto statements = driver_->engine().parse(text, {});
    EXPECT_TRUE(statements.ok()) << text;
    auto rows = driver_->engine().select(std::get<sql::Select>((*statements)[0].is).query, {});
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    return std::move(rows).value();
  }

  // A round of rows, one of each key. A third of the rounds falls into one minute.
  void give(int round) {
    const std::string value = "{\"N\": " + std::to_string(round) + "}";
    std::vector<std::string> keys;
    for (int key = 0; key < kKeys; ++key) keys.push_back("k" + std::to_string(key));
    std::vector<log::RecordView> records;
    for (const std::string& key : keys)
      records.push_back({.key = key, .value = value, .time = Timestamp{60'000LL * (3 * round / kRounds)}});
    auto producer = std::move(log_->producer({})).value();
    ASSERT_TRUE(producer->append({"s", 0}, records).ok());
    ASSERT_TRUE(driver_->settle().ok());
  }

  struct Took {
    size_t rows = 0;
    std::map<std::string, std::string> newest;  // "key window" -> the rest
    std::string error;
  };
  // Until nothing comes.
  static void take(RowStream& reader, Took& took) {
    while (true) {
      const auto batch = reader.next(Duration(0));
      if (!batch.ok()) {
        took.error = batch.error().message;
        return;
      }
      if (!*batch || (*batch)->rows() == 0) return;
      const Batch& rows = **batch;
      took.rows += rows.rows();
      for (size_t row = 0; row < rows.rows(); ++row) {
        const auto text = [&](size_t i) { return cell(*rows.column(i), row); };
        took.newest[text(0) + " " + text(1)] = text(2);
      }
    }
  }
  static std::string cell(const Column& column, size_t row) {
    const Value value = value_at(column, row);
    return std::holds_alternative<std::string>(value.is) ? value.text() : std::to_string(value.number());
  }

  // What all the rounds come to.
  static std::map<std::string, std::string> counted() {
    std::map<std::string, std::string> all;
    for (int key = 0; key < kKeys; ++key) {
      for (int window = 0; window < 3; ++window)
        all["k" + std::to_string(key) + " " + std::to_string(60'000 * window)] = std::to_string(kRounds / 3);
    }
    return all;
  }

  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  std::unique_ptr<Driver> driver_;
};

TEST_F(SlowReadersTest, ReadOnFromTheLogWhereTheyCountForThemselves) {
  const auto slow =
      open("SELECT k, WINDOWSTART, COUNT(*) FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k EMIT CHANGES;");
  for (int round = 0; round < kRounds; ++round) give(round);
  Took took;
  take(*slow, took);
  EXPECT_EQ(took.error, "");
  EXPECT_EQ(took.newest, counted());
}

TEST_F(SlowReadersTest, OfAWindowedTableGetTheNewestRowOfEachKeyAndWindow) {
  run(kTable);
  const char* const text = "SELECT k, WINDOWSTART, n FROM t EMIT CHANGES;";
  const auto quick = open(text);
  const auto slow = open(text);
  Took all;
  Took took;
  for (int round = 0; round < kRounds; ++round) {
    give(round);
    take(*quick, all);
  }
  take(*slow, took);
  EXPECT_EQ(took.error, "");
  EXPECT_EQ(took.newest, counted());
  EXPECT_EQ(all.newest, counted());
  EXPECT_EQ(all.rows, static_cast<size_t>(kRounds * kKeys));
  EXPECT_LE(took.rows, kMostWaiting);
}

// Whose rows do not say of which window they are can stand for no other.
TEST_F(SlowReadersTest, AreToldWhereTheirRowsDoNotNameTheWindow) {
  run(kTable);
  const char* const text = "SELECT k, n, n AS again FROM t EMIT CHANGES;";
  const auto quick = open(text);
  const auto slow = open(text);
  Took all;
  Took took;
  for (int round = 0; round < kRounds; ++round) {
    give(round);
    take(*quick, all);
  }
  take(*slow, took);
  EXPECT_EQ(all.rows, static_cast<size_t>(kRounds * kKeys));
  EXPECT_THAT(took.error, HasSubstr("taken too slowly"));
}

}  // namespace
}  // namespace tradewind::engine
