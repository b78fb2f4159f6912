// Queries that cannot run, for their topic is not there: they stop alone, keep their places and their state,
// and go on when the platform starts again with what they need.
#include "base/ticking_clock.h"
#include "engine/engine.h"
#include "log/memory_log.h"
#include "schema/fake_registry.h"
#include "stream/topic_text.h"

namespace tradewind::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoppedQueryTest : public testing::Test {
 protected:
  StoppedQueryTest() {
    start();
    run("CREATE STREAM sales (shop STRING KEY, amount BIGINT) WITH (KAFKA_TOPIC='sales', PARTITIONS=2, "
        "VALUE_FORMAT='JSON');"
        "CREATE STREAM visits (shop STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='visits', PARTITIONS=1, "
        "VALUE_FORMAT='JSON');"
        "CREATE TABLE totals AS SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop EMIT CHANGES;"
        "CREATE TABLE counted AS SELECT shop, COUNT(*) AS n FROM sales GROUP BY shop EMIT CHANGES;"
        "CREATE TABLE seen AS SELECT shop, SUM(n) AS total FROM visits GROUP BY shop EMIT CHANGES;");
  }

  // As a new process. Snapshots follow each other closely: what is not in them is gone.
  void start() {
    engine_.reset();
    stream::RuntimeOptions options{.idle_commit = Duration(0), .own_threads = false};
    options.snapshot_frame_bytes = 1;
    engine_ = std::make_unique<Engine>(*log_, registry_, clock_, options);
    const auto started = engine_->start();
    ASSERT_TRUE(started.ok()) << started.error().message;
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
  void feed(const std::string& source, const std::vector<std::string>& lines) {
    const auto spec = sql::source_spec(*engine_->catalog().find(source));
    const auto records = stream::records_of(lines, spec, source == "SALES" ? 2 : 1, registry_);
    ASSERT_TRUE(records.ok()) << records.error().message;
    ASSERT_TRUE(stream::append(*log_, spec.topic, *records).ok());
  }
  void settle() {
    for (int quiet = 0; quiet < 5;) {
      clock_.advance(Duration(1));
      const auto stepped = engine_->step();
      ASSERT_TRUE(stepped.ok()) << stepped.error().message;
      quiet = *stepped ? 0 : quiet + 1;
    }
  }
  stream::Cells rows(const std::string& source) {
    auto found = stream::rows_in(*log_, registry_, sql::source_spec(*engine_->catalog().find(source)));
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : stream::Cells();
  }
  std::string error_of(const std::string& query) {
    for (const auto& status : engine_->status()) {
      if (status.name.find(query) != std::string::npos) return status.error;
    }
    return "there is no such query";
  }
  // Many commits, and snapshots between them.
  void work_on_visits() {
    for (int i = 0; i < 12; ++i) {
      feed("VISITS", {"00:00:01  a  1"});
      settle();
    }
  }

  ManualClock clock_{{1'000'000}};
  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  schema::FakeRegistry registry_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(StoppedQueryTest, ATopicThatIsNotThereAtAStartCostsItsQueriesNothing) {
  feed("SALES", {"00:00:01  a  1", "00:00:02  b  2", "00:00:03  a  4"});
  work_on_visits();
  engine_.reset();
  ASSERT_TRUE(log_->delete_topic("sales").ok());
  for (int life = 0; life < 3; ++life) {
    start();
    EXPECT_THAT(error_of("TOTALS"), HasSubstr("sales"));
    EXPECT_EQ(error_of("SEEN"), "");
    work_on_visits();
  }
  EXPECT_THAT(rows("SEEN"), ElementsAre(ElementsAre("00:00:01", "a", "48")));

  ASSERT_TRUE(log_->create_topic({.name = "sales", .partitions = 2}).ok());
  start();
  EXPECT_EQ(error_of("TOTALS"), "");
  feed("SALES", {"00:00:01  a  1", "00:00:02  b  2", "00:00:03  a  4"});  // was read already
  settle();
  feed("SALES", {"00:00:04  a  8", "00:00:05  b  16"});
  settle();
  EXPECT_THAT(rows("TOTALS"), testing::UnorderedElementsAre(ElementsAre("00:00:04", "a", "13"),
                                                            ElementsAre("00:00:05", "b", "18")));
  EXPECT_THAT(rows("COUNTED"), testing::UnorderedElementsAre(ElementsAre("00:00:04", "a", "3"),
                                                             ElementsAre("00:00:05", "b", "2")));
}

TEST_F(StoppedQueryTest, OneThatStandsStillIsDroppedLikeAnyOther) {
  feed("SALES", {"00:00:01  a  1"});
  work_on_visits();
  engine_.reset();
  ASSERT_TRUE(log_->delete_topic("sales").ok());
  start();
  run("DROP TABLE totals; DROP TABLE counted;");
  work_on_visits();
  ASSERT_TRUE(log_->create_topic({.name = "sales", .partitions = 2}).ok());
  run("CREATE TABLE totals AS SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop EMIT CHANGES;");
  feed("SALES", {"00:00:09  a  1"});
  settle();
  EXPECT_THAT(rows("TOTALS"), Contains(ElementsAre("00:00:09", "a", "1")));
}

}  // namespace
}  // namespace tradewind::engine
