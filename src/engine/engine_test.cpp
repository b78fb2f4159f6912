#include "engine/engine.h"

#include "base/ticking_clock.h"
#include "log/faulty_disk.h"
#include "log/open.h"
#include "schema/local_registry.h"

namespace tradewind::engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kSource =
    "CREATE STREAM sales (country STRING KEY, units BIGINT) "
    "WITH (KAFKA_TOPIC='sales', PARTITIONS=2, VALUE_FORMAT='AVRO');";
constexpr const char* kTable =
    "CREATE TABLE by_country AS SELECT country, SUM(units) AS units FROM sales GROUP BY country EMIT "
    "CHANGES;";

// An engine over a journal on a disk in memory, which can be stopped and started again.
class EngineTest : public testing::Test {
 protected:
  EngineTest() { open(); }
  ~EngineTest() override { close(); }

  void open() {
    log_ = std::move(log::open_embedded({.directory = "/log", .disk = &disk_, .clock = &clock_})).value();
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    engine_ = std::make_unique<Engine>(*log_, *registry_, clock_,
                                       stream::RuntimeOptions{.idle_commit = Duration(0)});
    const auto started = engine_->start();
    EXPECT_TRUE(started.ok()) << started.error().message;
  }
  void close() {
    engine_->stop();
    engine_.reset();
    registry_.reset();
    log_.reset();
  }
  void restart() {
    close();
    open();
  }

  // "ok", or the error of the first statement that had one.
  std::string run(const std::string& text, Session session = {}) {
    const auto statements = engine_->parse(text, {});
    if (!statements.ok()) return statements.error().message;
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      if (!done.ok()) return done.error().message;
    }
    return "ok";
  }
  Json answer(const std::string& text) {
    Session session;
    const auto statements = engine_->parse(text, {});
    EXPECT_TRUE(statements.ok());
    auto done = engine_->execute(statements->at(0), session);
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
    return done.ok() ? *done : Json();
  }
  // The rows of a SELECT as JSON text.
  std::vector<std::string> rows(const std::string& text) {
    const auto statements = engine_->parse(text, {});
    EXPECT_TRUE(statements.ok()) << statements.error().message;
    auto opened = engine_->select(std::get<sql::Select>(statements->at(0).is).query, {});
    if (!opened.ok()) return {opened.error().message};
    std::vector<std::string> all;
    while (true) {
      const auto batch = (*opened)->next(Duration(10));
      if (!batch.ok() || !*batch) return all;
      for (size_t row = 0; row < (*batch)->rows(); ++row) {
        std::string line;
        for (size_t i = 0; i < (*opened)->columns().size(); ++i) {
          line += i == 0 ? "" : ",";
          append_json((*opened)->columns()[i].type, *(*batch)->column(i), row, line);
        }
        all.push_back(line);
      }
    }
  }
  std::vector<std::string> queries() {
    std::vector<std::string> names;
    for (const auto& query : engine_->status()) names.push_back(query.name);
    return names;
  }

  log::FaultyDisk disk_{11};
  TickingClock clock_{Timestamp{1'767'225'600'000}};
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, StatementsAndTheirResultsAreThereAfterARestart) {
  ASSERT_EQ(run(kSource), "ok");
  ASSERT_EQ(run(kTable), "ok");
  ASSERT_EQ(run("INSERT INTO sales VALUES ('DE', 2); INSERT INTO sales VALUES ('FR', 5);"), "ok");
  EXPECT_THAT(rows("SELECT * FROM by_country;"), UnorderedElementsAre("\"DE\",2", "\"FR\",5"));
  restart();
  EXPECT_THAT(queries(), ElementsAre("CTAS_BY_COUNTRY_1"));
  EXPECT_THAT(rows("SELECT * FROM by_country;"), UnorderedElementsAre("\"DE\",2", "\"FR\",5"));
  ASSERT_EQ(run("INSERT INTO sales VALUES ('DE', 40);"), "ok");
  EXPECT_THAT(rows("SELECT * FROM by_country WHERE country = 'DE';"), ElementsAre("\"DE\",42"));
}

