// Results and state that are larger than a record of the log, or of their topic, may be.
#include "base/json.h"
#include "engine/engine.h"
#include "log/memory_log.h"
#include "schema/local_registry.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kMost = 8 << 10;  // bytes of a record

class TooLarge : public testing::Test {
 protected:
  TooLarge() {
    limits_->record = kMost;
    start();
    run("CREATE STREAM sales (k STRING KEY, text STRING) WITH (kafka_topic='sales', partitions=1, "
        "value_format='JSON');");
  }

  void start() {
    stream::RuntimeOptions options;
    options.own_threads = false;
    engine_.reset();
    engine_ = std::make_unique<Engine>(*log_, *registry_, clock_, options);
    EXPECT_TRUE(engine_->start().ok());
  }
  void run(const std::string& text) {
    Session session{{"auto.offset.reset", "earliest"}};
    const auto statements = engine_->parse(text, {});
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
    }
  }
  void sell(const std::string& key, const std::string& text) {
    const std::string value = "{\"TEXT\":\"" + text + "\"}";
    const log::RecordView record{.key = key, .value = value, .time = clock_.now()};
    const auto producer = std::move(log_->producer({})).value();
    EXPECT_TRUE(producer->append({"sales", 0}, {&record, 1}).ok());
  }
  // The last error of the steps, which is that of one they wait for.
  std::string steps() {
    std::string waits;
    for (int i = 0; i < 20; ++i) {
      clock_.advance(Duration(200));
      const auto done = engine_->step();
      waits = done.ok() ? "" : done.error().message;
      if (!done.ok()) {
        EXPECT_EQ(done.error().code, Code::unavailable);
      }
    }
    return waits;
  }
  std::vector<std::pair<std::string, std::string>> records(const std::string& topic) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto consumer = std::move(log_->consumer(log::Visibility::durable)).value();
    EXPECT_TRUE(consumer->assign({topic, 0}, 0).ok());
    const auto polled = consumer->poll(Duration(0), 100'000);
    for (const log::FetchedBatch& batch : *polled) {
      for (const log::RecordView& record : batch.records)
        all.emplace_back(record.key.value_or(""), record.value.value_or(""));
    }
    return all;
  }
  std::vector<std::string> keys(const std::string& topic) {
    std::vector<std::string> all;
    for (const auto& [key, value] : records(topic)) all.push_back(key);
    return all;
  }
  // What the processing log tells of results that were left out.
  std::vector<Json> told() {
    std::vector<Json> all;
    for (const auto& [key, value] : records("tw.processing_log")) {
      const Json note = *parse_json(value);
      const Json* error = note.find("message")->find("productionError");
      if (!error->is_null()) all.push_back(note);
    }
    return all;
  }
  const Json& error_of(const Json& note) { return *note.find("message")->find("productionError"); }
  void expect_running() {
    for (const stream::QueryStatus& query : engine_->status()) EXPECT_TRUE(query.running) << query.error;
  }

  ManualClock clock_{Timestamp{1'767'225'600'000}};
  std::shared_ptr<log::MemoryLimits> limits_ = std::make_shared<log::MemoryLimits>();
  std::unique_ptr<log::Log> log_ = log::make_memory_log(limits_);
  std::unique_ptr<schema::LocalRegistry> registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
  std::unique_ptr<Engine> engine_;
};

