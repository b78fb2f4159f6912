#pragma once
// Scrape: one answer to a scraper: what a registry holds and what rooms tell when asked, as Prometheus' text.
//
// Threads: one.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/metrics.h"

namespace tradewind::telemetry {

class Scrape {
 public:
  // Names the metric even where it has no line yet, so that its absence can be told from a wrong name.
  void declare(const Metric& metric);
  // A figure that some room keeps itself. REQUIRES a counter or a gauge, and no such line yet.
  void add(const Metric& metric, double value, std::span<const std::string_view> labels = {});
  void add(const Registry& registry);

  // Version 0.0.4 of the text format; every name once, in the order in which they came.
  std::string text() const;

 private:
  struct Family {
    const Metric* metric;
    std::string lines;
  };
  std::string& lines_of(const Metric& metric);

  std::vector<Family> families_;
};

inline constexpr const char* kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

// The reference page of these metrics, in Markdown.
std::string metrics_reference(std::span<const Metric* const> metrics);

}  // namespace tradewind::telemetry
