#include "data/decimal.h"

#include "base/random.h"
#include "data/dictionary.h"
#include "data/double_text.h"
#include "data/row_key.h"

namespace tradewind {
namespace {

TEST(Decimal, PrintsAndReadsBack) {
  EXPECT_EQ(decimal_text(0, 0), "0");
  EXPECT_EQ(decimal_text(5, 3), "0.005");
  EXPECT_EQ(decimal_text(-12345, 2), "-123.45");
  EXPECT_EQ(decimal_text(100, 2), "1.00");
  const auto parsed = parse_decimal("-0.50");
  EXPECT_EQ(parsed->unscaled, -50);
  EXPECT_EQ(parsed->scale, 2);
  EXPECT_FALSE(parse_decimal("1.2.3").has_value());
  EXPECT_FALSE(parse_decimal("").has_value());
}

TEST(Decimal, RoundsHalfAwayFromZero) {
  EXPECT_EQ(*rescale(125, 2, 1), 13);
  EXPECT_EQ(*rescale(-125, 2, 1), -13);
  EXPECT_EQ(*rescale(124, 2, 1), 12);
  EXPECT_EQ(*double_to_decimal(2.675, 10, 2), 268);
}

TEST(Decimal, DividesExactlyOrSaysThatItCannot) {
  EXPECT_EQ(*divide(1, 0, 4, 0, 6, false), 250000);
  EXPECT_FALSE(divide(1, 0, 3, 0, 6, false).has_value());
  EXPECT_EQ(*divide(1, 0, 3, 0, 6, true), 333333);
}

TEST(Decimal, BytesAreTheShortestTwosComplement) {
  for (const int64_t number : {0LL, 1LL, -1LL, 127LL, 128LL, -128LL, -129LL, 123456789LL, -987654321LL}) {
    EXPECT_EQ(*decimal_from_bytes(decimal_bytes(number)), number);
  }
  EXPECT_EQ(decimal_bytes(127).size(), 1U);
  EXPECT_EQ(decimal_bytes(128).size(), 2U);
}

TEST(DoubleText, IsAsJavaPrints) {
  EXPECT_EQ(double_text(12), "12.0");
  EXPECT_EQ(double_text(1e10), "1.0E10");
  EXPECT_EQ(double_text(0.001), "0.001");
  EXPECT_EQ(double_text(0.0001), "1.0E-4");
  EXPECT_EQ(double_text(-1234567.5), "-1234567.5");
}

TEST(RowKey, SortsLikeTheRowsAndReadsBack) {
  const RowKey key({Kind::string, Kind::bigint});
  Random random(7);
  std::vector<std::pair<std::pair<std::string, int64_t>, Bytes>> rows;
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (uint64_t n = random.below(4); n > 0; --n) text += static_cast<char>(random.below(3));
    const int64_t number = random.between(-3, 3);
    Bytes bytes;
    key.encode({Value(text), Value(number)}, bytes);
    const auto back = key.decode(bytes);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ((*back)[0].text(), text);
    EXPECT_EQ((*back)[1].number(), number);
    rows.push_back({{text, number}, bytes});
  }
  for (const auto& a : rows) {
    for (const auto& b : rows) EXPECT_EQ(a.first < b.first, a.second < b.second);
  }
}

TEST(Dictionary, GivesEveryKeyOneIdUntilNobodyHoldsIt) {
  Dictionary dictionary;
  Random random(3);
  std::map<std::string, uint32_t> known;
  for (int i = 0; i < 1'000'000; ++i) {  // as many as make sweeping worth it
    std::string key = "k" + std::to_string(random.below(500'000));
    if (random.chance(0.2)) key += std::string(random.below(30), 'x');
    const uint32_t id = dictionary.intern(key);
    const auto [at, added] = known.emplace(key, id);
    if (added) dictionary.retain(id);
    ASSERT_EQ(at->second, id) << key;
  }
  std::vector<std::string> released;
  for (const auto& [key, id] : known) {
    if (released.size() < known.size() * 3 / 4) {
      dictionary.release(id);
      released.push_back(key);
    }
  }
  dictionary.sweep();
  for (const std::string& key : released) {
    EXPECT_EQ(dictionary.find(key), Dictionary::kNone);
    known.erase(key);
  }
  for (const auto& [key, id] : known) {
    EXPECT_EQ(dictionary.find(key), id);
    EXPECT_EQ(dictionary.key(id), key);
  }
}

}  // namespace
}  // namespace tradewind
