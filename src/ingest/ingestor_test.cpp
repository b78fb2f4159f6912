#include "ingest/ingestor.h"

#include <future>

#include "ingest/metrics.h"
#include "log/memory_log.h"
#include "log/partitioner.h"
#include "schema/local_registry.h"

namespace tradewind::ingest {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kOrder = R"({"type": "record", "name": "Order", "fields": [
  {"name": "event_id", "type": "string"},
  {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "customer_id", "type": "string"},
  {"name": "quantity", "type": "int"},
  {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["SALE", "RETURN"]}, "default": "SALE"},
  {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}],
   "default": null},
  {"name": "payment", "type": ["null", {"type": "record", "name": "Payment", "fields": [
    {"name": "payment_id", "type": "string"}, {"name": "attempt", "type": "long", "default": 1}]}],
   "default": null},
  {"name": "source", "type": "string", "default": "web"}]})";

// Every field may be missing.
constexpr const char* kNote = R"({"type": "record", "name": "Note", "fields": [
  {"name": "event_id", "type": ["null", "string"], "default": null},
  {"name": "event_time", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
  {"name": "text", "type": ["null", "string"], "default": null}]})";

std::string order(const std::string& id, const std::string& more = "") {
  return "{\"event_id\": \"" + id + "\", \"event_time\": 1000, \"customer_id\": \"c-1\", \"quantity\": 2" +
         (more.empty() ? "" : ", " + more) + "}";
}

class IngestorTest : public testing::Test {
 protected:
  IngestorTest() {
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    add_topic("orders", kOrder);
    add_topic("notes", kNote);
    open();
  }

  void add_topic(const std::string& name, const std::string& schema) {
    EXPECT_TRUE(log_->create_topic({.name = name, .partitions = 2}).ok());
    const auto made = registry_->register_schema(name + "-value", schema::SchemaKind::avro, schema);
    EXPECT_TRUE(made.ok()) << made.error().message;
  }
  void open(IngestOptions options = {}) {
    options.metrics = &metrics_;
    const std::map<std::string, TopicRule> rules{{"orders", {.key_field = "customer_id"}}};
    ingestor_ = std::make_unique<Ingestor>(*log_, *registry_, clock_, rules, options);
    const auto started = ingestor_->start();
    EXPECT_TRUE(started.ok()) << started.error().message;
  }

  // "2 accepted", and the rejected by index: "0: field x is missing".
  std::vector<std::string> take(const std::string& body, const std::string& topic = "orders") {
    const auto taken = ingestor_->take(topic, body, std::nullopt);
    if (!taken.ok()) return {"error: " + taken.error().message};
    std::vector<std::string> told{std::to_string(taken->accepted) + " accepted"};
    for (const Rejected& rejected : taken->rejected)
      told.push_back(std::to_string(rejected.index) + ": " + rejected.error);
    return told;
  }
  Code code_of(const std::string& body, const std::string& topic) {
    const auto taken = ingestor_->take(topic, body, std::nullopt);
    EXPECT_FALSE(taken.ok());
    return taken.ok() ? Code::fenced : taken.error().code;
  }

  struct Stored {
    std::string key;
    int64_t time_ms;
    int32_t partition;
    size_t value_bytes;
    Bytes value;
  };
  std::vector<Stored> stored(const std::string& topic = "orders") {
    std::vector<Stored> all;
    for (int32_t partition = 0; partition < 2; ++partition) {
      auto consumer = std::move(log_->consumer(log::Visibility::durable)).value();
      EXPECT_TRUE(consumer->assign({topic, partition}, 0).ok());
      const auto polled = consumer->poll(Duration(0), 1000);
      EXPECT_TRUE(polled.ok());
      for (const log::FetchedBatch& batch : *polled) {
        for (const log::RecordView& record : batch.records) {
          all.push_back({std::string(record.key.value_or("")), record.time.ms, partition,
                         record.value.value_or("").size(), Bytes(record.value.value_or(""))});
        }
      }
    }
    return all;
  }
  int64_t counted(std::string_view outcome) { return metrics_.counter(kEvents, std::array{outcome}).value(); }

  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  std::unique_ptr<schema::LocalRegistry> registry_;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  telemetry::Registry metrics_;
  std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(IngestorTest, AppendsAnEventUnderItsKeyAtItsOwnTime) {
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  const auto all = stored();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].key, "c-1");
  EXPECT_EQ(all[0].time_ms, 1000);
  EXPECT_EQ(all[0].partition, log::partition_of("c-1", 2));
  // Confluent's frame, then the fields as Avro writes them.
  const Bytes expected(
      "\0\0\0\0\1"
      "\x02"
      "a"
      "\xd0\x0f"
      "\x06"
      "c-1"
      "\x04"
      "\0"
      "\0"
      "\0"
      "\x06"
      "web",
      21);
  EXPECT_EQ(to_hex(all[0].value), to_hex(expected));
}