TEST_F(EngineTest, WhatWasMadeAfterARestartGetsANameOfItsOwn) {
  ASSERT_EQ(run(kSource), "ok");
  ASSERT_EQ(run(kTable), "ok");
  restart();
  ASSERT_EQ(run("CREATE TABLE n AS SELECT country, COUNT(*) AS n FROM sales GROUP BY country;"), "ok");
  EXPECT_THAT(queries(), UnorderedElementsAre("CTAS_BY_COUNTRY_1", "CTAS_N_2"));
}

TEST_F(EngineTest, WhatWasEndedOrDroppedStaysSo) {
  ASSERT_EQ(run(kSource), "ok");
  ASSERT_EQ(run(kTable), "ok");
  EXPECT_THAT(run("DROP STREAM sales;"), HasSubstr("CTAS_BY_COUNTRY_1"));
  ASSERT_EQ(run("DROP TABLE by_country;"), "ok");
  ASSERT_EQ(run("DROP STREAM sales;"), "ok");
  restart();
  EXPECT_THAT(queries(), IsEmpty());
  EXPECT_THAT(engine_->catalog().sources, IsEmpty());
  EXPECT_EQ(run(kSource), "ok");
}

TEST_F(EngineTest, NoStatementWritesIntoTopicsOfThePlatform) {
  ASSERT_EQ(run(kSource), "ok");
  ASSERT_EQ(run("CREATE STREAM c (country STRING KEY, units BIGINT) WITH (kafka_topic='tw.commands', "
                "value_format='JSON');"),
            "ok");
  const auto refused = HasSubstr("topic tw.commands is the platform's own");
  EXPECT_THAT(run("INSERT INTO c VALUES ('x', 1);"), refused);
  EXPECT_THAT(run("INSERT INTO c SELECT * FROM sales;"), refused);
  EXPECT_THAT(run("CREATE STREAM d WITH (kafka_topic='tw.commands') AS SELECT * FROM sales;"), refused);
  const auto inserter = engine_->inserter("C");
  ASSERT_FALSE(inserter.ok());
  EXPECT_THAT(inserter.error().message, refused);
  EXPECT_THAT(run("CREATE STREAM e (v INT) WITH (kafka_topic='tw.e', partitions=1, value_format='JSON');"),
              HasSubstr("topic tw.e is the platform's own"));
  restart();
  EXPECT_THAT(queries(), IsEmpty());
}

TEST_F(EngineTest, AStatementThatFailedIsNotReplayed) {
  ASSERT_EQ(run(kSource), "ok");
  EXPECT_NE(run("CREATE TABLE bad AS SELECT nothing, COUNT(*) AS n FROM sales GROUP BY nothing;"), "ok");
  EXPECT_NE(run(kSource), "ok");
  restart();
  EXPECT_THAT(queries(), IsEmpty());
  EXPECT_EQ(engine_->catalog().sources.size(), 1u);
}

TEST_F(EngineTest, TypesAreThereAfterARestart) {
  ASSERT_EQ(run("CREATE TYPE place AS STRUCT<city STRING, zip INTEGER>;"), "ok");
  restart();
  EXPECT_EQ(run("CREATE STREAM homes (id STRING KEY, at place) WITH (KAFKA_TOPIC='homes', PARTITIONS=1, "
                "VALUE_FORMAT='JSON');"),
            "ok");
}

