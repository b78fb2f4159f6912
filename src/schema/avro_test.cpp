#include "schema/avro.h"

namespace tradewind::schema {
namespace {

using testing::HasSubstr;

std::string columns_text(const std::string& schema) {
  const auto parsed = AvroSchema::parse(schema);
  if (!parsed.ok()) return "error: " + parsed.error().message;
  const auto columns = columns_of(**parsed, "ROWVAL");
  if (!columns.ok()) return "error: " + columns.error().message;
  std::string text;
  for (const Field& field : *columns)
    text += (text.empty() ? "" : ", ") + field.name + " " + field.type.text();
  return text;
}

std::string record(const std::string& fields) {
  return R"({"type":"record","name":"R","namespace":"a.b","fields":[)" + fields + "]}";
}

TEST(AvroSchema, ScalarsAndLogicalTypesBecomeColumns) {
  EXPECT_EQ(columns_text(record(R"(
      {"name":"b","type":"boolean"}, {"name":"i","type":"int"}, {"name":"l","type":"long"},
      {"name":"f","type":"float"}, {"name":"d","type":"double"}, {"name":"s","type":"string"},
      {"name":"y","type":"bytes"}, {"name":"x","type":{"type":"fixed","name":"X","size":3}},
      {"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},
      {"name":"m","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
      {"name":"day","type":{"type":"int","logicalType":"date"}},
      {"name":"t","type":{"type":"int","logicalType":"time-millis"}},
      {"name":"u","type":{"type":"long","logicalType":"time-micros"}},
      {"name":"ts","type":{"type":"long","logicalType":"timestamp-micros"}},
      {"name":"id","type":{"type":"string","logicalType":"uuid"}})")),
            "B BOOLEAN, I INTEGER, L BIGINT, F DOUBLE, D DOUBLE, S STRING, Y BYTES, X BYTES, E STRING, "
            "M DECIMAL(18, 4), DAY DATE, T TIME, U TIME, TS TIMESTAMP, ID STRING");
}

TEST(AvroSchema, NestedTypesBecomeNestedColumns) {
  EXPECT_EQ(columns_text(record(R"(
      {"name":"a","type":{"type":"array","items":["null","int"]}},
      {"name":"m","type":{"type":"map","values":"double"}},
      {"name":"o","type":["null",{"type":"record","name":"O","fields":[{"name":"p","type":"string"}]}]},
      {"name":"again","type":"O"}, {"name":"full","type":"a.b.O"},
      {"name":"u","type":["null","int","O"]})")),
            "A ARRAY<INTEGER>, M MAP<STRING, DOUBLE>, O STRUCT<`P` STRING>, AGAIN STRUCT<`P` STRING>, "
            "FULL STRUCT<`P` STRING>, U STRUCT<`INT` INTEGER, `O` STRUCT<`P` STRING>>");
}

TEST(AvroSchema, ALogicalTypeThatDoesNotFitIsIgnored) {
  EXPECT_EQ(columns_text(record(
                R"({"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":2,"scale":3}},
                                   {"name":"b","type":{"type":"string","logicalType":"date"}},
                                   {"name":"c","type":{"type":"int","logicalType":"of-tomorrow"}})")),
            "A BYTES, B STRING, C INTEGER");
}

TEST(AvroSchema, ALoneTypeIsOneColumn) {
  EXPECT_EQ(columns_text("\"long\""), "ROWVAL BIGINT");
  EXPECT_EQ(columns_text("string"), "ROWVAL STRING");
}

TEST(AvroSchema, RecursiveRecordsParseButAreNoColumns) {
  const std::string list = record(R"({"name":"next","type":["null","R"]})");
  EXPECT_TRUE(AvroSchema::parse(list).ok());
  EXPECT_THAT(columns_text(list), HasSubstr("record a.b.R contains itself"));
}

TEST(AvroSchema, ErrorsNameThePlace) {
  EXPECT_THAT(columns_text(record(R"({"name":"a","type":{"type":"array","items":"strin"}})")),
              HasSubstr("R.a[]: no type is named 'strin'"));
  EXPECT_THAT(columns_text(record(R"({"name":"a","type":"int"},{"name":"a","type":"int"})")),
              HasSubstr("R.a: defined twice"));
  EXPECT_THAT(columns_text(record(R"({"name":"a","type":["int","int"]})")), HasSubstr("two branches"));
  EXPECT_THAT(columns_text(record(R"({"name":"a","type":"int"},{"name":"A","type":"int"})")),
              HasSubstr("two fields would be the column A"));
  EXPECT_THAT(columns_text("{"), HasSubstr("not JSON"));
  EXPECT_THAT(columns_text(R"({"type":"enum","name":"E","symbols":["A"],"default":"B"})"),
              HasSubstr("default"));
}

TEST(AvroSchema, DefaultsMustBeOfTheirType) {
  const auto check = [](const std::string& field) {
    const auto parsed = AvroSchema::parse(record(field));
    const auto checked = check_defaults(**parsed);
    return checked.ok() ? std::string() : checked.error().message;
  };
  EXPECT_EQ(check(R"({"name":"a","type":["null","int"],"default":null})"), "");
  EXPECT_EQ(check(R"({"name":"a","type":{"type":"array","items":"int"},"default":[1,2]})"), "");
  EXPECT_THAT(check(R"({"name":"a","type":["null","int"],"default":1})"),
              HasSubstr("R.a: the default 1 is no null"));
  EXPECT_THAT(check(R"({"name":"a","type":"int","default":"1"})"), HasSubstr("is no int"));
}

TEST(AvroSchema, ColumnsBecomeASchemaThatGivesThemBack) {
  const std::vector<Field> columns = {
      {"ID", Kind::string},
      {"PRICE", Type::decimal(18, 4)},
      {"DAY", Kind::date},
      {"AT", Kind::timestamp},
      {"TOD", Kind::time},
      {"TAGS", Type::array(Kind::string)},
      {"BY",
       Type::map(Kind::string, Type::structure({{"A", Kind::integer}, {"B", Type::array(Kind::real)}}))},
      {"IN", Type::structure({{"A", Type::structure({{"C", Kind::bytes}})}})}};
  const auto parsed = AvroSchema::parse(avro_text_of(columns));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ((*parsed)->root().name, "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema");
  EXPECT_EQ(*columns_of(**parsed, ""), columns);
  EXPECT_TRUE(check_defaults(**parsed).ok());
}

}  // namespace
}  // namespace tradewind::schema
