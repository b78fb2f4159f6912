// JSON, KAFKA, DELIMITED and NONE.

#include "data/value.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> read(const SerdeSpec& spec, const std::vector<std::optional<BytesView>>& payloads) {
  auto decoder = make_decoder(spec, nullptr);
  if (!decoder.ok()) return {decoder.error().message};
  const auto decoded = (*decoder)->decode(payloads, nullptr);
  std::vector<std::string> lines(payloads.size());
  for (size_t row = 0; row < payloads.size(); ++row) {
    for (size_t i = 0; i < spec.columns.size(); ++i) {
      const ColumnPtr& column = decoded->columns[i];
      if (column == nullptr) continue;
      lines[row] += (i == 0 ? "" : "|") + value_text(spec.columns[i].type, value_at(*column, row));
    }
  }
  for (const BadRow& bad : decoded->bad) lines[bad.row] = "bad: " + bad.reason;
  return lines;
}

std::string written(const SerdeSpec& spec, const std::vector<Value>& row) {
  auto encoder = make_encoder(spec, nullptr);
  if (!encoder.ok()) return encoder.error().message;
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < row.size(); ++i) columns.push_back(constant_column(spec.columns[i].type, row[i], 1));
  Encoded out;
  const auto done = (*encoder)->encode(columns, 1, out);
  return done.ok() ? std::string(out[0]) : done.error().message;
}

SerdeSpec json(std::vector<Field> columns, bool key = false) {
  return {.format = Format::json, .columns = std::move(columns), .key = key};
}

TEST(JsonFormat, FieldsMatchExactlyAndThenIgnoringCase) {
  EXPECT_THAT(read(json({{"A", Kind::integer}, {"B", Kind::string}}),
                   {R"({"a":1,"A":2,"b":"x","unknown":[1]})", R"({"b":null})", "null", std::nullopt}),
              ElementsAre("2|x", "null|null", "null|null", "null|null"));
}

TEST(JsonFormat, NumbersComeFromTextAndTextFromAnything) {
  EXPECT_THAT(
      read(json({{"I", Kind::integer}, {"D", Kind::real}, {"S", Kind::string}}),
           {R"({"I":"12","D":"1.5","S":7})", R"({"I":1.9,"D":2,"S":{"k":[1,true]}})", R"({"S":true})"}),
      ElementsAre("12|1.5|7", R"(1|2.0|{"k":[1,true]})", "null|null|true"));
}

TEST(JsonFormat, DecimalsAreExactOrBad) {
  EXPECT_THAT(read(json({{"M", Type::decimal(20, 4)}}),
                   {R"({"M":1234567890123456.7891})", R"({"M":"-0.5"})", R"({"M":1.5e2})", R"({"M":0.00001})",
                    R"({"M":12345678901234567})"}),
              ElementsAre("1234567890123456.7891", "-0.5000", "150.0000",
                          HasSubstr("bad: field M: 0.00001 is no"), HasSubstr("bad: field M")));
}

TEST(JsonFormat, TimesAreNumbersOrNumericText) {
  EXPECT_THAT(read(json({{"D", Kind::date}, {"T", Kind::time}, {"S", Kind::timestamp}}),
                   {R"({"D":1,"T":1000,"S":"86400000"})"}),
              ElementsAre("1970-01-02|00:00:01.000|1970-01-02T00:00:00.000"));
}

TEST(JsonFormat, TheWrongShapeIsABadRow) {
  EXPECT_THAT(read(json({{"B", Kind::boolean}}), {R"({"B":"true"})", "[1]", "{", R"({"B":true})"}),
              ElementsAre(HasSubstr("bad: field B: \"true\" is no BOOLEAN"),
                          HasSubstr("bad: not a JSON object"), HasSubstr("bad: not JSON"), "true"));
  EXPECT_THAT(read(json({{"I", Kind::integer}}), {R"({"I":3000000000})", R"({"I":"x"})", R"({"I":[1]})"}),
              ElementsAre(HasSubstr("bad"), HasSubstr("bad"), HasSubstr("bad")));
}

TEST(JsonFormat, NestedTypesAreReadAndWritten) {
  const Type item = Type::structure({{"ID", Kind::string}, {"N", Kind::integer}});
  const SerdeSpec spec = json({{"A", Type::array(item)}, {"M", Type::map(Kind::string, Kind::real)}});
  EXPECT_THAT(read(spec, {R"({"a":[{"id":"x","n":1},{"n":2}],"m":{"k":1.5}})"}),
              ElementsAre("[{ID=x, N=1}, {ID=null, N=2}]|{k=1.5}"));
  const std::vector<Value> items = {std::vector<Value>{std::string("x"), int64_t{1}}};
  EXPECT_EQ(written(spec, {items, std::vector<Value>{std::string("k"), 1.5}}),
            R"({"A":[{"ID":"x","N":1}],"M":{"k":1.5}})");
}

TEST(JsonFormat, AllColumnsAreWrittenWithoutSpaces) {
  EXPECT_EQ(written(json({{"S", Kind::string},
                          {"M", Type::decimal(9, 2)},
                          {"D", Kind::real},
                          {"Y", Kind::bytes},
                          {"T", Kind::timestamp},
                          {"N", Kind::integer}}),
                    {std::string("a\"b"), Int128{1250}, 12.0, std::string("\x01\x02"), int64_t{5}, Value()}),
            R"({"S":"a\"b","M":12.50,"D":12.0,"Y":"AQI=","T":5,"N":null})");
}

