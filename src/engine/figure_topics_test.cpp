#include "engine/figure_topics.h"

#include "log/faulty_disk.h"
#include "schema/local_registry.h"

namespace tradewind::engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSource =
    "CREATE STREAM sales (country STRING KEY, units BIGINT) "
    "WITH (KAFKA_TOPIC='sales', PARTITIONS=2, VALUE_FORMAT='JSON');";
constexpr const char* kTable =
    "CREATE TABLE by_country AS SELECT country, SUM(units) AS units FROM sales GROUP BY country EMIT "
    "CHANGES;";

// An engine and its figures in one thread, under a clock that stands until it is moved.
class FigureTopicsTest : public testing::Test {
 protected:
  FigureTopicsTest() { open(); }
  ~FigureTopicsTest() override { close(); }

  void open() {
    log_ = std::move(log::open_embedded(
                         {.directory = "/log", .disk = &disk_, .clock = &clock_, .own_thread = false}))
               .value();
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    engine_ = std::make_unique<Engine>(
        *log_, *registry_, clock_, stream::RuntimeOptions{.idle_commit = Duration(0), .own_threads = false});
    EXPECT_TRUE(engine_->start().ok());
    figures_ = std::make_unique<FigureTopics>(*log_, *engine_, clock_, FigureOptions{});
    EXPECT_TRUE(figures_->make_topics().ok());
  }
  void close() {
    figures_.reset();
    engine_->stop();
    engine_.reset();
    registry_.reset();
    log_.reset();
  }