TEST_F(TooLarge, AResultThatGoesIntoNoRecordIsToldAndCountedAndTheQueryGoesOn) {
  run("CREATE STREAM twice WITH (kafka_topic='twice', value_format='JSON') AS "
      "SELECT k, text + text AS text FROM sales EMIT CHANGES;");
  sell("small", "a");
  sell("large", std::string(5'000, 'b'));
  sell("last", "c");
  EXPECT_EQ(steps(), "");
  EXPECT_THAT(keys("twice"), ElementsAre("small", "last"));
  expect_running();
  EXPECT_EQ(engine_->figures().too_large, 1);
  const auto notes = told();
  ASSERT_THAT(notes, SizeIs(1));
  EXPECT_THAT(notes[0].string_at("logger").value_or(""), HasSubstr("processing.CSAS_TWICE"));
  const Json& error = error_of(notes[0]);
  EXPECT_EQ(error.string_at("topic"), "twice");
  EXPECT_EQ(error.string_at("key"), "large");
  EXPECT_EQ(error.string_at("keyB64"), to_base64("large"));
  EXPECT_GT(error.find("bytes")->integer().value_or(0), 10'000);
  EXPECT_THAT(error.string_at("errorMessage").value_or(""), HasSubstr("make the result smaller"));
}

TEST_F(TooLarge, AResultThatItsTopicRefusesIsLeftOutOfTheCommitAndTold) {
  limits_->topics["copy"] = 1'000;
  run("CREATE STREAM copy WITH (kafka_topic='copy', value_format='JSON') AS SELECT * FROM sales EMIT "
      "CHANGES;");
  sell("small", "a");
  sell("large", std::string(2'000, 'b'));
  sell("larger", std::string(3'000, 'b'));
  sell("last", "c");
  EXPECT_EQ(steps(), "");
  EXPECT_THAT(keys("copy"), ElementsAre("small", "last"));
  expect_running();
  EXPECT_EQ(engine_->figures().too_large, 2);
  const auto notes = told();
  ASSERT_THAT(notes, SizeIs(2));
  EXPECT_EQ(error_of(notes[0]).string_at("key"), "large");
  EXPECT_THAT(error_of(notes[1]).string_at("errorMessage").value_or(""), HasSubstr("topic copy takes"));
  sell("behind", "d");
  EXPECT_EQ(steps(), "");
  EXPECT_THAT(keys("copy"), ElementsAre("small", "last", "behind"));
}

TEST_F(TooLarge, StateThatGoesIntoNoRecordIsCutAndRestored) {
  run("CREATE TABLE lists WITH (kafka_topic='lists', value_format='JSON') AS "
      "SELECT k, COLLECT_LIST(text) AS texts, COUNT(*) AS n FROM sales GROUP BY k EMIT CHANGES;");
  for (int i = 0; i < 9; ++i) sell("one", std::string(3'000, static_cast<char>('a' + i)));
  EXPECT_EQ(steps(), "");
  const auto state = keys("tw.tradewind.state");
  EXPECT_TRUE(std::any_of(state.begin(), state.end(), [](const auto& key) { return key.starts_with("+"); }));
  const int64_t before = engine_->figures().too_large;
  EXPECT_GT(before, 0);  // the table's own record
  start();
  sell("one", "last");
  EXPECT_EQ(steps(), "");
  const auto notes = told();
  ASSERT_FALSE(notes.empty());
  EXPECT_GT(error_of(notes.back()).find("bytes")->integer().value_or(0), 9 * 3'000);
}

TEST_F(TooLarge, AStateTopicThatTakesTooLittleIsWaitedForAndNothingIsLost) {
  run("CREATE TABLE counts WITH (kafka_topic='counts', value_format='JSON') AS "
      "SELECT k, COUNT(*) AS n FROM sales GROUP BY k EMIT CHANGES;");
  EXPECT_EQ(steps(), "");
  limits_->topics["tw.tradewind.state"] = 1'000;
  const std::string key(2'000, 'k');
  sell(key, "a");
  EXPECT_THAT(steps(), HasSubstr("topic tw.tradewind.state takes no record of"));
  EXPECT_THAT(records("counts"), IsEmpty());
  limits_->topics.clear();
  EXPECT_EQ(steps(), "");
  EXPECT_THAT(records("counts"), ElementsAre(std::pair(key, std::string("{\"N\":1}"))));
  EXPECT_EQ(engine_->figures().too_large, 0);
}

TEST_F(TooLarge, OfALargeBadRecordAsMuchIsToldAsGoesIntoARecord) {
  run("CREATE STREAM copy WITH (kafka_topic='copy', value_format='JSON') AS SELECT * FROM sales EMIT "
      "CHANGES;");
  const std::string value(7'000, 'x');
  const log::RecordView record{.value = value, .time = clock_.now()};
  EXPECT_TRUE((*log_->producer({}))->append({"sales", 0}, {&record, 1}).ok());
  EXPECT_EQ(steps(), "");
  const auto notes = records("tw.processing_log");
  ASSERT_THAT(notes, SizeIs(1));
  EXPECT_LE(notes[0].second.size(), static_cast<size_t>(kMost));
  EXPECT_GT(notes[0].second.size(), static_cast<size_t>(kMost / 2));
  EXPECT_TRUE(parse_json(notes[0].second).ok());
}

}  // namespace
}  // namespace tradewind::engine
