#include "state/packed_map.h"

#include "base/random.h"

namespace tradewind::state {
namespace {

std::map<Bytes, Bytes> all_of(const PackedMap& map, BytesView from = {}) {
  std::map<Bytes, Bytes> all;
  for (auto at = map.at_least(from); at.entry(); at.next()) {
    EXPECT_TRUE(all.empty() || all.rbegin()->first < at.entry()->key);
    all.emplace_hint(all.end(), at.entry()->key, at.entry()->value);
  }
  return all;
}

TEST(PackedMap, IsEmptyAtFirstAndAgainAfterItsLastEntryIsErased) {
  PackedMap map;
  EXPECT_EQ(map.find("a"), std::nullopt);
  EXPECT_FALSE(map.at_least("").entry());
  map.erase("a");
  map.put("", "empty key");
  map.put("a", "");
  EXPECT_EQ(map.find(""), BytesView("empty key"));
  EXPECT_EQ(map.find("a"), BytesView(""));
  EXPECT_EQ(map.size(), 2u);
  map.erase("");
  map.erase("a");
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.bytes(), 0u);
}

TEST(PackedMap, HoldsWhatAMapHoldsWhateverComesInWhateverOrder) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    PackedMap map;
    std::map<Bytes, Bytes> model;
    const uint64_t keys = seed % 4 == 0 ? 30 : 3000;
    const uint64_t most = seed % 3 == 0 ? 9000 : 120;  // larger than a block at times
    for (int round = 0; round < 6000; ++round) {
      const bool shrinks = round % 2000 > 1200;
      const Bytes key = "k" + std::to_string(random.below(keys));
      if (random.below(10) < (shrinks ? 8u : 2u)) {
        map.erase(key);
        model.erase(key);
      } else {
        const Bytes value(random.below(most), static_cast<char>('a' + random.below(26)));
        map.put(key, value);
        model[key] = value;
      }
      ASSERT_EQ(map.size(), model.size());
    }
    ASSERT_EQ(all_of(map), model);
    for (const auto& [key, value] : model) ASSERT_EQ(map.find(key), BytesView(value));
    for (int i = 0; i < 50; ++i) {
      const Bytes from = "k" + std::to_string(random.below(2 * keys));
      ASSERT_EQ(all_of(map, from), (std::map<Bytes, Bytes>(model.lower_bound(from), model.end())));
      ASSERT_EQ(map.find(from).has_value(), model.contains(from));
    }
    for (const auto& [key, value] : model) map.erase(key);
    EXPECT_EQ(map.bytes(), 0u);
  }
}

TEST(PackedMap, TakesLittleMoreThanItsBytesAndGivesThemBack) {
  Random random(7);
  PackedMap map;
  size_t payload = 0;
  std::vector<Bytes> keys;
  for (int i = 0; i < 50'000; ++i) {
    keys.push_back("visitor-" + std::to_string(random.next()));
    map.put(keys.back(), Bytes(100, 'v'));
    payload += keys.back().size() + 100;
  }
  EXPECT_LT(map.bytes(), payload * 5 / 4);
  // Nine of ten leave, in no order: what stays lies close together again.
  for (size_t i = 0; i < keys.size(); ++i)
    if (i % 10 != 0) map.erase(keys[i]);
  EXPECT_LT(map.bytes(), payload / 10 * 3);
}

}  // namespace
}  // namespace tradewind::state
