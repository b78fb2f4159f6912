#include "telemetry/exposition.h"

#include <charconv>
#include <cmath>

#include "base/check.h"

namespace tradewind::telemetry {
namespace {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::gauge: return "gauge";
    case Kind::histogram: return "histogram";
  }
  return "";
}

// The shortest text that reads back as the same number; as people write it where that is not long.
void append_number(std::string& out, double value) {
  char text[64];
  const bool usual = std::abs(value) >= 1e-6 && std::abs(value) < 1e18;
  const auto [end, error] = usual ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                                  : std::to_chars(text, text + sizeof text, value);
  CHECK(error == std::errc());
  const std::string_view made(text, static_cast<size_t>(end - text));
  if (made == "inf" || made == "-inf")
    out += made[0] == '-' ? "-Inf" : "+Inf";
  else
    out += made.ends_with("nan") ? "NaN" : made;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

template <typename Text>
void append_line(std::string& out, const Metric& metric, std::string_view suffix,
                 std::span<const Text> labels, std::string_view bound, double value) {
  out += metric.name;
  out += suffix;
  const char* open = "{";
  for (size_t i = 0; i < labels.size(); ++i) {
    out += open;
    out += metric.labels[i];
    out += "=\"";
    append_escaped(out, labels[i], true);
    out += '"';
    open = ",";
  }
  if (!bound.empty()) {
    out += open;
    out += "le=\"";
    out += bound;
    out += '"';
  }
  if (!labels.empty() || !bound.empty()) out += '}';
  out += ' ';
  append_number(out, value);
  out += '\n';
}

void append_histogram(std::string& out, const Series& series) {
  const std::span<const std::string> labels = series.labels;
  const Histogram::Figures figures = series.histogram->figures();
  int64_t below = 0;
  for (size_t i = 0; i < kMostBounds; ++i) {
    below += figures.counts[i];
    std::string bound;
    append_number(bound, series.histogram->bounds()[i]);
    append_line(out, *series.metric, "_bucket", labels, bound, static_cast<double>(below));
  }
  const auto count = static_cast<double>(figures.count);
  append_line(out, *series.metric, "_bucket", labels, "+Inf", count);
  append_line(out, *series.metric, "_sum", labels, "", figures.sum);
  append_line(out, *series.metric, "_count", labels, "", count);
}

}  // namespace

std::string& Scrape::lines_of(const Metric& metric) {
  for (Family& family : families_) {
    if (family.metric == &metric) return family.lines;
    CHECK(std::string_view(family.metric->name) != metric.name);
  }
  check_metric(metric);
  families_.push_back({&metric, {}});
  return families_.back().lines;
}

void Scrape::declare(const Metric& metric) {
  (void)lines_of(metric);
}

void Scrape::add(const Metric& metric, double value, std::span<const std::string_view> labels) {
  CHECK(metric.kind != Kind::histogram);
  CHECK(labels.size() == metric.label_count());
  append_line(lines_of(metric), metric, "", labels, "", value);
}

void Scrape::add(const Registry& registry) {
  for (const Series* series : registry.series()) {
    std::string& lines = lines_of(*series->metric);
    const std::span<const std::string> labels = series->labels;
    switch (series->metric->kind) {
      case Kind::counter:
        append_line(lines, *series->metric, "", labels, "", static_cast<double>(series->counter->value()));
        break;
      case Kind::gauge: append_line(lines, *series->metric, "", labels, "", series->gauge->value()); break;
      case Kind::histogram: append_histogram(lines, *series); break;
    }
  }
}

std::string Scrape::text() const {
  std::string out;
  for (const Family& family : families_) {
    out += std::string("# HELP ") + family.metric->name + " ";
    append_escaped(out, family.metric->sentence, false);
    out += std::string("\n# TYPE ") + family.metric->name + " " + name_of(family.metric->kind) + "\n";
    out += family.lines;
  }
  return out;
}

std::string metrics_reference(std::span<const Metric* const> metrics) {
  std::string page =
      "# Metrics\n\n"
      "`GET /metrics` answers them in Prometheus' text format. Made from the declarations in the code (each "
      "room's `metrics.h`)\nby `tools/reference-settings`; a test fails when it is stale. Counters begin at "
      "0 "
      "with the process. Histograms have the\nbuckets 0.1 ms to 10 s.\n\n"
      "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const Metric* metric : metrics) {
    check_metric(*metric);
    std::string labels;
    for (size_t i = 0; i < metric->label_count(); ++i) {
      labels += std::string(i == 0 ? "`" : ", `") + metric->labels[i] + "`";
    }
    page += std::string("| `") + metric->name + "` | " + name_of(metric->kind) + " | " + labels + " | ";
    for (const char c : std::string_view(metric->sentence)) page += c == '<' ? "\\<" : std::string(1, c);
    page += " |\n";
  }
  return page;
}

}  // namespace tradewind::telemetry