TEST_F(EngineTest, ErrorsNameLineAndColumn) {
  ASSERT_EQ(run(kSource), "ok");
  EXPECT_THAT(run("CREATE STREAM x AS\n  SELEKT * FROM sales;"), HasSubstr("line 2, column 3: 'SELEKT'"));
  EXPECT_THAT(run("CREATE STREAM x AS\n  SELECT country,\n    unitz FROM sales;"),
              AllOf(HasSubstr("line 3, column 5: "), HasSubstr("UNITZ")));
  EXPECT_THAT(run("CREATE STREAM x AS\nSELECT country, units + country AS y FROM sales;"),
              HasSubstr("line 2, column 23: "));
  EXPECT_THAT(run("CREATE STREAM x AS SELECT *\nFROM nowhere;"), HasSubstr("NOWHERE"));
}

TEST_F(EngineTest, WhatIsThereAlreadyIsAConflictUnlessItSaysOtherwise) {
  ASSERT_EQ(run(kSource), "ok");
  EXPECT_THAT(run(kSource), HasSubstr("SALES exists already"));
  EXPECT_EQ(run("CREATE STREAM IF NOT EXISTS sales (country STRING KEY, units BIGINT) "
                "WITH (KAFKA_TOPIC='sales', PARTITIONS=2, VALUE_FORMAT='AVRO');"),
            "ok");
  EXPECT_THAT(run("DROP STREAM nowhere;"), HasSubstr("NOWHERE"));
  EXPECT_EQ(run("DROP STREAM IF EXISTS nowhere;"), "ok");
}

TEST_F(EngineTest, FilesRunOnceInAnyOrderAndAChangedTextIsTold) {
  std::vector<std::string> notes;
  const std::map<std::string, std::string> files{{"a_table.sql", kTable}, {"b_source.sql", kSource}};
  const auto first = engine_->run_files(files, notes);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_THAT(notes, IsEmpty());
  restart();
  ASSERT_TRUE(engine_->run_files(files, notes).ok());
  EXPECT_THAT(notes, IsEmpty());
  EXPECT_THAT(queries(), ElementsAre("CTAS_BY_COUNTRY_1"));
  ASSERT_TRUE(engine_
                  ->run_files({{"a_table.sql",
                                "CREATE TABLE by_country AS SELECT country, COUNT(*) AS units FROM "
                                "sales GROUP BY country EMIT CHANGES;"}},
                              notes)
                  .ok());
  EXPECT_THAT(notes, ElementsAre(HasSubstr("BY_COUNTRY")));
  EXPECT_THAT(queries(), ElementsAre("CTAS_BY_COUNTRY_1"));
}

TEST_F(EngineTest, EarliestReadsWhatWasThereBefore) {
  ASSERT_EQ(run(kSource), "ok");
  ASSERT_EQ(run("INSERT INTO sales VALUES ('DE', 1);"), "ok");
  ASSERT_EQ(run(kTable, {{"auto.offset.reset", "earliest"}}), "ok");
  EXPECT_THAT(rows("SELECT * FROM by_country;"), ElementsAre("\"DE\",1"));
}

TEST_F(EngineTest, ShowAnswersAsKsqlDoes) {
  ASSERT_EQ(run(kSource), "ok");
  ASSERT_EQ(run(kTable), "ok");
  EXPECT_EQ(answer("SHOW STREAMS;").string_at("@type"), "streams");
  const Json shown = answer("SHOW QUERIES;");
  EXPECT_EQ(shown.string_at("@type"), "queries");
  EXPECT_EQ(shown.find("queries")->elements().at(0).string_at("id"), "CTAS_BY_COUNTRY_1");
}

TEST_F(EngineTest, ASchemaOfKeysThatComesLaterChangesNoSource) {
  ASSERT_EQ(run("CREATE STREAM k (v INT) WITH (kafka_topic='k', partitions=1, key_format='AVRO', "
                "value_format='JSON');"),
            "ok");
  ASSERT_TRUE(registry_->register_schema("k-key", schema::SchemaKind::avro, "\"int\"").ok());
  restart();
  const Json described = answer("DESCRIBE k;");
  EXPECT_EQ(described.find("sourceDescription")->find("fields")->elements().size(), 1U);
}

}  // namespace
}  // namespace tradewind::engine
