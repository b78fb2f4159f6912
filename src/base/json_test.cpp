#include "base/json.h"

namespace tradewind {
namespace {

std::string again(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed.ok() ? parsed->dump() : "error: " + parsed.error().message;
}

TEST(Json, KeepsTheTextOfNumbersAndTheOrderOfMembers) {
  EXPECT_EQ(again(R"( { "z" : 9223372036854775808 , "a" : [1.50, -0, 1e3, true, null, "x"] } )"),
            R"({"z":9223372036854775808,"a":[1.50,-0,1e3,true,null,"x"]})");
  EXPECT_EQ(again("79228162514264337593543950335.12"), "79228162514264337593543950335.12");
}

TEST(Json, ParsesLoneScalars) {
  EXPECT_EQ(again("\"int\""), "\"int\"");
  EXPECT_EQ(again(" null "), "null");
  EXPECT_EQ(again("false"), "false");
  EXPECT_EQ(again("7"), "7");
}

TEST(Json, RefusesWhatIsNotOneValue) {
  for (const char* bad :
       {"",         " ",    "1,2",   "]",          "][",       "[1",  "{\"a\"}", "{\"a\":}", "{a:1}",
        "nul",      "tru",  "01",    "1.",         "-",        "+1",  ".5",      "1e",       "\"a",
        "\"\x01\"", "[1]]", "[1 2]", "{\"a\":1,}", "\"\xff\"", "NaN", "1]"}) {
    EXPECT_FALSE(parse_json(bad).ok()) << bad;
  }
}

TEST(Json, RefusesWhatIsTooDeepOrTooLong) {
  EXPECT_TRUE(parse_json(std::string(50, '[') + std::string(50, ']')).ok());
  EXPECT_FALSE(parse_json(std::string(100, '[') + std::string(100, ']')).ok());
  EXPECT_FALSE(parse_json(std::string(5000, '[')).ok());
  EXPECT_FALSE(parse_json("[1,2,3]", {.bytes = 5}).ok());
}

TEST(Json, SaysNearWhichByteItWentWrong) {
  const auto parsed = parse_json(R"({"a":1,"b":tru})");
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, testing::HasSubstr("near byte"));
}

TEST(Json, FindsTheLastMemberOfAName) {
  const auto parsed = parse_json(R"({"a":1,"a":2,"s":"t"})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->find("a")->integer(), 2);
  EXPECT_EQ(parsed->find("b"), nullptr);
  EXPECT_EQ(parsed->string_at("s"), "t");
  EXPECT_EQ(parsed->string_at("a"), std::nullopt);
}

TEST(Json, ReadsIntegersOnlyWhereTheyFit) {
  EXPECT_EQ(Json::number("9223372036854775807").integer(), INT64_MAX);
  EXPECT_EQ(Json::number("9223372036854775808").integer(), std::nullopt);
  EXPECT_EQ(Json::number("1.0").integer(), std::nullopt);
}

TEST(JsonWriter, EscapesAndMendsText) {
  std::string out;
  append_json_string(out,
                     "a\"\\\n\x01é\xff"
                     "b");
  EXPECT_EQ(out,
            "\"a\\\"\\\\\\n\\u0001é\xef\xbf\xbd"
            "b\"");
  EXPECT_TRUE(parse_json(out).ok());
}

TEST(JsonWriter, PlacesCommasAndColons) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("a");
  writer.begin_array();
  writer.number(1);
  writer.null();
  writer.end_array();
  writer.key("b");
  writer.string("x");
  writer.end_object();
  EXPECT_EQ(out, R"({"a":[1,null],"b":"x"})");
}

}  // namespace
}  // namespace tradewind
