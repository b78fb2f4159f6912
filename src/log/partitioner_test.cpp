#include "log/partitioner.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace tradewind::log {
namespace {

TEST(Partitioner, HashesLikeTheJavaClient) {
  EXPECT_EQ(murmur2("21"), -973932308);
  EXPECT_EQ(murmur2("foobar"), -790332482);
  EXPECT_EQ(murmur2("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(murmur2("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(murmur2("abc"), 479470107);
}

TEST(Partitioner, DropsTheSignBitBeforeItDivides) {
  EXPECT_EQ(partition_of("21", 1000), (-973932308 & 0x7fffffff) % 1000);
  EXPECT_EQ(partition_of("abc", 32), 479470107 % 32);
  EXPECT_EQ(partition_of("anything", 1), 0);
}

}  // namespace
}  // namespace tradewind::log