TEST(JsonFormat, AKeyOfOneColumnIsNotWrapped) {
  EXPECT_THAT(read(json({{"K", Kind::string}}, true), {"\"x\"", "7"}), ElementsAre("x", "7"));
  EXPECT_EQ(written(json({{"K", Kind::string}}, true), {std::string("x")}), "\"x\"");
  EXPECT_EQ(written(json({{"K", Kind::string}, {"L", Kind::bigint}}, true), {std::string("x"), int64_t{1}}),
            R"({"K":"x","L":1})");
}

TEST(JsonFormat, UnwantedColumnsAreNotRead) {
  SerdeSpec spec = json({{"A", Kind::integer}, {"B", Kind::integer}});
  spec.wanted = {{.any = false}, {}};
  EXPECT_THAT(read(spec, {R"({"A":"not a number","B":2})"}), ElementsAre("|2"));
}

SerdeSpec kafka(Type type) {
  return {.format = Format::kafka, .columns = {{"K", std::move(type)}}, .key = true};
}

TEST(KafkaFormat, NumbersAreBigEndianAndTextIsItself) {
  EXPECT_EQ(to_hex(written(kafka(Kind::integer), {int64_t{-2}})), "ff ff ff fe");
  EXPECT_EQ(to_hex(written(kafka(Kind::bigint), {int64_t{258}})), "00 00 00 00 00 00 01 02");
  EXPECT_EQ(to_hex(written(kafka(Kind::real), {1.0})), "3f f0 00 00 00 00 00 00");
  EXPECT_EQ(written(kafka(Kind::string), {std::string("key")}), "key");
  EXPECT_THAT(read(kafka(Kind::integer), {BytesView("\xff\xff\xff\xfe", 4), "xy", std::nullopt}),
              ElementsAre("-2", "bad: 2 bytes are no INTEGER", "null"));
  EXPECT_THAT(read(kafka(Kind::real), {BytesView("\x3f\xf0\0\0\0\0\0\0", 8)}), ElementsAre("1.0"));
  EXPECT_THAT(read(kafka(Kind::string), {"key", ""}), ElementsAre("key", ""));
}

TEST(KafkaFormat, RefusesWhatItCannotHold) {
  EXPECT_THAT(written(kafka(Kind::boolean), {int64_t{1}}), HasSubstr("KAFKA cannot hold K BOOLEAN"));
  EXPECT_THAT(read({.format = Format::kafka, .columns = {{"A", Kind::string}, {"B", Kind::string}}}, {}),
              ElementsAre("KAFKA holds one column, not 2"));
}

TEST(DelimitedFormat, IsOneCsvLine) {
  const SerdeSpec spec{
      .format = Format::delimited,
      .columns = {
          {"S", Kind::string}, {"I", Kind::bigint}, {"M", Type::decimal(9, 2)}, {"B", Kind::boolean}}};
  EXPECT_THAT(read(spec, {"a,1,2.50,true", "\"x,\"\"y\"\"\",,,false\r\n", ",,,", "\"\",1,2,TRUE", "a,1",
                          "a,x,1,true", "\"a,1,2,true"}),
              ElementsAre("a|1|2.50|true", "x,\"y\"|null|null|false", "null|null|null|null", "|1|2.00|true",
                          "bad: 2 fields for 4 columns", "bad: field I: 'x' is no BIGINT",
                          HasSubstr("bad: a quote that does not end")));
  EXPECT_EQ(written(spec, {std::string("x,\"y\""), int64_t{1}, Int128{250}, int64_t{1}}),
            R"("x,""y""",1,2.50,true)");
  EXPECT_EQ(written(spec, {Value(), Value(), Value(), Value()}), ",,,");
}

TEST(DelimitedFormat, TakesAnotherDelimiterAndNoNestedTypes) {
  const SerdeSpec spec{.format = Format::delimited,
                       .columns = {{"A", Kind::string}, {"B", Kind::timestamp}},
                       .detail = {.delimiter = '|'}};
  EXPECT_EQ(written(spec, {std::string("a"), int64_t{5}}), "a|5");
  EXPECT_THAT(
      written({.format = Format::delimited, .columns = {{"A", Type::array(Kind::string)}}}, {Value()}),
      HasSubstr("DELIMITED cannot hold A ARRAY<STRING>"));
}

TEST(NoneFormat, HoldsNothing) {
  EXPECT_THAT(read({.format = Format::none}, {"x"}), ElementsAre(""));
  EXPECT_THAT(written({.format = Format::none, .columns = {{"A", Kind::string}}}, {Value()}),
              HasSubstr("NONE holds"));
}

TEST(Formats, HaveNames) {
  EXPECT_EQ(*format_from("avro"), Format::avro);
  EXPECT_STREQ(name_of(Format::delimited), "DELIMITED");
  EXPECT_THAT(format_from("XML").error().message, HasSubstr("unknown format 'XML'"));
}

}  // namespace
}  // namespace tradewind::schema
