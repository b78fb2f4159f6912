#include "telemetry/metrics.h"

#include <thread>

namespace tradewind::telemetry {
namespace {

constexpr Metric kTaken{.name = "tw_test_taken_total",
                        .kind = Kind::counter,
                        .labels = {"route", "status"},
                        .sentence = "Taken."};
constexpr Metric kDepth{.name = "tw_test_depth", .kind = Kind::gauge, .sentence = "Depth."};
constexpr Metric kWait{.name = "tw_test_wait_seconds", .kind = Kind::histogram, .sentence = "Wait."};

using Labels = std::vector<std::string_view>;

TEST(Metrics, TheSameLabelsAreTheSameSeries) {
  Registry registry;
  Counter& one = registry.counter(kTaken, Labels{"/a", "200"});
  one.add();
  registry.counter(kTaken, Labels{"/a", "200"}).add(2);
  registry.counter(kTaken, Labels{"/a", "500"}).add(7);
  EXPECT_EQ(one.value(), 3);
  EXPECT_EQ(registry.series().size(), 2u);
}

TEST(Metrics, AHistogramCountsAValueOnABoundBelowIt) {
  Histogram histogram(kSeconds);
  histogram.observe(0.0001);
  histogram.observe(0.00011);
  histogram.observe(0);
  histogram.observe(10);
  histogram.observe(11);
  histogram.observe_ns(2'500'000);
  const auto figures = histogram.figures();
  EXPECT_EQ(figures.counts[0], 2);
  EXPECT_EQ(figures.counts[1], 1);
  EXPECT_EQ(figures.counts[4], 1);
  EXPECT_EQ(figures.counts[15], 1);
  EXPECT_EQ(figures.counts[16], 1);
  EXPECT_EQ(figures.count, 6);
  EXPECT_DOUBLE_EQ(figures.sum, 0.0001 + 0.00011 + 10 + 11 + 0.0025);
}

TEST(Metrics, ThreadsLoseNothing) {
  Registry registry;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) {
          registry.counter(kTaken, Labels{"/a", "200"}).add();
          registry.histogram(kWait).observe(1);
        }
      });
    }
  }
  EXPECT_EQ(registry.counter(kTaken, Labels{"/a", "200"}).value(), 40'000);
  EXPECT_EQ(registry.histogram(kWait).figures().count, 40'000);
  EXPECT_DOUBLE_EQ(registry.histogram(kWait).figures().sum, 40'000);
}

TEST(MetricsDeathTest, BrokenDeclarationsStopTheProcess) {
  Registry registry;
  EXPECT_DEATH(registry.counter(kTaken), "broken promise");  // labels are missing
  EXPECT_DEATH(registry.gauge(kTaken, Labels{"a", "b"}), "broken promise");
  static constexpr Metric kNoTotal{.name = "tw_test_taken", .kind = Kind::counter, .sentence = "x"};
  EXPECT_DEATH(registry.counter(kNoTotal), "broken promise");
  static constexpr Metric kCapital{.name = "tw_Test", .kind = Kind::gauge, .sentence = "x"};
  EXPECT_DEATH(registry.gauge(kCapital), "broken promise");
  static constexpr Metric kOwnLe{.name = "tw_x", .kind = Kind::gauge, .labels = {"le"}, .sentence = "x"};
  EXPECT_DEATH(registry.gauge(kOwnLe, Labels{"1"}), "broken promise");
  registry.gauge(kDepth);
  static constexpr Metric kTwin{.name = "tw_test_depth", .kind = Kind::gauge, .sentence = "Another."};
  EXPECT_DEATH(registry.gauge(kTwin), "broken promise");
}

}  // namespace
}  // namespace tradewind::telemetry
