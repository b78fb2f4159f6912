#include "schema/compatibility.h"

namespace tradewind::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

AvroSchemaPtr parsed(const std::string& text) {
  auto schema = AvroSchema::parse(text);
  EXPECT_TRUE(schema.ok()) << (schema.ok() ? "" : schema.error().message);
  return *schema;
}
std::string record(const std::string& fields) {
  return R"({"type":"record","name":"R","fields":[)" + fields + "]}";
}
std::vector<std::string> problems(const std::string& reader, const std::string& writer) {
  return read_problems(*parsed(reader), *parsed(writer));
}

TEST(Compatibility, NumbersWidenAndTextAndBytesMix) {
  for (const auto& [writer, reader] : std::vector<std::pair<std::string, std::string>>{{"int", "long"},
                                                                                       {"int", "float"},
                                                                                       {"int", "double"},
                                                                                       {"long", "float"},
                                                                                       {"long", "double"},
                                                                                       {"float", "double"},
                                                                                       {"string", "bytes"},
                                                                                       {"bytes", "string"}}) {
    EXPECT_THAT(problems('"' + reader + '"', '"' + writer + '"'), IsEmpty()) << writer << reader;
  }
  EXPECT_THAT(problems("\"int\"", "\"long\""), ElementsAre("the schema: long cannot be read as int"));
  EXPECT_THAT(problems("\"boolean\"", "\"int\"").size(), 1U);
}

TEST(Compatibility, FieldsMayComeWithDefaultsAndGo) {
  const std::string a = record(R"({"name":"a","type":"int"})");
  EXPECT_THAT(problems(record(R"({"name":"a","type":"int"},{"name":"b","type":"int","default":1})"), a),
              IsEmpty());
  EXPECT_THAT(problems(a, record(R"({"name":"a","type":"int"},{"name":"b","type":"int"})")), IsEmpty());
  EXPECT_THAT(problems(record(R"({"name":"z","type":"int","aliases":["a"]})"), a), IsEmpty());
  EXPECT_THAT(problems(record(R"({"name":"z","type":"int"})"), a),
              ElementsAre(HasSubstr("R.z: the reader's field")));
}

TEST(Compatibility, PathsLeadIntoNestedTypes) {
  const auto list = [](const std::string& type) {
    return record(R"({"name":"items","type":{"type":"array","items":{"type":"record","name":"I","fields":[
                     {"name":"price","type":")" +
                  type + R"("}]}}})");
  };
  EXPECT_THAT(problems(list("int"), list("string")),
              ElementsAre("R.items[].price: string cannot be read as int"));
}

TEST(Compatibility, UnionsNeedABranchForEverythingWritten) {
  EXPECT_THAT(problems(R"(["null","long"])", "\"int\""), IsEmpty());
  EXPECT_THAT(problems(R"(["null","long"])", R"(["null","int"])"), IsEmpty());
  EXPECT_THAT(problems("\"int\"", R"(["null","int"])"), ElementsAre(HasSubstr("null cannot be read as int")));
  EXPECT_THAT(problems(R"(["null","int"])", "\"string\""), ElementsAre(HasSubstr("no branch")));
}

TEST(Compatibility, EnumsNeedEverySymbolOrADefault) {
  const auto e = [](const std::string& symbols, const std::string& more = "") {
    return R"({"type":"enum","name":"E","symbols":)" + symbols + more + "}";
  };
  EXPECT_THAT(problems(e(R"(["A","B"])"), e(R"(["A"])")), IsEmpty());
  EXPECT_THAT(problems(e(R"(["A"])"), e(R"(["A","B","C"])")), ElementsAre(HasSubstr("lacks B C")));
  EXPECT_THAT(problems(e(R"(["A"])", R"(,"default":"A")"), e(R"(["A","B"])")), IsEmpty());
}

TEST(Compatibility, RecursiveSchemasAreCompared) {
  const std::string list = record(R"({"name":"next","type":["null","R"]},{"name":"v","type":"int"})");
  const std::string wide = record(R"({"name":"next","type":["null","R"]},{"name":"v","type":"long"})");
  EXPECT_THAT(problems(wide, list), IsEmpty());
  EXPECT_FALSE(problems(list, wide).empty());
}

TEST(Compatibility, EachLevelLooksItsWay) {
  const auto v1 = parsed(record(R"({"name":"a","type":"int"})"));
  const auto v2 = parsed(record(R"({"name":"a","type":"int"},{"name":"b","type":"int","default":0})"));
  const auto needs_b = parsed(record(R"({"name":"a","type":"int"},{"name":"b","type":"int"})"));
  const auto lacks_a = parsed(record(R"({"name":"b","type":"int","default":0})"));
  const auto count = [&](Compatibility level, const AvroSchemaPtr& next) {
    return compatibility_problems(level, *next, {{1, v1}, {2, v2}}).size();
  };
  using enum Compatibility;
  EXPECT_EQ(count(none, needs_b), 0U);
  EXPECT_EQ(count(backward, needs_b), 0U);
  EXPECT_EQ(count(backward_transitive, needs_b), 1U);
  EXPECT_EQ(count(forward, needs_b), 0U);
  EXPECT_EQ(count(forward, lacks_a), 1U);
  EXPECT_EQ(count(forward_transitive, lacks_a), 2U);
  EXPECT_EQ(count(full, lacks_a), 1U);
  EXPECT_EQ(count(full_transitive, needs_b), 1U);
  EXPECT_EQ(count(full_transitive, v2), 0U);
}

TEST(Compatibility, LevelsHaveTheirNames) {
  EXPECT_EQ(*compatibility_from("full_transitive"), Compatibility::full_transitive);
  EXPECT_STREQ(name_of(Compatibility::backward_transitive), "BACKWARD_TRANSITIVE");
  EXPECT_FALSE(compatibility_from("SIDEWAYS").ok());
}

}  // namespace
}  // namespace tradewind::schema