  void run(const std::string& text) {
    Session session;
    const auto statements = engine_->parse(text, {});
    ASSERT_TRUE(statements.ok()) << statements.error().message;
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
  }
  void settle() {
    for (int quiet = 0; quiet < 3; ++quiet) {
      clock_.advance(Duration(1));
      if (*engine_->step()) quiet = -1;
    }
  }
  void sell(int times = 1) {
    for (int i = 0; i < times; ++i) run("INSERT INTO sales VALUES ('DE', 1);");
  }
  // Five seconds later.
  void round() {
    clock_.advance(Duration(5'000));
    const auto done = figures_->round();
    EXPECT_TRUE(done.ok()) << done.error().message;
  }
  // "key value" of what was written to the topic since it was last asked.
  std::vector<std::string> told(const std::string& topic) {
    std::vector<std::string> texts;
    auto consumer = std::move(log_->consumer(log::Visibility::written)).value();
    EXPECT_TRUE(consumer->assign({topic, 0}, read_[topic]).ok());
    const auto polled = consumer->poll(Duration(0), 1000);
    EXPECT_TRUE(polled.ok());
    for (const log::FetchedBatch& batch : *polled) {
      for (const log::RecordView& record : batch.records)
        texts.push_back(std::string(*record.key) + " " + std::string(*record.value));
      read_[topic] = batch.next;
    }
    return texts;
  }
  // Writes a round and answers what it told.
  std::vector<std::string> topics() {
    round();
    return told(kTopicFigures);
  }
  std::vector<std::string> queries() {
    round();
    return told(kQueryFigures);
  }

  log::FaultyDisk disk_{7};
  ManualClock clock_{Timestamp{1'767'225'600'000}};
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<FigureTopics> figures_;
  std::map<std::string, log::Offset> read_;
};

TEST_F(FigureTopicsTest, TellsWhatATopicTookSinceTheRoundBeforeAndOnceThatItRests) {
  run(kSource);
  EXPECT_THAT(topics(), IsEmpty());
  sell(3);
  const auto first = topics();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_THAT(first[0], AllOf(HasSubstr(R"(sales {"RECORDS":3,)"), HasSubstr(R"("SPAN_MS":5000)"),
                              HasSubstr(R"("TOTAL_RECORDS":3)")));
  sell(2);
  EXPECT_THAT(topics(), ElementsAre(AllOf(HasSubstr(R"("RECORDS":2,)"), HasSubstr(R"("TOTAL_RECORDS":5)"))));
  EXPECT_THAT(topics(), ElementsAre(HasSubstr(R"("RECORDS":0,)")));
  EXPECT_THAT(topics(), IsEmpty());
}

TEST_F(FigureTopicsTest, CountsAllRecordsEverAcrossARestart) {
  run(kSource);
  sell(3);
  round();
  close();
  open();
  told(kTopicFigures);
  sell(1);
  EXPECT_THAT(topics(), ElementsAre(AllOf(HasSubstr(R"("RECORDS":1,)"), HasSubstr(R"("TOTAL_RECORDS":4)"))));
}

TEST_F(FigureTopicsTest, TellsAQueryThatIsBehindAsLongAsItIs) {
  run(kSource);
  run(kTable);
  settle();
  EXPECT_THAT(queries(), ElementsAre(AllOf(HasSubstr(R"("STATE":"RUNNING","LAG_RECORDS":0)"))));
  EXPECT_THAT(queries(), IsEmpty());
  run("PAUSE CTAS_BY_COUNTRY_1;");
  sell(4);
  EXPECT_THAT(queries(), ElementsAre(HasSubstr(R"("STATE":"PAUSED","LAG_RECORDS":4,"LAG_SECONDS":5.000)")));
  EXPECT_THAT(queries(), ElementsAre(HasSubstr(R"("LAG_RECORDS":4,"LAG_SECONDS":10.000,"ROWS_IN":0)")));
  run("RESUME CTAS_BY_COUNTRY_1;");
  settle();
  EXPECT_THAT(queries(), ElementsAre(HasSubstr(R"("LAG_RECORDS":0,"LAG_SECONDS":0.000,"ROWS_IN":4)")));
  EXPECT_THAT(queries(), IsEmpty());
}

TEST_F(FigureTopicsTest, WhatReadsTheFiguresIsNotToldInThem) {
  run(kSource);
  run("CREATE STREAM f (topic_name STRING KEY, records BIGINT) "
      "WITH (KAFKA_TOPIC='tw.metrics.topics', VALUE_FORMAT='JSON');"
      "CREATE TABLE g AS SELECT topic_name, SUM(records) AS n FROM f GROUP BY topic_name EMIT CHANGES;"
      "CREATE STREAM back (topic_name STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='G', VALUE_FORMAT='JSON');"
      "CREATE STREAM h AS SELECT topic_name, n FROM back EMIT CHANGES;");
  sell(1);
  settle();
  EXPECT_THAT(topics(), ElementsAre(HasSubstr("sales ")));
  settle();
  EXPECT_THAT(topics(), ElementsAre(HasSubstr("sales "))) << "that it rests";
  const uint64_t written = (settle(), log_->written());
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(topics(), IsEmpty());
    settle();
  }
  EXPECT_THAT(told(kQueryFigures), IsEmpty());
  EXPECT_EQ(log_->written(), written) << "a quiet machine writes nothing";
  const auto bounds = log_->bounds({"H", 0}, log::Visibility::written);
  EXPECT_GT(bounds->end, 0) << "and yet they were read";
}

TEST_F(FigureTopicsTest, WhatCouldNotBeWrittenIsToldByTheNextRound) {
  run(kSource);
  sell(2);
  disk_.set_capacity(0);
  Session session;
  const auto statement = std::move(engine_->parse("INSERT INTO sales VALUES ('DE', 1);", {})).value();
  while (engine_->execute(statement[0], session).ok()) {  // until the segment is full
  }
  EXPECT_EQ(figures_->round().error().code, Code::unavailable);
  disk_.set_capacity(UINT64_MAX);
  const auto before = told(kTopicFigures);
  const auto after = topics();
  ASSERT_EQ(after.size(), 1u);
  int64_t sum = 0;
  for (const auto& texts : {before, after}) {
    for (const std::string& text : texts) sum += std::atoll(text.c_str() + text.find("RECORDS\":") + 9);
  }
  int64_t ends = 0;
  for (int32_t p = 0; p < 2; ++p) ends += log_->bounds({"sales", p}, log::Visibility::written)->end;
  EXPECT_EQ(sum, ends);
}

}  // namespace
}  // namespace tradewind::engine