TEST_F(IngestorTest, AnEventSentTwiceIsAcceptedTwiceAndAppendedOnce) {
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  EXPECT_THAT(take("[" + order("a") + "," + order("b") + "," + order("b") + "]"), ElementsAre("3 accepted"));
  EXPECT_EQ(stored().size(), 2u);
}

TEST_F(IngestorTest, TheIdsOfBeforeARestartAreKnown) {
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  open();
  EXPECT_THAT(take("[" + order("a") + "," + order("b") + "]"), ElementsAre("2 accepted"));
  EXPECT_EQ(stored().size(), 2u);
}

TEST_F(IngestorTest, AnIdIsForgottenAfterItsTimeAndWhenThereAreTooMany) {
  open({.most_ids = 2, .ids_kept = Duration(1000)});
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  clock_.advance(Duration(1001));
  EXPECT_THAT(take(order("b")), ElementsAre("1 accepted"));
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  EXPECT_EQ(stored().size(), 3u);  // a, b and a again
  EXPECT_THAT(take(order("c")), ElementsAre("1 accepted"));
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  EXPECT_EQ(stored().size(), 4u);  // the youngest two ids are a and c
}

TEST_F(IngestorTest, TheSameIdInAnotherTopicIsAnotherEvent) {
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  EXPECT_THAT(take(R"({"event_id": "a"})", "notes"), ElementsAre("1 accepted"));
  EXPECT_EQ(stored("notes").size(), 1u);
}

TEST_F(IngestorTest, EventsWithoutAnIdAreAllKept) {
  EXPECT_THAT(take(R"([{"text": "x"}, {"text": "x"}, {"event_id": null, "text": "x"}])", "notes"),
              ElementsAre("3 accepted"));
  EXPECT_EQ(stored("notes").size(), 3u);
}

TEST_F(IngestorTest, AnEventWithoutATimeHappensNow) {
  EXPECT_THAT(take(R"({"event_id": "n"})", "notes"), ElementsAre("1 accepted"));
  const auto all = stored("notes");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].time_ms, clock_.now().ms);
}

TEST_F(IngestorTest, IdsThatAreNumbersAreIdsToo) {
  add_topic("numbered",
            R"({"type": "record", "name": "N", "fields": [{"name": "event_id", "type": "long"}]})");
  EXPECT_THAT(take(R"([{"event_id": 7}, {"event_id": 7}, {"event_id": 8}])", "numbered"),
              ElementsAre("3 accepted"));
  EXPECT_EQ(stored("numbered").size(), 2u);
}

TEST_F(IngestorTest, AMissingFieldIsNamedAndTheOthersAreTaken) {
  EXPECT_THAT(
      take("[" + order("a") + R"(, {"event_id": "b", "event_time": 1, "quantity": 1}, )" + order("c") + "]"),
      ElementsAre("2 accepted", "1: field customer_id is missing"));
  EXPECT_EQ(stored().size(), 2u);
}

TEST_F(IngestorTest, NullWhereNoneMayStandIsMissing) {
  EXPECT_THAT(take(R"({"event_id": "a", "event_time": 1, "customer_id": null, "quantity": 1})"),
              ElementsAre("0 accepted", "0: field customer_id is missing"));
  EXPECT_THAT(take(order("a", R"("price": null)")), ElementsAre("1 accepted"));
}

