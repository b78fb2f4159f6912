#include "base/coding.h"
#include "data/value.h"
#include "schema/avro.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A topic whose writers and reader are told in a test; payloads are put together from Avro's encodings.
class AvroSerde : public testing::Test {
 protected:
  static std::string record(const std::string& fields) {
    return R"({"type":"record","name":"R","fields":[)" + fields + "]}";
  }
  SchemaId writes(const std::string& fields) {
    return registry_.register_schema("other", SchemaKind::avro, record(fields))->id;
  }
  void reads(const std::string& fields) {
    spec_.columns = *columns_of(*registry_.register_schema("t-value", SchemaKind::avro, record(fields)));
  }
  static Bytes framed(SchemaId id, const Bytes& body) {
    Bytes payload(1, '\0');
    put_big32(payload, static_cast<uint32_t>(id));
    return payload + body;
  }
  static Bytes number(int64_t value) {
    Bytes bytes;
    put_zigzag(bytes, value);
    return bytes;
  }
  static Bytes text(const std::string& value) { return number(static_cast<int64_t>(value.size())) + value; }

  // Decodes; each row as "A=1 B=x"; bad ones as their reason.
  std::vector<std::string> rows(const std::vector<std::optional<Bytes>>& payloads) {
    auto decoder = make_decoder(spec_, &registry_);
    if (!decoder.ok()) return {decoder.error().message};
    std::vector<std::optional<BytesView>> views;
    for (const auto& payload : payloads) {
      views.push_back(payload ? std::optional<BytesView>(*payload) : std::nullopt);
    }
    auto decoded = (*decoder)->decode(views, nullptr);
    if (!decoded.ok()) return {"error: " + decoded.error().message};
    std::vector<std::string> lines;
    for (size_t row = 0; row < payloads.size(); ++row) {
      std::string line;
      for (size_t i = 0; i < spec_.columns.size(); ++i) {
        const ColumnPtr& column = decoded->columns[i];
        if (column == nullptr) continue;
        line += (line.empty() ? "" : " ") + spec_.columns[i].name + "=" +
                value_text(spec_.columns[i].type, value_at(*column, row));
      }
      lines.push_back(line);
    }
    for (const BadRow& bad : decoded->bad) lines[bad.row] = "bad: " + bad.reason;
    return lines;
  }

  FakeRegistry registry_;
  SerdeSpec spec_{.topic = "t"};
};

TEST_F(AvroSerde, DecodesScalarsInWritersOrder) {
  const auto id =
      writes(R"({"name":"s","type":"string"},{"name":"l","type":"long"},{"name":"b","type":"boolean"})");
  spec_.columns = {{"L", Kind::bigint}, {"B", Kind::boolean}, {"S", Kind::string}};
  EXPECT_THAT(rows({framed(id, text("hi") + number(-7) + "\1"),
                    framed(id, text("") + number(1'700'000'000'000) + std::string("\0", 1))}),
              ElementsAre("L=-7 B=true S=hi", "L=1700000000000 B=false S="));
}

TEST_F(AvroSerde, ANullIsANullAndABadBranchIsABadRow) {
  const auto id = writes(R"({"name":"a","type":["null","string"]},{"name":"b","type":["int","null"]})");
  spec_.columns = {{"A", Kind::string}, {"B", Kind::integer}};
  EXPECT_THAT(
      rows({framed(id, number(0) + number(1)), framed(id, number(1) + text("x") + number(0) + number(5)),
            framed(id, number(2) + number(0))}),
      ElementsAre("A=null B=null", "A=x B=5", HasSubstr("bad: field a: no such branch")));
}

TEST_F(AvroSerde, AShortPayloadMakesOnlyItsRowBad) {
  const auto id = writes(R"({"name":"s","type":"string"},{"name":"l","type":"long"})");
  spec_.columns = {{"S", Kind::string}, {"L", Kind::bigint}};
  EXPECT_THAT(
      rows({framed(id, text("a") + number(1)), framed(id, text("abc")), framed(id, number(100) + "abc"),
            framed(id, number(-1)), framed(id, text("b") + number(2))}),
      ElementsAre("S=a L=1", "bad: field l: the payload ends early or its bytes are no such value, at byte 9",
                  HasSubstr("bad: field s"), HasSubstr("bad: field s"), "S=b L=2"));
}

