// The direct reader beside the careful one, and what they write beside a decoder of Avro.
#include <chrono>
#include <random>

#include "base/json.h"
#include "ingest/careful_reader.h"
#include "ingest/direct_reader.h"
#include "log/memory_log.h"
#include "schema/local_registry.h"
#include "schema/serde.h"

namespace tradewind::ingest {
namespace {

using testing::HasSubstr;

constexpr const char* kSchema = R"({"type": "record", "name": "E", "fields": [
  {"name": "event_id", "type": "string"},
  {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "who", "type": ["null", "string"], "default": null},
  {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B", "C"]}, "default": "B"},
  {"name": "count", "type": "int", "default": 7},
  {"name": "big", "type": ["long", "null"], "default": -3},
  {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}], "default": null},
  {"name": "share", "type": "double", "default": 0.5},
  {"name": "small", "type": ["null", "float"], "default": null},
  {"name": "yes", "type": "boolean", "default": true},
  {"name": "raw", "type": ["null", "bytes"], "default": null},
  {"name": "place", "type": ["null", {"type": "record", "name": "P", "fields": [
    {"name": "path", "type": "string"}, {"name": "depth", "type": "int", "default": 1}]}], "default": null},
  {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "I", "fields": [
    {"name": "sku", "type": "string"}, {"name": "n", "type": "long", "default": 1}]}}, "default": []},
  {"name": "tags", "type": {"type": "map", "values": "string"}, "default": {}}]})";

class ReadersTest : public testing::Test {
 protected:
  ReadersTest() {
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    const auto schema = registry_->register_schema("t-value", schema::SchemaKind::avro, kSchema);
    EXPECT_TRUE(schema.ok()) << schema.error().message;
    plan_ = std::move(EventPlan::create(*schema, "t", 3, {.key_field = "who"})).value();
  }

  // Events of another schema from here on.
  void use(const std::string& text, const TopicRule& rule = {.key_field = "who"}) {
    const auto schema = registry_->register_schema("other-value", schema::SchemaKind::avro, text);
    ASSERT_TRUE(schema.ok()) << schema.error().message;
    plan_ = std::move(EventPlan::create(*schema, "other", 3, rule)).value();
  }

  // "" or what differs between the readers, where the direct one takes it; `took` says whether.
  std::string compare(const std::string& body, Shape shape, bool& took) {
    Events direct;
    Events careful;
    took = direct_.read(*plan_, body, shape, 100, direct);
    const auto done = read_carefully(*plan_, body, shape, 100, careful);
    if (!took) return direct.values.size() == 0 && direct.all.empty() ? "" : "left something behind";
    if (!done.ok()) return "the careful reader refuses: " + done.error().message;
    if (!careful.rejected.empty()) return "the careful reader rejects: " + careful.rejected[0].error;
    if (direct.values.view() != careful.values.view())
      return "values: " + to_hex(direct.values.view()) + "\nbeside " + to_hex(careful.values.view());
    if (direct.keys != careful.keys) return "keys";
    if (direct.all.size() != careful.all.size()) return "count";
    for (size_t i = 0; i < direct.all.size(); ++i) {
      const Event& a = direct.all[i];
      const Event& b = careful.all[i];
      if (a.value_end != b.value_end || a.key_end != b.key_end || a.has_key != b.has_key ||
          a.has_id != b.has_id || !(a.id == b.id) || a.time_ms != b.time_ms)
        return "event " + std::to_string(i);
    }
    return "";
  }
  bool direct(const std::string& body, Shape shape = Shape::json) {
    bool took = false;
    EXPECT_EQ(compare(body, shape, took), "") << body;
    return took;
  }
  Rejected rejected(const std::string& body) {
    Events events;
    EXPECT_TRUE(read_carefully(*plan_, body, Shape::json, 100, events).ok());
    return events.rejected.empty() ? Rejected() : events.rejected[0];
  }

  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::shared_ptr<const EventPlan> plan_;
  DirectReader direct_;
};

std::string event(const std::string& more = "") {
  return R"({"event_id":"e1","event_time":1700000000000)" + (more.empty() ? "" : "," + more) + "}";
}