TEST_F(IngestorTest, UnknownFieldsAreLeftOut) {
  EXPECT_THAT(take(order("a", R"("colour": {"deep": [1, 2]})")), ElementsAre("1 accepted"));
  EXPECT_THAT(take(order("b")), ElementsAre("1 accepted"));
  const auto all = stored();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].value_bytes, all[1].value_bytes);
}

TEST_F(IngestorTest, AWrongTypeNamesFieldAndValue) {
  const std::string head = R"({"event_id": "a", "event_time": 1, "customer_id": "c", )";
  EXPECT_THAT(
      take(head + R"("quantity": "many"})"),
      ElementsAre(
          "0 accepted",
          "0: field quantity: expected a whole number from -2147483648 to 2147483647, found \"many\""));
  EXPECT_THAT(
      take(head + R"("quantity": [1]})"),
      ElementsAre("0 accepted",
                  "0: field quantity: expected a whole number from -2147483648 to 2147483647, found [1]"));
  EXPECT_THAT(take(order("a", R"("payment": {"payment_id": "p", "attempt": true})")),
              ElementsAre("0 accepted", AllOf(HasSubstr("payment.attempt"), HasSubstr("true"))));
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(IngestorTest, NumbersThatDoNotFitAreRejectedNotBent) {
  const std::string head = R"({"event_id": "a", "event_time": 1, "customer_id": "c", "quantity": )";
  for (const char* number : {"2147483648", "-2147483649", "1e300", "99999999999999999999999999"})
    EXPECT_THAT(take(head + number + "}"), ElementsAre("0 accepted", HasSubstr("field quantity"))) << number;
  for (const char* price : {"12345678.00", "0.001", "1e30", "\"x\""})
    EXPECT_THAT(take(order("a", std::string("\"price\": ") + price)),
                ElementsAre("0 accepted", HasSubstr("field price")))
        << price;
  EXPECT_THAT(take(order("a", R"("price": 1234567.89)")), ElementsAre("1 accepted"));
  EXPECT_THAT(
      take(R"({"event_id": "b", "event_time": 99999999999999999999, "customer_id": "c", "quantity": 1})"),
      ElementsAre("0 accepted", HasSubstr("field event_time")));
}

TEST_F(IngestorTest, WhatTheSchemaCannotHoldRejectsItsOwnEventOnly) {
  EXPECT_THAT(take("[" + order("a") + "," + order("b", R"("kind": "THEFT")") + "," + order("c") + "]"),
              ElementsAre("2 accepted", AllOf(HasSubstr("1: "), HasSubstr("THEFT"))));
  EXPECT_THAT(take(order("d", R"("payment": {"attempt": 2})")), ElementsAre("0 accepted", HasSubstr("0: ")));
  EXPECT_EQ(stored().size(), 2u);
}

TEST_F(IngestorTest, DefaultsStandInForFieldsThatAreMissing) {
  EXPECT_THAT(take(order("a")), ElementsAre("1 accepted"));
  EXPECT_THAT(take(order("b", R"("source": "web", "kind": "SALE", "price": null)")),
              ElementsAre("1 accepted"));
  const auto all = stored();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].value_bytes, all[1].value_bytes);
}

TEST_F(IngestorTest, WhatIsNoEventIsRejectedByItsPlace) {
  EXPECT_THAT(take("[1, \"x\", " + order("a") + ", []]"),
              ElementsAre("1 accepted", HasSubstr("0: "), HasSubstr("1: "), HasSubstr("3: ")));
  EXPECT_THAT(take("[]"), ElementsAre("0 accepted"));
  EXPECT_THAT(take("null"), ElementsAre("0 accepted", HasSubstr("0: ")));
}

