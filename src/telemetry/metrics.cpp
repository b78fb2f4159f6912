#include "telemetry/metrics.h"

#include <algorithm>

#include "base/check.h"

namespace tradewind::telemetry {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos &&
         (text[0] < '0' || text[0] > '9');
}

}  // namespace

size_t Metric::label_count() const {
  size_t count = 0;
  while (count < labels.size() && labels[count] != nullptr) ++count;
  return count;
}

void check_metric(const Metric& metric) {
  const std::string_view name = metric.name;
  CHECK(is_name(name) && (name.starts_with("tw_") || name.starts_with("process_")));
  CHECK(name.ends_with("_total") == (metric.kind == Kind::counter));
  for (size_t i = 0; i < metric.label_count(); ++i) {
    const std::string_view label = metric.labels[i];
    CHECK(is_name(label) && label != "le" && !label.starts_with("__"));
  }
  if (metric.kind == Kind::histogram) CHECK(std::is_sorted(metric.bounds->begin(), metric.bounds->end()));
}

void Histogram::observe(double value) {
  size_t bucket = 0;  // sixteen bounds: walking them is cheaper than halving
  while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Figures Histogram::figures() const {
  Figures figures;
  for (size_t i = 0; i < counts_.size(); ++i) {
    figures.counts[i] = counts_[i].load(std::memory_order_relaxed);
    figures.count += figures.counts[i];
  }
  figures.sum = sum_.load(std::memory_order_relaxed);
  return figures;
}

Series& Registry::find(const Metric& metric, std::span<const std::string_view> labels) {
  CHECK(labels.size() == metric.label_count());
  const std::lock_guard lock(mutex_);
  std::vector<Series*>& known = by_metric_[&metric];
  for (Series* one : known) {
    if (std::equal(labels.begin(), labels.end(), one->labels.begin(), one->labels.end())) return *one;
  }
  check_metric(metric);
  for (const Series& other : series_)
    CHECK(other.metric == &metric || std::string_view(other.metric->name) != metric.name);
  Series made{.metric = &metric, .labels = {labels.begin(), labels.end()}};
  switch (metric.kind) {
    case Kind::counter: made.counter = std::make_unique<Counter>(); break;
    case Kind::gauge: made.gauge = std::make_unique<Gauge>(); break;
    case Kind::histogram: made.histogram = std::make_unique<Histogram>(*metric.bounds); break;
  }
  series_.push_back(std::move(made));
  known.push_back(&series_.back());
  return series_.back();
}

Counter& Registry::counter(const Metric& metric, std::span<const std::string_view> labels) {
  CHECK(metric.kind == Kind::counter);
  return *find(metric, labels).counter;
}
Gauge& Registry::gauge(const Metric& metric, std::span<const std::string_view> labels) {
  CHECK(metric.kind == Kind::gauge);
  return *find(metric, labels).gauge;
}
Histogram& Registry::histogram(const Metric& metric, std::span<const std::string_view> labels) {
  CHECK(metric.kind == Kind::histogram);
  return *find(metric, labels).histogram;
}

std::vector<const Series*> Registry::series() const {
  const std::lock_guard lock(mutex_);
  std::vector<const Series*> all;
  for (const Series& one : series_) all.push_back(&one);
  return all;
}

}  // namespace tradewind::telemetry
