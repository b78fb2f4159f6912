#include "base/coding.h"
#include "data/decimal.h"
#include "data/value.h"
#include "schema/avro.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

using testing::HasSubstr;

ColumnPtr column_of(const Type& type, const std::vector<Value>& values) {
  ColumnBuilder builder(type);
  for (const Value& value : values) builder.append(value);
  return builder.finish();
}

class AvroEncode : public testing::Test {
 protected:
  // Encodes the columns, decodes the bytes again and compares every value.
  void round_trip(const std::vector<Field>& columns, const std::vector<std::vector<Value>>& values) {
    const SerdeSpec spec{.columns = columns, .topic = "t"};
    auto encoder = make_encoder(spec, &registry_);
    ASSERT_TRUE(encoder.ok()) << encoder.error().message;
    std::vector<ColumnPtr> built;
    for (size_t i = 0; i < columns.size(); ++i) built.push_back(column_of(columns[i].type, values[i]));
    Encoded encoded;
    const auto done = (*encoder)->encode(built, values[0].size(), encoded);
    ASSERT_TRUE(done.ok()) << done.error().message;
    std::vector<std::optional<BytesView>> payloads;
    for (size_t i = 0; i < encoded.size(); ++i) payloads.emplace_back(encoded[i]);
    auto decoder = make_decoder(spec, &registry_);
    auto decoded = (*decoder)->decode(payloads, nullptr);
    ASSERT_TRUE(decoded.ok());
    for (const BadRow& bad : decoded->bad) ADD_FAILURE() << bad.reason;
    for (size_t i = 0; i < columns.size(); ++i) {
      for (size_t row = 0; row < values[i].size(); ++row) {
        EXPECT_EQ(value_text(columns[i].type, value_at(*decoded->columns[i], row)),
                  value_text(columns[i].type, values[i][row]))
            << columns[i].name << " " << row;
      }
    }
  }

  std::string problem(const std::string& field, const Type& type, const Value& value) {
    const std::string text = R"({"type":"record","name":"R","fields":[)" + field + "]}";
    (void)*registry_.register_schema("u-value", SchemaKind::avro, text);
    auto encoder = make_encoder({.columns = {{"A", type}}, .topic = "u"}, &registry_);
    if (!encoder.ok()) return encoder.error().message;
    Encoded out;
    const auto done = (*encoder)->encode({column_of(type, {value})}, 1, out);
    EXPECT_TRUE(done.ok() || (out.bytes.empty() && out.ends.empty()));
    return done.ok() ? to_hex(out[0].substr(5)) : done.error().message;
  }

  FakeRegistry registry_;
};

TEST_F(AvroEncode, EveryTypeComesBack) {
  const Type item = Type::structure({{"ID", Kind::string}, {"N", Kind::integer}});
  const std::vector<Value> items = {std::vector<Value>{std::string("a"), int64_t{1}}, Value(),
                                    std::vector<Value>{Value(), int64_t{-2}}};
  round_trip({{"B", Kind::boolean},
              {"I", Kind::integer},
              {"L", Kind::bigint},
              {"D", Kind::real},
              {"S", Kind::string},
              {"Y", Kind::bytes},
              {"M", Type::decimal(18, 4)},
              {"W", Type::decimal(38, 2)},
              {"DAY", Kind::date},
              {"TOD", Kind::time},
              {"AT", Kind::timestamp},
              {"ITEMS", Type::array(item)},
              {"BY", Type::map(Kind::string, Type::array(Kind::bigint))},
              {"ONE", item}},
             {{int64_t{1}, Value()},
              {int64_t{INT32_MIN}, Value()},
              {int64_t{INT64_MIN}, Value()},
              {-0.5, Value()},
              {std::string("text of more than sixteen bytes"), Value()},
              {std::string("\0\xff", 2), Value()},
              {Int128{-1234567}, Value()},
              {power_of_ten(38) - 1, Value()},
              {int64_t{19000}, Value()},
              {int64_t{86'399'999}, Value()},
              {int64_t{1'700'000'000'123}, Value()},
              {items, Value()},
              {std::vector<Value>{std::string("k"), std::vector<Value>{int64_t{7}}}, Value()},
              {std::vector<Value>{std::string("z"), int64_t{0}}, Value()}});
}

TEST_F(AvroEncode, SmallDecimalsAreShortest) {
  std::vector<Value> values;
  for (int64_t value : {0L, 1L, -1L, 127L, 128L, -128L, -129L, 32767L, 32768L, 999'999'999'999'999'999L}) {
    values.emplace_back(Int128{value});
  }
  round_trip({{"M", Type::decimal(18, 4)}}, {values});
  const std::string field =
      R"({"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}})";
  EXPECT_EQ(problem(field, Type::decimal(18, 4), Int128{128}), "04 00 80");
  EXPECT_EQ(problem(field, Type::decimal(18, 4), Int128{-128}), "02 80");
}

TEST_F(AvroEncode, TheSubjectsLatestSchemaIsUsedWhenItCanHoldTheColumns) {
  EXPECT_EQ(problem(R"({"name":"a","type":"long"},{"name":"z","type":"string","default":"zz"})", Kind::bigint,
                    int64_t{1}),
            "02 04 7a 7a");
  EXPECT_EQ(registry_.versions("u-value")->size(), 1U);
}

TEST_F(AvroEncode, AnotherSchemaIsRegisteredWhenItCannot) {
  EXPECT_EQ(problem(R"({"name":"a","type":"int"},{"name":"z","type":"string"})", Kind::bigint, int64_t{1}),
            "02 02");
  EXPECT_EQ(registry_.versions("u-value")->size(), 2U);
}

TEST_F(AvroEncode, AValueThatDoesNotFitIsTold) {
  EXPECT_EQ(problem(R"({"name":"a","type":"long"})", Kind::bigint, Value()),
            "row 0: column a is null and its field has neither a null branch nor a default");
  EXPECT_EQ(problem(R"({"name":"a","type":{"type":"enum","name":"E","symbols":["X"]}})", Kind::string,
                    std::string("Y")),
            "row 0: column a 'Y' is no symbol of E");
  EXPECT_EQ(problem(R"({"name":"a","type":{"type":"enum","name":"E","symbols":["Y","X"],"default":"X"}})",
                    Kind::string, std::string("Q")),
            "02");
  EXPECT_EQ(
      problem(R"({"name":"a","type":{"type":"fixed","name":"F","size":2}})", Kind::bytes, std::string("abc")),
      "row 0: column a has 3 bytes, not 2");
  EXPECT_EQ(problem(R"({"name":"a","type":"long","default":5})", Kind::bigint, Value()), "0a");
}

}  // namespace
}  // namespace tradewind::schema