TEST_F(AvroSerde, WrongFramingAndUnknownIdsMakeBadRows) {
  const auto id = writes(R"({"name":"l","type":"long"})");
  spec_.columns = {{"L", Kind::bigint}};
  EXPECT_THAT(rows({Bytes("{\"a\":1}"), framed(41, number(1)), framed(id, number(3)), Bytes(), std::nullopt}),
              ElementsAre(HasSubstr("bad: not Confluent's Avro framing: it begins with 7b 22 61 22 3a"),
                          "bad: no schema has id 41", "L=3", HasSubstr("bad: not Confluent's"), "L=null"));
}

TEST_F(AvroSerde, ARegistryThatDoesNotAnswerIsAnError) {
  const auto id = writes(R"({"name":"l","type":"long"})");
  spec_.columns = {{"L", Kind::bigint}};
  spec_.topic = "";
  auto decoder = make_decoder(spec_, &registry_);
  registry_.broken = Error{Code::unavailable, "connection refused"};
  const Bytes payload = framed(id, number(1));
  const std::vector<std::optional<BytesView>> payloads = {payload};
  const auto decoded = (*decoder)->decode(payloads, nullptr);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, Code::unavailable);
}

TEST_F(AvroSerde, AsksForAWriterOnce) {
  const auto id = writes(R"({"name":"l","type":"long"})");
  spec_.columns = {{"L", Kind::bigint}};
  auto decoder = make_decoder(spec_, &registry_);
  const Bytes payload = framed(id, number(1));
  const std::vector<std::optional<BytesView>> payloads(3, payload);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE((*decoder)->decode(payloads, nullptr).ok());
  EXPECT_EQ(registry_.questions, 1);
}

TEST_F(AvroSerde, RecordsOfSeveralWritersMix) {
  const auto old = writes(R"({"name":"l","type":"int"})");
  const auto young = writes(R"({"name":"s","type":"string"},{"name":"l","type":"long"})");
  spec_.columns = {{"L", Kind::bigint}, {"S", Kind::string}};
  EXPECT_THAT(rows({framed(old, number(1)), framed(young, text("x") + number(2)), framed(old, number(3))}),
              ElementsAre("L=1 S=null", "L=2 S=x", "L=3 S=null"));
}

TEST_F(AvroSerde, ReadersDefaultsAndAliasesFillWhatAWriterLacks) {
  const auto old = writes(R"({"name":"first","type":"int"})");
  reads(R"({"name":"name","type":"double","aliases":["first"]},{"name":"n","type":"int","default":7},
           {"name":"tags","type":{"type":"array","items":"string"},"default":["a","b"]},
{"name":"o","type":{"type":"record","name":"O","fields":[{"name":"p","type":"string","default":"q"}]},
            "default":{}})");
  EXPECT_THAT(rows({framed(old, number(1)), framed(old, number(2))}),
              ElementsAre("NAME=1.0 N=7 TAGS=[a, b] O={P=q}", "NAME=2.0 N=7 TAGS=[a, b] O={P=q}"));
}

TEST_F(AvroSerde, ANewSymbolBecomesTheReadersDefault) {
  const auto young = writes(R"({"name":"e","type":{"type":"enum","name":"E","symbols":["A","B","NEW"]}})");
  reads(
      R"({"name":"e","type":{"type":"enum","name":"E","symbols":["UNKNOWN","A","B"],"default":"UNKNOWN"}})");
  EXPECT_THAT(rows({framed(young, number(1)), framed(young, number(2)), framed(young, number(3))}),
              ElementsAre("E=B", "E=UNKNOWN", HasSubstr("bad: field e: no such symbol")));
}

TEST_F(AvroSerde, DecimalsComeFromBytesAndFixedAndRescaleExactly) {
  const auto id =
      writes(R"({"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
              {"name":"b","type":{"type":"fixed","name":"F","size":3,"logicalType":"decimal","precision":6,
                             "scale":2}})");
  spec_.columns = {{"A", Type::decimal(12, 4)}, {"B", Type::decimal(6, 1)}};
  EXPECT_THAT(rows({framed(id, text("\x30\x39") + std::string("\xff\xff\xf6", 3)),
                    framed(id, text(std::string("\0\x01", 2)) + std::string("\0\0\x05", 3))}),
              ElementsAre("A=123.4500 B=-0.1", HasSubstr("bad: field b: the decimal does not fit")));
}

