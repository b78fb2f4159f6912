#pragma once
// Metrics: counters, gauges and histograms that cost one atomic addition, and the registry that names them.
//
// A room declares its metrics as constants of type Metric in its metrics.h. Threads: shared freely. What the
// registry hands out lives as long as the registry; ask for it once, not per event.

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind::telemetry {

enum class Kind { counter, gauge, histogram };

inline constexpr size_t kMostLabels = 3;
inline constexpr size_t kMostBounds = 16;

// Upper bounds of a histogram's buckets, rising; what is above the last falls into +Inf.
using Bounds = std::array<double, kMostBounds>;
inline constexpr Bounds kSeconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                 0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

struct Metric {
  const char* name;  // tw_room_thing_unit, or process_thing of Prometheus'; a counter ends in _total
  Kind kind;
  std::array<const char*, kMostLabels> labels{};  // names; null behind the last
  const char* sentence;
  const Bounds* bounds = &kSeconds;  // of a histogram

  size_t label_count() const;
};

class Counter {
 public:
  void add(int64_t more = 1) { value_.fetch_add(more, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(const Bounds& bounds) : bounds_(bounds) {}

  void observe(double value);
  void observe_ns(int64_t ns) { observe(static_cast<double>(ns) / 1e9); }

  const Bounds& bounds() const { return bounds_; }
  struct Figures {
    std::array<int64_t, kMostBounds + 1> counts{};  // per bucket, not cumulative; the last is +Inf
    int64_t count = 0;                              // their sum
    double sum = 0;
  };
  // Taken while others observe: `count` fits `counts`, `sum` may be one observation off.
  Figures figures() const;

 private:
  const Bounds& bounds_;
  std::array<std::atomic<int64_t>, kMostBounds + 1> counts_{};
  std::atomic<double> sum_{0};
};

// One line of a metric: its labels' values and where its value is.
struct Series {
  const Metric* metric;
  std::vector<std::string> labels;
  std::unique_ptr<Counter> counter;  // one of the three
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
};

class Registry {
 public:
  // The same one for the same values. REQUIRES one value per label name and one Metric per name, and values
  // of a bounded set: routes and queries, never ids or what a client wrote.
  Counter& counter(const Metric& metric, std::span<const std::string_view> labels = {});
  Gauge& gauge(const Metric& metric, std::span<const std::string_view> labels = {});
  Histogram& histogram(const Metric& metric, std::span<const std::string_view> labels = {});

  // All there are, in the order in which they came; they stay valid.
  std::vector<const Series*> series() const;

 private:
  Series& find(const Metric& metric, std::span<const std::string_view> labels);

  mutable std::mutex mutex_;
  std::deque<Series> series_;
  std::map<const Metric*, std::vector<Series*>> by_metric_;
};

// REQUIRES a name of Prometheus' letters that says what it is; called for every metric that is shown.
void check_metric(const Metric& metric);

}  // namespace tradewind::telemetry
