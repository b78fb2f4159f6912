// Records given as JSON, and how they lie in their topic: read back they are the same.
#include "engine/record_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/record_text.h"
#include "log/memory_log.h"
#include "log/partitioner.h"
#include "schema/fake_registry.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kClick = R"({"type": "record", "name": "Click", "fields": [
  {"name": "page", "type": "string"},
  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0},
  {"name": "Price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}],
   "default": null},
  {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []}]})";

class RecordWriterTest : public testing::Test {
 protected:
  RecordWriterTest() { EXPECT_TRUE(log_->create_topic({.name = "clicks", .partitions = 3}).ok()); }

  void schema(const std::string& subject, const std::string& text) {
    ASSERT_TRUE(registry_.register_schema(subject, schema::SchemaKind::avro, text).ok());
  }
  // `records` is a JSON list.
  Result<RecordWriter::Taken> write(const std::string& records, const RecordWriter::Options& options = {}) {
    return writer_.write("clicks", parse_json(records).value().elements(), options);
  }
  // What lies in the topic, as "partition key=value", by partition.
  std::vector<std::string> lying() {
    RecordText text(registry_, RecordText::Form::exact);
    std::vector<std::string> found;
    for (int32_t p = 0; p < 3; ++p) {
      auto consumer = std::move(log_->consumer(log::Visibility::durable)).value();
      EXPECT_TRUE(consumer->assign({"clicks", p}, 0).ok());
      const auto batches = std::move(consumer->poll(Duration(0), 1000)).value();
      for (const log::FetchedBatch& batch : batches)
        for (const log::RecordView& record : batch.records)
          found.push_back(std::to_string(p) + " " + text.of(record.key).text + "=" +
                          text.of(record.value).text);
    }
    return found;
  }
  static std::string place(BytesView key) { return std::to_string(log::partition_of(key, 3)) + " "; }

  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  schema::FakeRegistry registry_;
  ManualClock clock_{{5'000}};
  RecordWriter writer_{*log_, registry_, clock_};
};

TEST_F(RecordWriterTest, WritesTextWhereThereIsNoSchema) {
  ASSERT_TRUE(
      write(
          R"([{"key": "a", "value": {"x": 1.50}}, {"key": "a", "value": "plain"}, {"key": "a", "value": null}])")
          .ok());
  EXPECT_THAT(lying(),
              ElementsAre(place("a") + R"(a={"x":1.50})", place("a") + "a=plain", place("a") + "a=<null>"));
}

TEST_F(RecordWriterTest, WritesWhatTheSchemaSaysAndReadsItBackTheSame) {
  schema("clicks-value", kClick);
  const std::string value = R"({"page":"/shoes","at":1700000000123,"Price":9.95,"tags":["a","b"]})";
  ASSERT_TRUE(write(R"([{"key": "c-7", "value": )" + value + "}]").ok());
  EXPECT_THAT(lying(), ElementsAre(place("c-7") + "c-7=" + value));
}

TEST_F(RecordWriterTest, EncodesKeysAndBareValuesThatHaveASchema) {
  schema("clicks-key", R"("long")");
  schema("clicks-value", R"({"type": "record", "name": "One", "fields": [{"name": "only", "type": "int"}]})");
  ASSERT_TRUE(write(R"([{"key": 77, "value": {"only": 3}, "partition": 2}])").ok());
  EXPECT_THAT(lying(), ElementsAre(R"(2 77={"only":3})"));
}

TEST_F(RecordWriterTest, NamesTheRecordsItCannotWriteAndWritesTheOthers) {
  schema("clicks-value", kClick);
  const auto taken = write(R"([{"key": "a", "value": {"page": "/1"}}, {"key": "a", "value": {"at": 1}},
    {"key": "a", "value": {"page": 5, "at": "soon"}}, 7, {"value": {"page": "/2"}, "partition": 3},
    {"key": "a", "value": {"page": "/3"}, "headers": {}}, {"key": "a", "value": {"page": "/4"}}])");
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_EQ(taken->accepted, 2u);
  std::vector<size_t> bad;
  for (const auto& rejected : taken->rejected) bad.push_back(rejected.index);
  EXPECT_THAT(bad, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(taken->rejected[0].error, "field page is missing");
  EXPECT_THAT(taken->rejected[3].error, HasSubstr("partition is a number from 0 to 2"));
  EXPECT_EQ(lying().size(), 2u);
}

TEST_F(RecordWriterTest, StopsAtTheFirstBadRecordWhenAsked) {
  const auto taken = write(R"([{"key": "a", "value": 1}, 7, {"key": "a", "value": 2}])", {.until_bad = true});
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->accepted, 1u);
  EXPECT_THAT(lying(), ElementsAre(place("a") + "a=1"));
}

TEST_F(RecordWriterTest, TakesANumberedRequestOnce) {
  for (int i = 0; i < 2; ++i) {
    const auto taken = write(R"([{"key": "a", "value": 1}])", {.producer = "p", .sequence = 0});
    ASSERT_TRUE(taken.ok());
    EXPECT_EQ(taken->accepted, 1u);
  }
  ASSERT_TRUE(write(R"([{"key": "a", "value": 2}])", {.producer = "p", .sequence = 1}).ok());
  EXPECT_THAT(lying(), ElementsAre(place("a") + "a=1", place("a") + "a=2"));
}

TEST_F(RecordWriterTest, LeavesRawValuesAsTheyAre) {
  schema("clicks-value", kClick);
  ASSERT_TRUE(write(R"([{"key": "a", "value": "not, json"}])", {.raw = true}).ok());
  EXPECT_THAT(lying(), ElementsAre(place("a") + "a=not, json"));
}

TEST_F(RecordWriterTest, DealsRecordsWithoutAKeyOut) {
  ASSERT_TRUE(write(R"([{"value": 1}, {"value": 2}, {"value": 3}, {"value": 4}])").ok());
  EXPECT_THAT(lying(), ElementsAre("0 <null>=1", "0 <null>=4", "1 <null>=2", "2 <null>=3"));
}

TEST_F(RecordWriterTest, WritesOnlyTopicsThatAreThereAndNotThePlatformsOwn) {
  EXPECT_EQ(writer_.write("nowhere", {}, {}).error().code, Code::not_found);
  ASSERT_TRUE(log_->create_topic({.name = "tw.commands"}).ok());
  EXPECT_THAT(writer_.write("tw.commands", {}, {}).error().message, HasSubstr("the platform's own"));
  EXPECT_THAT(lying(), IsEmpty());
}

}  // namespace
}  // namespace tradewind::engine
