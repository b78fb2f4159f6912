#include "ingest/seen_ids.h"

#include <unordered_set>

#include "base/random.h"

namespace tradewind::ingest {
namespace {

EventId id(uint64_t number) {
  return {mix64(number, 1), mix64(number, 2)};
}

TEST(SeenIds, KnowsTheLastOnesAndForgetsTheOldest) {
  SeenIds seen(100, 1000);
  for (uint64_t i = 0; i < 300; ++i) EXPECT_TRUE(seen.add(id(i), 0));
  EXPECT_EQ(seen.size(), 100u);
  for (uint64_t i = 0; i < 300; ++i) EXPECT_EQ(seen.contains(id(i)), i >= 200) << i;
  EXPECT_FALSE(seen.add(id(299), 0));
  EXPECT_TRUE(seen.add(id(300), 1001));
  EXPECT_EQ(seen.size(), 1u);
}

TEST(SeenIds, AnIdOfZerosIsAnIdToo) {
  SeenIds seen(10, 1000);
  EXPECT_FALSE(seen.contains(EventId()));
  EXPECT_TRUE(seen.add(EventId(), 0));
  EXPECT_FALSE(seen.add(EventId(), 0));
}

TEST(SeenIds, WhatIsTakenBackWasNeverThere) {
  SeenIds seen(1000, 1000);
  for (uint64_t i = 0; i < 50; ++i) seen.add(id(i), 0);
  seen.take_back(20);
  for (uint64_t i = 0; i < 50; ++i) EXPECT_EQ(seen.contains(id(i)), i < 30) << i;
}

TEST(SeenIds, WhatComesBehindWhatWasTakenBackIsOfItsOwnTime) {
  SeenIds seen(1000, 1000);
  seen.add(id(1), 0);
  seen.add(id(2), 0);
  seen.add(id(3), 1001);  // the first two are forgotten
  EXPECT_EQ(seen.size(), 1u);
  seen.take_back(1);
  EXPECT_EQ(seen.size(), 0u);
  EXPECT_TRUE(seen.add(id(4), 5000));
  EXPECT_TRUE(seen.add(id(5), 5000));
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen.add(id(4), 6000));
  EXPECT_TRUE(seen.add(id(6), 6001));
  EXPECT_EQ(seen.size(), 1u);
}

// Blocks of ids come and go at both ends.
TEST(SeenIds, IsLikeASetAlsoWhereMuchIsTakenBack) {
  Random random(11);
  SeenIds seen(10'000, 500);
  std::deque<std::pair<int64_t, uint64_t>> order;
  std::unordered_set<uint64_t> known;
  uint64_t next = 0;
  for (int64_t now = 0; now < 3'000; ++now) {
    for (uint64_t i = random.below(40); i > 0; --i) {
      ASSERT_TRUE(seen.add(id(next), now));
      order.emplace_back(now, next);
      known.insert(next++);
      while (order.size() > 10'000 || order.front().first < now - 500) {
        known.erase(order.front().second);
        order.pop_front();
      }
    }
    if (random.below(20) == 0) {
      const size_t back = random.below(9'000);
      seen.take_back(back);
      for (size_t i = 0; i < back && !order.empty(); ++i) {
        known.erase(order.back().second);
        order.pop_back();
      }
    }
    ASSERT_EQ(seen.size(), order.size());
    const uint64_t one = random.below(next + 1);
    ASSERT_EQ(seen.contains(id(one)), known.contains(one)) << one;
  }
}

// Ids that meet at the same places, in one shard.
TEST(SeenIds, IsLikeASetAlsoWhereIdsCollide) {
  Random random(7);
  SeenIds seen(200, 1'000'000);
  std::deque<uint64_t> order;
  for (int i = 0; i < 50'000; ++i) {
    const uint64_t low = random.below(400);
    const EventId one{1, low + 1};
    const bool known = std::find(order.begin(), order.end(), low) != order.end();
    ASSERT_EQ(seen.contains(one), known);
    ASSERT_EQ(seen.add(one, i), !known);
    if (!known) order.push_back(low);
    if (order.size() > 200) order.pop_front();
  }
}

// Long runs of full buckets, also over the end of the table, that are thinned out at both ends of the order.
TEST(SeenIds, IsLikeASetAlsoWhereTagsAreTheSame) {
  Random random(5);
  SeenIds seen(300, 1'000'000);
  std::deque<uint64_t> order;
  for (int i = 0; i < 50'000; ++i) {
    const uint64_t number = random.below(500);
    const EventId one{number * 16, 0x7fffffff - number % 3};
    const bool known = std::find(order.begin(), order.end(), number) != order.end();
    ASSERT_EQ(seen.contains(one), known) << i;
    ASSERT_EQ(seen.add(one, 0), !known) << i;
    if (!known) order.push_back(number);
    if (order.size() > 300) order.pop_front();
    if (random.below(50) != 0) continue;
    const size_t back = random.below(30);
    seen.take_back(back);
    order.resize(order.size() - std::min(back, order.size()));
  }
}

}  // namespace
}  // namespace tradewind::ingest