TEST_F(AvroSerde, NestedListsKeepTheirOrder) {
  const auto id = writes(R"({"name":"a","type":{"type":"array","items":{"type":"array","items":"int"}}},
                            {"name":"m","type":{"type":"map","values":"string"}})");
  spec_.columns = {{"A", Type::array(Type::array(Kind::integer))},
                   {"M", Type::map(Kind::string, Kind::string)}};
  const auto ints = [](std::vector<int> values) {
    Bytes bytes = values.empty() ? "" : number(static_cast<int64_t>(values.size()));
    for (const int value : values) bytes += number(value);
    return bytes + number(0);
  };
  EXPECT_THAT(rows({framed(id, number(2) + ints({1, 2}) + ints({3}) + number(0) + number(0)),
                    framed(id, number(3) + ints({}) + ints({4, 5, 6}) + ints({7}) + number(0) + number(1) +
                                   text("k") + text("v") + number(0)),
                    framed(id, number(0) + number(0))}),
              ElementsAre("A=[[1, 2], [3]] M={}", "A=[[], [4, 5, 6], [7]] M={k=v}", "A=[] M={}"));
}

TEST_F(AvroSerde, ListsMayComeInBlocksWithAndWithoutTheirSize) {
  const auto id = writes(R"({"name":"a","type":{"type":"array","items":"int"}},{"name":"z","type":"int"})");
  spec_.columns = {{"A", Type::array(Kind::integer)}, {"Z", Kind::integer}};
  const Bytes blocks = framed(id, number(2) + number(1) + number(2) + number(-1) + number(1) + number(3) +
                                      number(1) + number(4) + number(0) + number(9));
  const Bytes plain = framed(id, number(1) + number(8) + number(0) + number(7));
  EXPECT_THAT(rows({blocks, plain, blocks}),
              ElementsAre("A=[1, 2, 3, 4] Z=9", "A=[8] Z=7", "A=[1, 2, 3, 4] Z=9"));
  spec_.wanted = {{.any = false}, {}};
  EXPECT_THAT(rows({blocks, plain}), ElementsAre("Z=9", "Z=7"));
}

TEST_F(AvroSerde, ABadElementLeavesTheOtherListsWhole) {
  const auto id = writes(R"({"name":"a","type":{"type":"array","items":{"type":"record","name":"I","fields":[
                            {"name":"s","type":"string"},{"name":"n","type":["null","int"]}]}}})");
  spec_.columns = {{"A", Type::array(Type::structure({{"S", Kind::string}, {"N", Kind::integer}}))}};
  const Bytes good =
      framed(id, number(2) + text("x") + number(1) + number(5) + text("y") + number(0) + number(0));
  const Bytes bad = framed(id, number(2) + text("x") + number(1) + number(5) + number(50) + "abc");
  EXPECT_THAT(rows({good, bad, good}),
              ElementsAre("A=[{S=x, N=5}, {S=y, N=null}]", HasSubstr("bad: field a[].s"),
                          "A=[{S=x, N=5}, {S=y, N=null}]"));
}

