#include "ingest/quota.h"

namespace tradewind::ingest {
namespace {

TEST(Quota, LetsTheReserveThroughAndThenTheRate) {
  Quota quota(10, 20);
  EXPECT_EQ(quota.wait_ms("a", 0), 0);
  quota.take("a", 20, 0);
  EXPECT_EQ(quota.wait_ms("a", 0), 100);
  EXPECT_EQ(quota.wait_ms("a", 100), 0);
  quota.take("a", 1, 100);
  EXPECT_EQ(quota.wait_ms("a", 150), 50);
}

TEST(Quota, MoreThanThereIsIsADebt) {
  Quota quota(10, 20);
  quota.take("a", 50, 0);
  EXPECT_EQ(quota.wait_ms("a", 0), 3100);
  EXPECT_EQ(quota.wait_ms("a", 3100), 0);
}

TEST(Quota, ClientsDoNotPayForEachOther) {
  Quota quota(10, 20);
  quota.take("a", 100, 0);
  EXPECT_EQ(quota.wait_ms("b", 0), 0);
}

TEST(Quota, WithoutARateThereIsNoLimit) {
  Quota quota(0, 20);
  quota.take("a", 1'000'000, 0);
  EXPECT_EQ(quota.wait_ms("a", 0), 0);
}

TEST(Quota, KnowsABoundedNumberOfClients) {
  Quota quota(10, 20);
  for (size_t i = 0; i < kMostClients; ++i) quota.take("c" + std::to_string(i), 1, 0);
  quota.take("owes", 100, 10'000);  // the others are full again, and forgotten
  EXPECT_GT(quota.wait_ms("owes", 10'000), 0);
}

}  // namespace
}  // namespace tradewind::ingest