TEST_F(ReadersTest, TakeWhatIsPlainDirectly) {
  for (const std::string& body : std::vector<std::string>{
           event(), event(R"("who":"ann","kind":"C","count":-5,"big":null,"price":12.5)"),
           event(R"("price":"0.07","share":1e3,"small":0.25,"yes":false)"),
           event(R"("tags":{"a":"b","c":"d"},"items":[{"sku":"x"},{"n":3,"sku":"y"}],"place":{"path":"/"})"),
           event(R"("who":null,"items":[],"tags":{})"), event(R"("unknown":{"deep":[1,"x",null,true]})"),
           std::string(R"({"count":1,"event_time":5,"event_id":"\u00e9\n"})"),
           std::string(
               R"({"who":"zo\u00eb","event_time":5,"event_id":"\ud83d\ude00\/\\\"\b\f\r\t\u20ac\u0041"})"),
           event(R"("big":9223372036854775807,"count":-2147483648,"share":-0)"),
           event(R"("tags" : { "\u0061\"" : "\\" } , "items" : [ { "n" : 2 , "sku" : "" } ])"),
           event(R"("place":{"depth":3,"path":"/a/b"},"who":"one who is named by more than sixteen bytes")"),
           "[" + event() + ", " + event() + "]", std::string("[]"), " " + event() + "\n"}) {
    EXPECT_TRUE(direct(body)) << body;
  }
}

TEST_F(ReadersTest, LeaveTheRestToTheCarefulOne) {
  for (const std::string& body : std::vector<std::string>{event(R"("count":"5")"),
                                                          event(R"("count":5.0)"),
                                                          event(R"("COUNT":5)"),
                                                          event(R"("kind":"Z")"),
                                                          event(R"("who":12)"),
                                                          event(R"("price":0.001)"),
                                                          event(R"("price":12345678.00)"),
                                                          event(R"("price":1e1)"),
                                                          event(R"("raw":"AAE=")"),
                                                          event(R"("count":1,"count":2)"),
                                                          std::string(R"({"event_id":"x"})"),
                                                          event(R"("place":{})"),
                                                          event(R"("items":[null])"),
                                                          std::string("null"),
                                                          std::string("3"),
                                                          std::string("{"),
                                                          event() + event(),
                                                          "[" + event() + ",]",
                                                          event(R"("unknown":tru)"),
                                                          event(R"("unknown":01)"),
                                                          event(R"("unknown":"\x")"),
                                                          event(R"("who":"\ud83d")"),
                                                          event(R"("who":"\ude00\ud83d")"),
                                                          event(R"("who":"\u12")"),
                                                          event(R"("unknown":1.)"),
                                                          event(R"("unknown":1e)"),
                                                          event(R"("unknown":-)"),
                                                          event(R"("unknown":[1 2])"),
                                                          event(R"("unknown":{"a" 1})"),
                                                          event(R"("count":1"x")"),
                                                          event(R"("count":+1)"),
                                                          event(R"("big":9223372036854775808)"),
                                                          "[" + event() + "],[" + event() + "]",
                                                          std::string(""),
                                                          event(R"("big":99999999999999999999)"),
                                                          std::string("[") + event() + "] x"}) {
    EXPECT_FALSE(direct(body)) << body;
  }
}

// What was learned of one object must not make another one that only resembles it pass.
TEST_F(ReadersTest, ObjectsThatAreWrittenNearlyAsTheLastOnesAreReadAnew) {
  const std::string usual = R"({"event_id":"e1","event_time":1,"who":"ann","kind":"A","count":1})";
  const std::vector<std::pair<std::string, bool>> others = {
      {R"({"event_id":"e1","event_time":1,"kind":"C","count":1})", true},
      {R"({"event_id":"e1" ,"event_time": 1,"who" :"ann", "kind":"A","count":1})", true},
      {R"({"event_id":"e1","event_time":1,"who":null,"kind":"B"})", true},
      {R"({"event_id":"e1","event_time":1,"who":"ann","kind":"A","count":1,"yes":false})", true},
      {R"({"other":1,"event_id":"e1","event_time":1,"who":"ann"})", true},
      {R"({"count":1,"event_id":"e1","event_time":1})", true},
      {R"({"other":1{"event_id":"e1","event_time":1,"who":"ann"})", false},
      {R"({{"event_id":"e1","event_time":1,"who":"ann"})", false},
      {R"({,"event_id":"e1","event_time":1})", false},
      {R"({"event_id":"e1"{"event_time":1})", false},
      {R"({"event_id":"e1","event_tume":1})", false},
      {R"({"event_id":"e1","event_time":1,"who":"ann","who":"ann"})", false},
      {R"({"event_id":"e1","event_time":1,"who":"ann",})", false},
      {R"({"event_id":"e1","who":"ann"})", false},
      {R"({"event_id":"e1","event_time":1,"who":12,"kind":"A"})", false},
      {R"({"event_id":"e1","event_time":1,"who":"ann","kind":true})", false},
      {R"({"event_id":"e1","event_time":1,"who":"ann","kind":"D"})", false}};
  for (const auto& [other, plain] : others) {
    ASSERT_TRUE(direct(usual) && direct(usual));
    EXPECT_EQ(direct(other), plain) << other;
  }
}

