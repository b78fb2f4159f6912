#include "data/cell_text.h"

namespace tradewind {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CellText, CutsALineWhereTwoBlanksStand) {
  EXPECT_THAT(cells_of("00:01:00  new books  'two  blanks, # no comment'  null  # a comment"),
              ElementsAre("00:01:00", "new books", "'two  blanks, # no comment'", "null"));
  EXPECT_THAT(cells_of("  # only a comment"), IsEmpty());
}

TEST(CellText, ReadsBackWhatItWrites) {
  const Type structure = Type::structure({{"A", Kind::integer}, {"B", Kind::string}});
  const std::vector<std::pair<Type, Value>> cases = {
      {Kind::boolean, int64_t{1}},
      {Kind::integer, int64_t{-7}},
      {Kind::real, 0.1},
      {Type::decimal(10, 2), Int128{-1250}},
      {Kind::string, std::string("it's  so")},
      {Kind::string, std::string("null")},
      {Kind::string, std::string()},
      {Kind::bytes, std::string("\0\1", 2)},
      {Kind::time, int64_t{36'000'500}},
      {Kind::date, int64_t{-1}},
      {Kind::timestamp, int64_t{1'321'531'200'000}},
      {Kind::string, Value()},
      {Type::array(Kind::string), std::vector<Value>{std::string("a, b"), Value(), std::string("c")}},
      {Type::map(Kind::string, Kind::bigint), std::vector<Value>{std::string("x=y"), int64_t{1}}},
      {Type::array(structure), std::vector<Value>{std::vector<Value>{int64_t{1}, std::string("]")}}},
  };
  for (const auto& [type, value] : cases) {
    const std::string text = cell_text(type, value);
    ASSERT_TRUE(value_of_cell(type, text)) << type.text() << ": " << text;
    EXPECT_EQ(*value_of_cell(type, text), value) << type.text() << ": " << text;
  }
}

TEST(CellText, RefusesWhatTheTypeDoesNotHold) {
  EXPECT_FALSE(value_of_cell(Kind::integer, "2147483648"));
  EXPECT_FALSE(value_of_cell(Type::decimal(4, 2), "123.45"));
  EXPECT_FALSE(value_of_cell(Type::decimal(6, 2), "1.234"));
  EXPECT_FALSE(value_of_cell(Type::array(Kind::integer), "[1, 2"));
  EXPECT_FALSE(value_of_cell(Kind::string, "'no end"));
  EXPECT_FALSE(value_of_cell(Type::structure({{"A", Kind::integer}}), "{B=1}"));
}

TEST(CellText, TakesTimesForBigints) {
  EXPECT_EQ(value_of_cell(Kind::bigint, "00:01:00.5"), Value(int64_t{60'500}));
  EXPECT_EQ(value_of_cell(Kind::bigint, "2011-11-17T12:00:00Z"), Value(int64_t{1'321'531'200'000}));
}

TEST(CellText, AlignsColumns) {
  EXPECT_EQ(table_text({{"a", "1"}, {"long", "2"}}), "a     1\nlong  2\n");
}

}  // namespace
}  // namespace tradewind
