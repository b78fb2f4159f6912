// The harness itself: it cuts the power for true, and tells what it finds.
#include "player.h"

#include "answer.h"
#include "gtest/gtest.h"

namespace tradewind::sqltest {
namespace {

Script counting(const std::string& wanted) {
  Script script{.path = "counting.test", .title = "A table counts."};
  script.steps.push_back(
      {.kind = Step::Kind::run,
       .line = 3,
       .lines = {
           "CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='s', partitions=1, value_format='JSON');",
           "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;"}});
  script.steps.push_back({.kind = Step::Kind::feed,
                          .line = 7,
                          .subject = "s",
                          .lines = {"00:00:01  a  1", "00:00:02  b  1", "00:00:03  a  1"}});
  script.steps.push_back(
      {.kind = Step::Kind::expect_rows, .line = 12, .subject = "SELECT * FROM t", .lines = {"a  2", wanted}});
  return script;
}

TEST(Player, CutsThePowerWhileAFeedIsWorkedOff) {
  const Script script = counting("b  1");
  int cuts = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Player player(script, Mode::killed, seed);
    EXPECT_EQ(player.play(), "");
    cuts += player.power_cuts();
  }
  EXPECT_GE(cuts, 10);
}

TEST(Player, TellsFileLineModeSeedAndBothSides) {
  const Script script = counting("b  7");
  const std::string trouble = Player(script, Mode::by_row, 5).play();
  EXPECT_THAT(trouble, testing::StartsWith("counting.test:12 (by_row, seed 5): "));
  EXPECT_THAT(trouble, testing::HasSubstr("wanted, not there:\nb  7\nthere, not wanted:\nb  1\n"));
}

TEST(Answer, ComparesByType) {
  const std::vector<Field> columns = {{"R", Kind::real}, {"M", Type::decimal(4, 2)}};
  EXPECT_EQ(compare_rows(columns, {{"0.30000000000000004", "1.10"}}, {"0.3  1.10"}), "");
  EXPECT_NE(compare_rows(columns, {{"0.3001", "1.10"}}, {"0.3  1.10"}), "");
  EXPECT_NE(compare_rows(columns, {{"0.3", "1.10"}}, {"0.3  1.1"}), "");
  EXPECT_NE(compare_rows(columns, {{"0.3", "1.10"}, {"0.3", "1.10"}}, {"0.3  1.10"}), "");
}

}  // namespace
}  // namespace tradewind::sqltest
