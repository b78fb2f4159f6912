#include "telemetry/exposition.h"

#include <cmath>

namespace tradewind::telemetry {
namespace {

using testing::HasSubstr;
using Labels = std::vector<std::string_view>;

constexpr Metric kRows{
    .name = "tw_test_rows_total", .kind = Kind::counter, .labels = {"query"}, .sentence = "Rows read."};
constexpr Metric kDepth{.name = "tw_test_depth", .kind = Kind::gauge, .sentence = "A \\ and\na line."};
constexpr Metric kWait{
    .name = "tw_test_wait_seconds", .kind = Kind::histogram, .labels = {"route"}, .sentence = "Wait."};

TEST(Exposition, NamesEachMetricOnceHoweverItsLinesCome) {
  Registry registry;
  registry.counter(kRows, Labels{"a"}).add(3);
  registry.gauge(kDepth).set(0.5);
  registry.counter(kRows, Labels{"b"}).add(4);
  Scrape scrape;
  scrape.add(registry);
  EXPECT_EQ(scrape.text(),
            "# HELP tw_test_rows_total Rows read.\n"
            "# TYPE tw_test_rows_total counter\n"
            "tw_test_rows_total{query=\"a\"} 3\n"
            "tw_test_rows_total{query=\"b\"} 4\n"
            "# HELP tw_test_depth A \\\\ and\\na line.\n"
            "# TYPE tw_test_depth gauge\n"
            "tw_test_depth 0.5\n");
}

TEST(Exposition, EscapesBackslashQuoteAndNewlineInLabels) {
  Scrape scrape;
  scrape.add(kRows, 1, Labels{"a\"b\\c\nd{},e=ü"});
  EXPECT_THAT(scrape.text(), HasSubstr("tw_test_rows_total{query=\"a\\\"b\\\\c\\nd{},e=ü\"} 1\n"));
}

TEST(Exposition, ANameWithoutLinesIsStillDeclared) {
  Scrape scrape;
  scrape.declare(kRows);
  EXPECT_EQ(scrape.text(), "# HELP tw_test_rows_total Rows read.\n# TYPE tw_test_rows_total counter\n");
}

TEST(Exposition, BucketsAreCumulativeAndEndWithInfinity) {
  Registry registry;
  Histogram& histogram = registry.histogram(kWait, Labels{"/x"});
  histogram.observe(0.0001);
  histogram.observe(0.5);
  histogram.observe(100);
  Scrape scrape;
  scrape.add(registry);
  const std::string text = scrape.text();
  EXPECT_THAT(text, HasSubstr("tw_test_wait_seconds_bucket{route=\"/x\",le=\"0.0001\"} 1\n"
                              "tw_test_wait_seconds_bucket{route=\"/x\",le=\"0.00025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("tw_test_wait_seconds_bucket{route=\"/x\",le=\"0.5\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tw_test_wait_seconds_bucket{route=\"/x\",le=\"10\"} 2\n"
                              "tw_test_wait_seconds_bucket{route=\"/x\",le=\"+Inf\"} 3\n"
                              "tw_test_wait_seconds_sum{route=\"/x\"} 100.5001\n"
                              "tw_test_wait_seconds_count{route=\"/x\"} 3\n"));
}

TEST(Exposition, NumbersReadBackAsTheSame) {
  for (const double value : {0.0, -1.5, 0.1, 1e-9, 123456789012345678.0, 1e300, 3.0, 1.0 / 3}) {
    Scrape scrape;
    scrape.add(kDepth, value);
    const std::string text = scrape.text();
    EXPECT_EQ(std::stod(text.substr(text.rfind(' ') + 1)), value) << text;
  }
  Scrape scrape;
  scrape.add(kRows, INFINITY, Labels{"a"});
  scrape.add(kRows, -INFINITY, Labels{"b"});
  scrape.add(kRows, NAN, Labels{"c"});
  EXPECT_THAT(scrape.text(), HasSubstr("{query=\"a\"} +Inf\ntw_test_rows_total{query=\"b\"} -Inf\n"
                                       "tw_test_rows_total{query=\"c\"} NaN\n"));
}

TEST(Exposition, ThePageHasARowForEach) {
  const std::array metrics{&kRows, &kWait};
  EXPECT_THAT(metrics_reference(metrics),
              HasSubstr("| `tw_test_rows_total` | counter | `query` | Rows read. |\n"
                        "| `tw_test_wait_seconds` | histogram | `route` | Wait. |\n"));
}

}  // namespace
}  // namespace tradewind::telemetry
