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

}  // namespace
}  // namespace tradewind::ingest