// While one is read, the same is learned of the one in it.
TEST_F(ReadersTest, RecordsThatHoldThemselvesAreTakenWhateverWasReadBefore) {
  const auto schema = registry_->register_schema("nested-value", schema::SchemaKind::avro,
                                                 R"({"type":"record","name":"N","fields":[
    {"name":"a","type":"string"},{"name":"in","type":["null","N"],"default":null},
    {"name":"b","type":["null","string"],"default":null},{"name":"c","type":"int","default":3}]})");
  ASSERT_TRUE(schema.ok());
  plan_ = std::move(EventPlan::create(*schema, "nested", 1, {})).value();
  const std::vector<std::string> inner = {"null",
                                          R"({"a":"x"})",
                                          R"({"a":"x","b":"y"})",
                                          R"({"a":"x","c":1})",
                                          R"({"c":1,"a":"x"})",
                                          R"({"a":"x","in":{"a":"z","c":2},"b":"y"})"};
  for (const std::string& first : inner) {
    for (const std::string& second : inner) {
      EXPECT_TRUE(direct(R"([{"a":"o","in":)" + first + R"(,"b":"p","c":4},{"a":"o","in":)" + second +
                         R"(,"b":"p"},{"a":"o","in":)" + first + R"(,"c":5}])"));
    }
  }
}

TEST_F(ReadersTest, NamesLongerThanWhatIsComparedAtOnceAreTakenAsWell) {
  const auto schema = registry_->register_schema("long-value", schema::SchemaKind::avro,
                                                 R"({"type":"record","name":"L","fields":[
    {"name":"a_name_of_more_than_thirty_two_letters","type":"string"},
    {"name":"a_name_of_more_than_thirty_two_lettery","type":["null","string"],"default":null}]})");
  ASSERT_TRUE(schema.ok());
  plan_ = std::move(EventPlan::create(*schema, "long", 1, {})).value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(direct(R"({"a_name_of_more_than_thirty_two_letters":"x"})"));
    EXPECT_TRUE(direct(
        R"({"a_name_of_more_than_thirty_two_letters":"x","a_name_of_more_than_thirty_two_lettery":"y"})"));
    EXPECT_FALSE(direct(R"({"a_name_of_more_than_thirty_two_letterz":"x"})"));
  }
}

TEST_F(ReadersTest, LinesAreEventsEachForItself) {
  EXPECT_TRUE(direct(event() + "\n" + event() + "\n", Shape::lines));
  EXPECT_TRUE(direct("\n  " + event() + "\r\n\r\n" + event(), Shape::lines));
  // Pieces that would be events if lines were joined are not.
  const std::string joined = event() + "," + event() + "\n{\"event_id\":\"x\"\n\"event_time\":5}";
  EXPECT_FALSE(direct(joined, Shape::lines));
  Events events;
  ASSERT_TRUE(read_carefully(*plan_, joined, Shape::lines, 100, events).ok());
  EXPECT_EQ(events.rejected.size(), 3u);
  events.clear();
  ASSERT_TRUE(read_carefully(*plan_, event() + "\nnonsense\n" + event(), Shape::lines, 100, events).ok());
  EXPECT_EQ(events.all.size(), 2u);
  ASSERT_EQ(events.rejected.size(), 1u);
  EXPECT_EQ(events.rejected[0].index, 1u);
}

