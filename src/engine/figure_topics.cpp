#include "engine/figure_topics.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/options.h"

namespace tradewind::engine {
namespace {

constexpr const char* kOwnTopics = "tw.";

// What a query says of itself but for how old its oldest unread record is: that moves on by itself.
bool same(const stream::QueryStatus& a, const stream::QueryStatus& b) {
  return a.running == b.running && a.paused == b.paused && a.rows_in == b.rows_in &&
         a.rows_out == b.rows_out && a.late_rows == b.late_rows && a.bad_rows == b.bad_rows &&
         a.lag == b.lag && a.state_bytes == b.state_bytes;
}

// A record's value: figures by name.
class Figures {
 public:
  Figures() { json_.begin_object(); }
  Figures& number(const char* name, int64_t value) {
    json_.key(name);
    json_.number(value);
    return *this;
  }
  Figures& seconds(const char* name, double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.3f", value);
    json_.key(name);
    json_.raw(text);
    return *this;
  }
  Figures& word(const char* name, const char* value) {
    json_.key(name);
    json_.string(value);
    return *this;
  }
  std::string text() {
    json_.end_object();
    return std::move(text_);
  }

 private:
  std::string text_;
  JsonWriter json_{text_};
};

const char* state_of(const stream::QueryStatus& query) {
  if (!query.running) return "ERROR";
  return query.paused ? "PAUSED" : "RUNNING";
}

}  // namespace

// The records of one round, as texts that stay where they are while they are written.
struct FigureTopics::Records {
  std::vector<std::pair<std::string, std::string>> topics, queries;  // key, value

  static std::vector<log::RecordView> views(const std::vector<std::pair<std::string, std::string>>& texts,
                                            Timestamp time) {
    std::vector<log::RecordView> views;
    for (const auto& [key, value] : texts) views.push_back({.key = key, .value = value, .time = time});
    return views;
  }
};

void FigureOptions::fields(Options& options) {
  options.duration(
      "figures.every", every, {Duration(0), Duration(3'600'000)},
      "How often the topics tw.metrics.topics and tw.metrics.queries get a record of each topic and "
      "query that has changed; 0: never.");
  options.duration("figures.retention", retention, {Duration(60'000), Duration(31LL * 86'400'000)},
                   "How long these records are kept; counts where the topics are made anew.");
}

std::vector<log::TopicSpec> figure_topics(const FigureOptions& options) {
  std::vector<log::TopicSpec> topics;
  for (const char* name : {kTopicFigures, kQueryFigures})
    topics.push_back({.name = name, .partitions = 1, .retention = options.retention});
  return topics;
}

FigureTopics::FigureTopics(log::WatchedLog& log, const Engine& engine, Clock& clock, FigureOptions options)
    : log_(log), engine_(engine), clock_(clock), options_(options) {
  told_.at_ns = clock_.monotonic_ns();
}

FigureTopics::~FigureTopics() {
  stop();
}

Result<> FigureTopics::make_topics() {
  for (const log::TopicSpec& spec : figure_topics(options_)) TRY(log_.create_topic(spec));
  return {};
}

Result<> FigureTopics::start() {
  TRY(make_topics());
  if (options_.every.count() == 0) return {};
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      // What ails the log others tell; the next round has it all.
      (void)round().ok();
      stopped_.wait_for(lock, stop, options_.every, [] { return false; });
    }
    (void)round().ok();
  });
  return {};
}

void FigureTopics::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

std::set<std::string> FigureTopics::of_figures() const {
  std::set<std::string> found{kTopicFigures, kQueryFigures};
  const auto topologies = engine_.topologies();
  for (size_t before = 0; before != found.size();) {
    before = found.size();
    for (const auto& topology : topologies) {
      bool reads = false;
      for (size_t i = 0; i < topology->input_count(); ++i)
        reads = reads || found.contains(topology->input(i).topic);
      if (!reads) continue;
      found.insert(topology->name);
      if (topology->sink) found.insert(topology->sink->topic);
    }
  }
  return found;
}

void FigureTopics::add_topics(const std::set<std::string>& left_out, Told& now, Records& records) const {
  const auto span_ms = (now.at_ns - told_.at_ns) / 1'000'000;
  for (log::TopicFigures& topic : log_.topic_figures()) {
    if (topic.name.starts_with(kOwnTopics) || left_out.contains(topic.name)) continue;
    const auto known = told_.topics.find(topic.name);
    const bool anew = known == told_.topics.end() || known->second.records > topic.records;  // made again
    const int64_t more = topic.records - (anew ? 0 : known->second.records);
    const int64_t bytes = topic.bytes - (anew ? 0 : known->second.bytes);
    if (more > 0) now.moved.insert(topic.name);
    // A topic that has come to rest says so once.
    if (more > 0 || told_.moved.contains(topic.name)) {
      Figures figures;
      figures.number("RECORDS", more)
          .number("PAYLOAD_BYTES", bytes)
          .number("SPAN_MS", span_ms)
          .number("TOTAL_RECORDS", topic.ends)
          .number("HELD_BYTES", topic.held_bytes);
      records.topics.emplace_back(topic.name, figures.text());
    }
    const std::string name = topic.name;
    now.topics.emplace(name, std::move(topic));
  }
}

void FigureTopics::add_queries(const std::set<std::string>& left_out, Told& now, Records& records) const {
  const auto span_ms = (now.at_ns - told_.at_ns) / 1'000'000;
  for (stream::QueryStatus& query : engine_.status()) {
    if (left_out.contains(query.name)) continue;
    const auto known = told_.queries.find(query.name);
    const bool anew = known == told_.queries.end() || known->second.rows_in > query.rows_in;
    const stream::QueryStatus none;
    const stream::QueryStatus& before = anew ? none : known->second;
    const std::string name = query.name;
    if (anew || query.lag > 0 || !same(before, query)) {
      Figures figures;
      figures.word("STATE", state_of(query))
          .number("LAG_RECORDS", query.lag)
          .seconds("LAG_SECONDS", query.lag_seconds)
          .number("ROWS_IN", query.rows_in - before.rows_in)
          .number("ROWS_OUT", query.rows_out - before.rows_out)
          .number("LATE_ROWS", query.late_rows - before.late_rows)
          .number("BAD_ROWS", query.bad_rows - before.bad_rows)
          .number("STATE_BYTES", query.state_bytes)
          .number("SPAN_MS", span_ms);
      records.queries.emplace_back(name, figures.text());
    }
    now.queries.emplace(name, std::move(query));
  }
}

Result<> FigureTopics::round() {
  Told now;
  now.at_ns = clock_.monotonic_ns();
  Records records;
  const std::set<std::string> left_out = of_figures();
  add_topics(left_out, now, records);
  add_queries(left_out, now, records);
  const Timestamp time = clock_.now();
  const auto of_topics = Records::views(records.topics, time);
  const auto of_queries = Records::views(records.queries, time);
  std::vector<log::Appending> parts;
  if (!of_topics.empty()) parts.push_back({{kTopicFigures, 0}, of_topics});
  if (!of_queries.empty()) parts.push_back({{kQueryFigures, 0}, of_queries});
  if (!parts.empty()) {
    const auto producer = TRY(log_.producer({}));
    TRY(producer->append_all(parts));
  }
  told_ = std::move(now);
  return {};
}

}  // namespace tradewind::engine