TEST_F(IngestorTest, ABodyThatIsNoJsonIsRefusedWhole) {
  EXPECT_EQ(code_of("{\"event_id\": ", "orders"), Code::invalid);
  EXPECT_EQ(code_of("", "orders"), Code::invalid);
  EXPECT_EQ(code_of(order("a") + order("b"), "orders"), Code::invalid);
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(IngestorTest, TooManyAtOnceAreRefusedWithTheLimit) {
  open({.most_events = 2});
  EXPECT_THAT(take("[1, 2, 3]"), ElementsAre("error: 3 events at once; send at most 2"));
  EXPECT_THAT(take("[" + order("a") + "," + order("b") + "]"), ElementsAre("2 accepted"));
}

TEST_F(IngestorTest, TopicsThatTakeNoEventsAreNotFound) {
  EXPECT_TRUE(log_->create_topic({.name = "bare", .partitions = 1}).ok());
  for (const char* topic : {"nowhere", "bare", "tw.event_ids", "_schemas", ""})
    EXPECT_EQ(code_of(order("a"), topic), Code::not_found) << topic;
  EXPECT_THAT(take(order("a"), "nowhere"), ElementsAre("error: no topic 'nowhere' takes events"));
}

// A registry elsewhere that does not answer before it is let.
class SlowRegistry final : public schema::Registry {
 public:
  explicit SlowRegistry(schema::Registry& registry) : registry_(registry) {}
  void answer() { answers_.set_value(); }

  Result<schema::RegisteredSchema> latest(const std::string& subject) override {
    if (subject == "notes-value") answers_.get_future().wait();
    return registry_.latest(subject);
  }
  Result<schema::RegisteredSchema> register_schema(const std::string& subject, schema::SchemaKind kind,
                                                   const std::string& text) override {
    return registry_.register_schema(subject, kind, text);
  }
  Result<schema::RegisteredSchema> by_id(schema::SchemaId id) override { return registry_.by_id(id); }
  Result<schema::RegisteredSchema> version(const std::string& subject, int32_t version) override {
    return registry_.version(subject, version);
  }
  Result<std::vector<std::string>> subjects() override { return registry_.subjects(); }
  Result<std::vector<int32_t>> versions(const std::string& subject) override {
    return registry_.versions(subject);
  }
  Result<> set_compatibility(const std::string& subject, schema::Compatibility compatibility) override {
    return registry_.set_compatibility(subject, compatibility);
  }

 private:
  schema::Registry& registry_;
  std::promise<void> answers_;
};

TEST_F(IngestorTest, ATopicThatIsLookedUpHoldsUpNobodyElse) {
  SlowRegistry slow(*registry_);
  Ingestor ingestor(*log_, slow, clock_, {{"orders", {.key_field = "customer_id"}}});
  ASSERT_TRUE(ingestor.start().ok());
  ASSERT_TRUE(ingestor.take("orders", order("a"), std::nullopt).ok());
  std::promise<Result<Taken>> note;
  std::promise<Result<Taken>> second;
  ingestor.submit("notes", R"({"text": "x"})", std::nullopt, Shape::json,
                  [&](Result<Taken> taken) { note.set_value(std::move(taken)); });
  ingestor.submit("orders", order("b"), std::nullopt, Shape::json,
                  [&](Result<Taken> taken) { second.set_value(std::move(taken)); });
  EXPECT_EQ(second.get_future().get()->accepted, 1U);
  slow.answer();
  EXPECT_EQ(note.get_future().get()->accepted, 1U);
}

TEST_F(IngestorTest, ANumberedRequestIsAppendedOnceAlsoAfterARestart) {
  const auto send = [&](int64_t sequence) {
    return ingestor_->take("orders", "[" + order("a") + "," + order("a") + "]", Numbered{"file-1", sequence});
  };
  ASSERT_TRUE(send(4).ok());
  EXPECT_EQ(stored().size(), 2u);  // numbers, not ids, tell doubles apart here
  ASSERT_TRUE(send(4).ok());
  open();
  ASSERT_TRUE(send(3).ok());
  EXPECT_EQ(stored().size(), 2u);
  EXPECT_EQ(*ingestor_->last_sequence("file-1"), 4);
  EXPECT_EQ(*ingestor_->last_sequence("file-2"), -1);
  ASSERT_TRUE(send(5).ok());
  EXPECT_EQ(stored().size(), 4u);
}

TEST_F(IngestorTest, CountsWhatItAnswered) {
  take("[" + order("a") + "," + order("a") + ", 1]");
  take(order("b"));
  take("nonsense");
  EXPECT_EQ(counted("accepted"), 3);
  EXPECT_EQ(counted("rejected"), 1);
}

}  // namespace
}  // namespace tradewind::ingest