TEST_F(ReadersTest, WhatIsWrongIsNamedByFieldAndWhatWasExpected) {
  const Rejected deep = rejected(event(R"("items":[{"sku":"a"},{"sku":"b","n":"many"}])"));
  EXPECT_EQ(deep.field, "items[1].n");
  EXPECT_EQ(deep.expected, "a whole number of 64 bits");
  EXPECT_EQ(deep.error, "field items[1].n: expected a whole number of 64 bits, found \"many\"");
  EXPECT_EQ(rejected(event(R"("place":{"depth":2})")).field, "place.path");
  EXPECT_EQ(rejected(event(R"("kind":"Z")")).expected, "one of A, B, C");
  EXPECT_EQ(rejected(event(R"("count":1.5)")).field, "count");
  EXPECT_THAT(rejected(event(R"("price":0.001)")).expected, HasSubstr("2 of them behind the point"));
  EXPECT_EQ(rejected("[7]").error, "the event: expected an object, found 7");
}

// Values that are right, nearly right and wrong.
std::string random_value(std::mt19937_64& chance, int depth = 0) {
  static const std::vector<std::string> kValues = {"null",
                                                   "true",
                                                   "false",
                                                   "0",
                                                   "-1",
                                                   "12",
                                                   "2147483647",
                                                   "2147483648",
                                                   "9223372036854775807",
                                                   "1.5",
                                                   "-0.25",
                                                   "12.50",
                                                   "1e2",
                                                   "99999999999",
                                                   R"("A")",
                                                   R"("B")",
                                                   R"("text")",
                                                   R"("12")",
                                                   R"("\u00fc")",
                                                   R"("")",
                                                   "{}",
                                                   "[]",
                                                   R"({"path":"/a"})",
                                                   R"({"path":"/b","depth":3})",
                                                   R"({"a":"b"})",
                                                   R"([{"sku":"s"}])",
                                                   R"([{"sku":"s","n":4},{"n":1,"sku":"t"}])",
                                                   R"({"deep":[1,{"x":null}]})"};
  const std::string plain = kValues[chance() % kValues.size()];
  return depth < 2 && chance() % 12 == 0 ? "[" + random_value(chance, depth + 1) + "]" : plain;
}

TEST_F(ReadersTest, RandomEventsComeOutOfBothAlike) {
  const auto seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 chance(seed);
  const std::vector<std::string> names = {"event_id", "event_time", "who",   "kind", "count", "big",
                                          "price",    "share",      "small", "yes",  "raw",   "place",
                                          "items",    "tags",       "other", "Who"};
  size_t taken = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string body = R"({"event_id":"e","event_time":1)";
    for (size_t n = chance() % 5; n > 0; --n)
      body += (chance() % 8 == 0 ? ", \"" : ",\"") + names[chance() % names.size()] +
              "\":" + random_value(chance);
    body += "}";
    if (chance() % 16 == 0) body.erase(chance() % body.size(), 1);
    if (chance() % 16 == 0) body.insert(chance() % body.size(), 1, "{},:\" 1n"[chance() % 8]);
    bool took = false;
    const std::string differs = compare(body, Shape::json, took);
    ASSERT_EQ(differs, "") << body;
    taken += took ? 1 : 0;
  }
  EXPECT_GT(taken, 3000u);
}

TEST_F(ReadersTest, ABodyOfNothingIsNoEventForAReaderThatIsNew) {
  Events events;
  EXPECT_FALSE(DirectReader().read(*plan_, "", Shape::json, 10, events));
  EXPECT_FALSE(DirectReader().read(*plan_, "", Shape::lines, 10, events));
}

TEST_F(ReadersTest, AWordDoesNotEndAtAByteOfZero) {
  using namespace std::string_literals;
  for (const std::string& body :
       {R"({"event_id":"e","event_time":1)"s + "\0}"s, R"({"event_id":"e","event_time":1)"s + "\0 and more}"s,
        R"({"event_id":"e","event_time":1,"share":0.5)"s + "\0}"s,
        R"({"event_id":"e","event_time":1,"unknown":[null)"s + "\0]}"s}) {
    EXPECT_FALSE(direct(body)) << body;
  }
}

