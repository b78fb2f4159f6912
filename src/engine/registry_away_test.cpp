// What queries do while the schema registry is away: nothing is lost, nothing is counted twice, and no record
// is taken for bad.
#include "base/ticking_clock.h"
#include "engine/engine.h"
#include "log/memory_log.h"
#include "schema/fake_registry.h"
#include "stream/topic_text.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RegistryAwayTest : public testing::Test {
 protected:
  RegistryAwayTest() {
    engine_ = std::make_unique<Engine>(
        *log_, registry_, clock_,
        stream::RuntimeOptions{.idle_commit = Duration(0), .rows_per_batch = 2, .own_threads = false});
    EXPECT_TRUE(engine_->start().ok());
    run("CREATE STREAM sales (shop STRING KEY, amount BIGINT) WITH (KAFKA_TOPIC='sales', PARTITIONS=2, "
        "VALUE_FORMAT='AVRO');");
  }

  void run(const std::string& text) {
    Session session{{"auto.offset.reset", "earliest"}};
    const auto statements = engine_->parse(text, {});
    ASSERT_TRUE(statements.ok()) << statements.error().message;
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
  }
  // Rows of `source`, written with a schema that nobody has read yet.
  void feed(const std::string& source, const std::vector<std::string>& lines) {
    const auto kept = std::exchange(registry_.broken, std::nullopt);
    registry_.next_id(next_id_ += 10);
    auto spec = sql::source_spec(*engine_->catalog().find(source));
    spec.value_detail.record_name = "Writer" + std::to_string(next_id_);
    const auto records = stream::records_of(lines, spec, 2, registry_);
    ASSERT_TRUE(records.ok()) << records.error().message;
    ASSERT_TRUE(stream::append(*log_, spec.topic, *records).ok());
    registry_.broken = kept;
  }
  void settle() {
    for (int quiet = 0; quiet < 5;) {
      clock_.advance(Duration(1));
      const auto stepped = engine_->step();
      ASSERT_TRUE(stepped.ok()) << stepped.error().message;
      quiet = *stepped ? 0 : quiet + 1;
    }
  }
  void goes_away() { registry_.broken = Error{Code::unavailable, "the registry is away"}; }
  void comes_back() {
    registry_.broken.reset();
    clock_.advance(Duration(10'000));  // lanes look again
  }
  stream::Cells rows(const std::string& source) {
    const auto kept = std::exchange(registry_.broken, std::nullopt);
    auto found = stream::rows_in(*log_, registry_, sql::source_spec(*engine_->catalog().find(source)));
    registry_.broken = kept;
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : stream::Cells();
  }
  std::string waits_for() const { return engine_->figures().waits_for; }
  int64_t noted() { return log_->bounds({"tw.processing_log", 0}, log::Visibility::durable)->end; }

  ManualClock clock_{{1'000'000}};
  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  schema::FakeRegistry registry_;
  schema::SchemaId next_id_ = 0;
  std::unique_ptr<Engine> engine_;
};

TEST_F(RegistryAwayTest, QueriesWaitAndThenCountEveryRowOnce) {
  run("CREATE TABLE totals AS SELECT shop, SUM(amount) AS total, COUNT(*) AS sales FROM sales GROUP BY shop "
      "EMIT CHANGES;");
  feed("SALES", {"00:00:01  a  1", "00:00:02  b  2", "00:00:03  a  4"});
  settle();
  EXPECT_EQ(waits_for(), "");
  goes_away();
  feed("SALES", {"00:00:04  a  8", "00:00:05  b  16", "00:00:06  a  32", "00:00:07  a  64"});
  for (int i = 0; i < 20; ++i) settle();
  EXPECT_THAT(waits_for(), HasSubstr("the registry is away"));
  EXPECT_THAT(rows("TOTALS"), UnorderedElementsAre(ElementsAre("00:00:03", "a", "5", "2"),
                                                   ElementsAre("00:00:02", "b", "2", "1")));
  comes_back();
  settle();
  EXPECT_EQ(waits_for(), "");
  EXPECT_THAT(rows("TOTALS"), UnorderedElementsAre(ElementsAre("00:00:05", "b", "18", "2"),
                                                   ElementsAre("00:00:07", "a", "109", "5")));
  EXPECT_EQ(noted(), 0);
}

TEST_F(RegistryAwayTest, RowsOfKnownSchemasBeforeAnUnknownOneAreCountedOnce) {
  run("CREATE TABLE totals AS SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop EMIT CHANGES;");
  feed("SALES", {"00:00:01  a  1"});
  settle();
  goes_away();
  // More than one batch of rows; the schema of the last ones is not known.
  const auto known = next_id_;
  next_id_ = known - 10;  // the same writer again
  feed("SALES", {"00:00:02  a  2", "00:00:03  a  4", "00:00:04  a  8", "00:00:05  a  16", "00:00:06  a  32"});
  next_id_ = known;
  feed("SALES", {"00:00:07  a  64", "00:00:08  a  128"});
  for (int i = 0; i < 20; ++i) settle();
  EXPECT_THAT(waits_for(), HasSubstr("away"));
  comes_back();
  settle();
  EXPECT_THAT(rows("TOTALS"), ElementsAre(ElementsAre("00:00:08", "a", "255")));
}

TEST_F(RegistryAwayTest, QueriesThatNeedNothingOfItGoOn) {
  run("CREATE STREAM plain (shop STRING KEY, amount BIGINT) WITH (KAFKA_TOPIC='plain', PARTITIONS=1, "
      "VALUE_FORMAT='JSON');"
      "CREATE TABLE waiting AS SELECT shop, SUM(amount) AS n FROM sales GROUP BY shop EMIT CHANGES;"
      "CREATE TABLE going WITH (VALUE_FORMAT='JSON') AS SELECT shop, COUNT(*) AS n FROM plain GROUP BY shop "
      "EMIT CHANGES;");
  goes_away();
  feed("SALES", {"00:00:01  a  1"});
  for (int i = 0; i < 3; ++i) {
    run("INSERT INTO plain (shop, amount) VALUES ('a', 1);");
    settle();
  }
  EXPECT_EQ(rows("GOING").at(0).at(2), "3");
  EXPECT_THAT(rows("WAITING"), IsEmpty());
  EXPECT_THAT(waits_for(), HasSubstr("sales"));
}

TEST_F(RegistryAwayTest, JoinsWaitAndThenFindEveryPairOnce) {
  run("CREATE STREAM visits (shop STRING KEY, page STRING) WITH (KAFKA_TOPIC='visits', PARTITIONS=2, "
      "VALUE_FORMAT='AVRO');"
      "CREATE STREAM pairs WITH (VALUE_FORMAT='JSON') AS SELECT s.shop AS shop, amount, page FROM sales s "
      "JOIN visits v WITHIN 1 HOUR ON s.shop = v.shop EMIT CHANGES;");
  feed("SALES", {"00:00:01  a  1"});
  feed("VISITS", {"00:00:02  a  x"});
  settle();
  EXPECT_EQ(rows("PAIRS").size(), 1u);
  goes_away();
  feed("SALES", {"00:00:03  a  2", "00:00:05  a  4", "00:00:06  a  8"});
  feed("VISITS", {"00:00:04  a  y"});
  for (int i = 0; i < 20; ++i) settle();
  EXPECT_EQ(rows("PAIRS").size(), 1u);
  EXPECT_THAT(waits_for(), HasSubstr("away"));
  comes_back();
  settle();
  EXPECT_EQ(waits_for(), "");
  EXPECT_EQ(rows("PAIRS").size(), 8u);  // four sales with two visits
  EXPECT_EQ(noted(), 0);
}

TEST_F(RegistryAwayTest, AnIdThatTheRegistryDoesNotKnowIsABadRecord) {
  run("CREATE TABLE totals AS SELECT shop, SUM(amount) AS n FROM sales GROUP BY shop EMIT CHANGES;");
  const std::string value("\0\0\0\x7f\x7f\x02", 6);
  const log::RecordView record{.key = BytesView("a"), .value = BytesView(value)};
  ASSERT_TRUE(log_->producer({}).value()->append({"sales", 0}, {&record, 1}).ok());
  settle();
  EXPECT_EQ(waits_for(), "");
  EXPECT_EQ(noted(), 1);
}

}  // namespace
}  // namespace tradewind::engine
