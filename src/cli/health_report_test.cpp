#include "cli/health_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tradewind::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Shown {
  std::string name = "CTAS_N_1";
  std::string state = "RUNNING";
  int64_t lag = 0;
  int64_t lag_ms = 0;
  int64_t rows_in = 0;
  std::string error;
};

Json health(int64_t now_ms, const std::vector<Shown>& queries, bool ready = true) {
  std::string text = std::string(R"({"ready":)") + (ready ? "true" : "false") + R"(,"reasons":[)" +
                     (ready ? "" : R"("the disk is full")") + R"(],"queries":[)";
  for (const Shown& query : queries) {
    if (text.back() == '}') text += ',';
    text += R"({"name":")" + query.name + R"(","state":")" + query.state + R"(","error":")" + query.error +
            R"(","lag_records":)" + std::to_string(query.lag) + R"(,"lag_ms":)" +
            std::to_string(query.lag_ms) + R"(,"rows_in":)" + std::to_string(query.rows_in) +
            R"(,"late_rows":0,"bad_rows":3,"state_bytes":1572864})";
  }
  text += R"(],"disk":{"journal_bytes":1073741824,"live_bytes":536870912,"free_bytes":5368709120,)"
          R"("total_bytes":107374182400},"memory":{"resident_bytes":104857600,"state_bytes":52428800,)"
          R"("state_limit_bytes":1073741824},"now_ms":)" +
          std::to_string(now_ms) + "}";
  return std::move(parse_json(text)).value();
}

std::string report(Json first, std::optional<Json> second = std::nullopt, bool colours = false) {
  return health_report({.url = "http://here", .first = std::move(first), .second = std::move(second)},
                       colours);
}

TEST(HealthReport, SaysWhatIsWellInAlignedColumns) {
  EXPECT_EQ(report(health(0, {{.name = "A"}, {.name = "CTAS_LONG_2", .lag = 1'234'567, .lag_ms = 999}})),
            "ready     http://here\n"
            "disk      journal 1.0 GB (512 MB in use), 5.0 GB of 100 GB free\n"
            "memory    100 MB, of which tables 50.0 MB of at most 1.0 GB\n"
            "\n"
            "query        state          lag  behind  late  bad   table  trend\n"
            "A            RUNNING          0   0.0 s     0    3  1.5 MB  up to date\n"
            "CTAS_LONG_2  RUNNING  1,234,567   1.0 s     0    3  1.5 MB  up to date\n");
}

TEST(HealthReport, SaysWhoCatchesUpAndInWhatTime) {
  const auto trend = [](int64_t before, int64_t after, int64_t rows) {
    const std::string text = report(health(10'000, {{.lag = before, .lag_ms = 9'000}}),
                                    health(12'000, {{.lag = after, .lag_ms = 9'000, .rows_in = rows}}));
    return text.substr(text.rfind("1.5 MB  ") + 8);
  };
  EXPECT_EQ(trend(3'000, 1'000, 5'000), "catches up, 1 s left\n");
  EXPECT_EQ(trend(1'000'000, 900'000, 5'000), "catches up, 18 s left\n");
  EXPECT_EQ(trend(1'000'000, 999'000, 5'000), "catches up, 33 min left\n");
  EXPECT_EQ(trend(1'000, 3'000, 5'000), "falls behind\n");
  EXPECT_EQ(trend(1'000, 1'000, 5'000), "stays behind\n");
  EXPECT_EQ(trend(1'000, 3'000, 0), "stands still\n");
}

TEST(HealthReport, NamesWhatIsWrongAndTheRemedy) {
  EXPECT_THAT(
      report(health(0, {{.state = "ERROR", .lag = 5, .lag_ms = 70'000, .error = "its state is too large"}},
                    false)),
      AllOf(HasSubstr("not ready http://here\n          the disk is full\n"),
            HasSubstr("stopped   CTAS_N_1: its state is too large\n          mend what it names"),
            HasSubstr("70.0 s"), HasSubstr("  stopped\n")));
  EXPECT_THAT(report(health(0, {})), HasSubstr("queries   none\n"));
}

TEST(HealthReport, IsColouredOnATerminalOnly) {
  const Json bad = health(0, {{.lag = 5, .lag_ms = 70'000}});
  EXPECT_THAT(report(bad), Not(HasSubstr("\x1b")));
  EXPECT_THAT(report(bad, std::nullopt, true),
              AllOf(HasSubstr("\x1b[32mready"), HasSubstr("\x1b[33mCTAS_N_1"), HasSubstr("\x1b[33mdisk")));
}

TEST(HealthReport, ASecondLookIsWorthItOnlyWhereSomebodyRunsAndIsBehind) {
  EXPECT_FALSE(somebody_is_behind(health(0, {{.lag = 5, .lag_ms = 999}})));
  EXPECT_TRUE(somebody_is_behind(health(0, {{.name = "A"}, {.lag = 5, .lag_ms = 1'000}})));
  EXPECT_FALSE(somebody_is_behind(health(0, {{.state = "PAUSED", .lag = 5, .lag_ms = 70'000}})));
}

TEST(HealthReport, ForProgramsEachQueryHasItsTrend) {
  const Json made =
      health_json({.url = "", .first = health(0, {{.state = "PAUSED"}}), .second = std::nullopt});
  EXPECT_EQ(made.find("queries")->elements().at(0).string_at("trend"), "paused");
  EXPECT_TRUE(made.find("ready")->truth());
  EXPECT_NE(made.find("disk"), nullptr);
}

}  // namespace
}  // namespace tradewind::cli