TEST_F(ReadersTest, NullIsAnEventWhereEverythingMayBeMissing) {
  use(R"({"type":"record","name":"O","fields":[
    {"name":"event_id","type":["null","string"],"default":null},
    {"name":"event_time","type":["null","long"],"default":null},
    {"name":"who","type":["null","string"],"default":null}]})");
  for (const char* const body : {"null", "[null,{}]"}) {
    Events events;
    ASSERT_TRUE(read_carefully(*plan_, body, Shape::json, 10, events).ok());
    EXPECT_TRUE(events.rejected.empty()) << body;
    ASSERT_FALSE(events.all.empty()) << body;
    EXPECT_FALSE(events.all[0].has_key || events.all[0].has_id || events.all[0].time_ms) << body;
  }
}

constexpr const char* kTree = R"({"type":"record","name":"N","fields":[
  {"name":"n","type":"int","default":0},{"name":"who","type":["null","string"],"default":null},
  {"name":"next","type":["null","N"],"default":null},
  {"name":"kids","type":{"type":"array","items":"N"},"default":[]},
  {"name":"by","type":{"type":"map","values":"N"},"default":{}}]})";

// While an outer one is read, what is usual of its record becomes what the inner ones were.
TEST_F(ReadersTest, RecordsInThemselvesAreNotMistakenForOneAnother) {
  use(kTree);
  EXPECT_TRUE(direct(R"({"n":1,"next":{}})"));
  EXPECT_TRUE(direct(R"({"n":1,"next":{"n":2,"who":"ann"}})"));
  EXPECT_TRUE(direct(R"({"n":1,"kids":[{}],"by":{}})"));
  EXPECT_TRUE(direct(R"({"n":1,"kids":[{"n":2,"by":{}}],"by":{}})"));
  EXPECT_TRUE(direct(R"({"n":1,"kids":[{"who":"ben","n":5},{"n":2,"next":null}],"by":{}})"));
}

// The event's key is its own, not one's that it holds.
TEST_F(ReadersTest, RecordsInThemselvesAreLookedAtOnlyOutside) {
  use(kTree);
  EXPECT_TRUE(direct(R"({"n":1,"next":{"n":2,"who":"ann"}})"));
  EXPECT_TRUE(direct(R"({"n":1,"who":"ben"})"));
  EXPECT_TRUE(direct(R"({"n":1,"who":"ben","next":{"n":2,"who":"ann"}})"));
  EXPECT_TRUE(direct(R"({"n":1,"next":{"n":2,"who":"ann"}})"));
}

TEST_F(ReadersTest, AKeyThatIsTheTimeToo) {
  use(R"({"type":"record","name":"S","fields":[
    {"name":"who","type":{"type":"enum","name":"W","symbols":["A","B"]}}]})",
      {.key_field = "who", .time_field = "who"});
  EXPECT_FALSE(direct(R"({"who":"B"})"));
}

TEST_F(ReadersTest, ATopicThatLiesWhereOneLayThatIsGoneIsLearnedAnew) {
  const std::string body = R"({"event_id":"e1","event_time":1,"who":"ann"})";
  const auto schema = registry_->latest("t-value");
  auto first = std::move(EventPlan::create(*schema, "first", 1, {})).value();
  auto second = std::move(EventPlan::create(*schema, "second", 1, {.key_field = "who"})).value();
  const auto place = std::make_shared<EventPlan>(std::move(const_cast<EventPlan&>(*first)));
  plan_ = place;
  EXPECT_TRUE(direct(body));
  *place = std::move(const_cast<EventPlan&>(*second));
  EXPECT_TRUE(direct(body));
}

// Each object that is out of order is read again; were those in it, too, it would take as long as the careful
// reader takes for a million.
TEST_F(ReadersTest, ObjectsOutOfOrderInEachOtherAreNotReadAgainForEver) {
  use(kTree);
  std::string body = "{}";
  for (int depth = 0; depth < 28; ++depth) body = R"({"kids":[{},)" + body + R"(],"n":1})";
  EXPECT_FALSE(direct(body));
  EXPECT_TRUE(direct(R"({"kids":[{},{"kids":[{},{"kids":[],"n":3}],"n":2}],"n":1})"));
}