TEST_F(AvroSerde, ACountThatThePayloadCannotHoldIsRefused) {
  const auto id = writes(R"({"name":"a","type":{"type":"array","items":"long"}})");
  const auto empty =
      writes(R"({"name":"a","type":{"type":"array","items":{"type":"fixed","name":"F","size":0}}})");
  spec_.columns = {{"A", Type::array(Kind::bigint)}};
  EXPECT_THAT(
      rows({framed(id, number(1'000'000'000) + number(1)), framed(id, number(INT64_MIN) + number(1))}),
      ElementsAre(HasSubstr("more elements than"), HasSubstr("more elements than")));
  spec_.columns = {{"A", Type::array(Kind::bytes)}};
  EXPECT_THAT(rows({framed(empty, number(1'000'000'000) + number(0)), framed(empty, number(2) + number(0))}),
              ElementsAre(HasSubstr("more elements than"), "A=[, ]"));
}

TEST_F(AvroSerde, AUnionOfSeveralTypesIsAStructWithOneFieldSet) {
  const auto id = writes(R"({"name":"u","type":["null","int","string"]},{"name":"z","type":"int"})");
  spec_.columns = {{"U", Type::structure({{"INT", Kind::integer}, {"STRING", Kind::string}})},
                   {"Z", Kind::integer}};
  EXPECT_THAT(rows({framed(id, number(0) + number(1)), framed(id, number(1) + number(5) + number(2)),
                    framed(id, number(2) + text("x") + number(3))}),
              ElementsAre("U=null Z=1", "U={INT=5, STRING=null} Z=2", "U={INT=null, STRING=x} Z=3"));
}

TEST_F(AvroSerde, OnlyWhatIsWantedIsDecoded) {
  const auto id =
      writes(R"({"name":"s","type":"string"},{"name":"o","type":["null",{"type":"record","name":"O","fields":[
              {"name":"p","type":"string"},{"name":"q","type":"int"}]}]},{"name":"l","type":"long"},
                            {"name":"tail","type":"string"})");
  spec_.columns = {{"S", Kind::string},
                   {"O", Type::structure({{"P", Kind::string}, {"Q", Kind::integer}})},
                   {"L", Kind::bigint},
                   {"TAIL", Kind::string}};
  spec_.wanted = {{.any = false}, {.parts = {{.any = false}, {}}}, {}, {.any = false}};
  // The tail is not even there: nothing looks at it.
  EXPECT_THAT(rows({framed(id, text("s") + number(1) + text("p") + number(4) + number(5)),
                    framed(id, text("s") + number(0) + number(6))}),
              ElementsAre("O={P=null, Q=4} L=5", "O=null L=6"));
}

TEST_F(AvroSerde, AWriterThatDoesNotFitMakesItsRowsBad) {
  const auto id = writes(R"({"name":"l","type":"string"})");
  spec_.columns = {{"L", Kind::bigint}};
  EXPECT_THAT(rows({framed(id, text("x"))}),
              ElementsAre(HasSubstr("field l: an Avro string cannot become BIGINT")));
}

TEST_F(AvroSerde, MicrosecondsBecomeMilliseconds) {
  const auto id = writes(R"({"name":"a","type":{"type":"long","logicalType":"timestamp-micros"}},
                            {"name":"b","type":{"type":"long","logicalType":"time-micros"}})");
  spec_.columns = {{"A", Kind::timestamp}, {"B", Kind::time}};
  EXPECT_THAT(rows({framed(id, number(-1) + number(3'600'000'123))}),
              ElementsAre("A=1969-12-31T23:59:59.999 B=01:00:00.000"));
}

TEST_F(AvroSerde, AKeyOfOneColumnIsNotWrapped) {
  const auto id = registry_.register_schema("t-key", SchemaKind::avro, "\"string\"")->id;
  spec_ = {.columns = {{"K", Kind::string}}, .key = true, .topic = "t"};
  EXPECT_THAT(rows({framed(id, text("customer")), std::nullopt}), ElementsAre("K=customer", "K=null"));
}

TEST_F(AvroSerde, ManyRowsCrossBlocks) {
  const auto id =
      writes(R"({"name":"n","type":["null","long"]},{"name":"a","type":{"type":"array","items":"string"}})");
  spec_.columns = {{"N", Kind::bigint}, {"A", Type::array(Kind::string)}};
  std::vector<std::optional<Bytes>> payloads;
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    Bytes list = i % 4 == 0 ? "" : number(i % 4);
    std::string shown;
    for (int j = 0; j < i % 4; ++j) {
      list += text(std::to_string(i * j));
      shown += (j == 0 ? "" : ", ") + std::to_string(i * j);
    }
    payloads.push_back(framed(id, (i % 3 == 0 ? number(0) : number(1) + number(i)) + list + number(0)));
    expected.push_back("N=" + (i % 3 == 0 ? "null" : std::to_string(i)) + " A=[" + shown + "]");
  }
  EXPECT_EQ(rows(payloads), expected);
}

}  // namespace
}  // namespace tradewind::schema