TEST_F(ReadersTest, NoneTakesWhatIsNestedDeeperThanTheOther) {
  use(kTree);
  for (const size_t deep : {10, 19, 20, 30, 31, 32, 36, 39, 40, 50}) {
    std::string lists = "{}";
    std::string maps = "{}";
    for (size_t i = 0; i < deep; ++i) {
      lists = R"({"kids":[)" + lists + "]}";
      maps = R"({"by":{"x":)" + maps + "}}";
    }
    EXPECT_EQ(direct(lists), deep < 20) << deep;
    EXPECT_EQ(direct(maps), deep < 20) << deep;
  }
}

std::string random_node(std::mt19937_64& chance, size_t depth) {
  const auto inner = [&] { return random_node(chance, depth + 1); };
  std::vector<std::string> members;
  const size_t kinds = depth < 3 ? 6 : 3;
  for (size_t kind = 0; kind < kinds; ++kind) {
    if (chance() % 3 >= (kind < 3 ? 2U : 1U)) continue;  // most are small
    switch (kind) {
      case 0: members.push_back("\"n\":" + std::to_string(chance() % 200)); break;
      case 1: members.push_back(chance() % 4 == 0 ? R"("who":null)" : R"("who":"a\"nn")"); break;
      case 2: members.push_back(chance() % 64 == 0 ? R"("n":"5")" : R"("other":[{}])"); break;
      case 3: members.push_back("\"next\":" + inner()); break;
      case 4: members.push_back("\"kids\" : [" + inner() + "," + inner() + "]"); break;
      default: members.push_back("\"by\":{\"x\":" + inner() + ", \"y\":" + inner() + "}");
    }
  }
  if (chance() % 4 == 0) std::shuffle(members.begin(), members.end(), chance);
  std::string node = "{";
  for (const std::string& member : members) node += (node.size() > 1 ? "," : "") + member;
  return node + "}";
}

TEST_F(ReadersTest, RandomTreesComeOutOfBothAlikeWhileTopicsTakeTurns) {
  const auto seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 chance(seed);
  size_t taken = 0;
  const auto events = plan_;
  use(kTree);
  const auto trees = plan_;
  for (int round = 0; round < 3000; ++round) {
    plan_ = round % 64 == 0 ? events : trees;
    std::string body = round % 64 == 0 ? event() : random_node(chance, 0);
    if (chance() % 16 == 0) body.erase(chance() % body.size(), 1);
    bool took = false;
    const std::string differs = compare(body, Shape::json, took);
    ASSERT_EQ(differs, "") << body;
    taken += took ? 1 : 0;
  }
  EXPECT_GT(taken, 1000u);
}

TEST_F(ReadersTest, WhatTheyWriteIsWhatAnAvroDecoderReads) {
  Events events;
  ASSERT_TRUE(direct_.read(
      *plan_, event(R"("who":"ann","price":-12.34,"items":[{"sku":"x","n":5}],"tags":{"k":"v"})"),
      Shape::json, 10, events));
  const auto columns = schema::columns_of(*registry_->latest("t-value"));
  auto decoder =
      std::move(schema::make_decoder({.format = schema::Format::avro, .columns = *columns, .topic = "t"},
                                     registry_.get()))
          .value();
  auto to_json = std::move(schema::make_encoder(
                               {.format = schema::Format::json, .columns = *columns, .topic = "t"}, nullptr))
                     .value();
  const std::optional<BytesView> payload = events.values.view();
  const auto decoded = decoder->decode({&payload, 1}, nullptr);
  ASSERT_TRUE(decoded.ok() && decoded->bad.empty());
  schema::Encoded json;
  ASSERT_TRUE(to_json->encode(decoded->columns, 1, json).ok());
  EXPECT_EQ(
      json[0],
      R"({"EVENT_ID":"e1","EVENT_TIME":1700000000000,"WHO":"ann","KIND":"B","COUNT":7,"BIG":-3,"PRICE":-12.34,)"
      R"("SHARE":0.5,"SMALL":null,"YES":true,"RAW":null,"PLACE":null,"ITEMS":[{"SKU":"x","N":5}],)"
      R"("TAGS":{"k":"v"}})");
}

}  // namespace
}  // namespace tradewind::ingest
