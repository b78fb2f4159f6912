#pragma once
// FigureTopics: the platform's own figures as records that SQL can read: every few seconds one for each topic
// and one for each query of which something has changed.
//
// What the platform keeps for itself (topics tw.*), and queries that read these figures, directly or through
// others, with what they write: of those nothing is told, for each record would bring the next one about.
// A machine where nothing happens gets no records. Threads: start() and stop() by one; round() by the thread
// that start() makes, or by a test instead of it.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "engine/engine.h"
#include "log/open.h"

namespace tradewind {
class Options;
}

namespace tradewind::engine {

inline constexpr const char* kTopicFigures = "tw.metrics.topics";
inline constexpr const char* kQueryFigures = "tw.metrics.queries";

struct FigureOptions {
  Duration every{5'000};                  // 0: never
  Duration retention{6LL * 3600 * 1000};  // of the topics, when they are made

  void fields(Options& options);
};

// As they are made.
std::vector<log::TopicSpec> figure_topics(const FigureOptions& options);

class FigureTopics {
 public:
  // All three outlive it.
  FigureTopics(log::WatchedLog& log, const Engine& engine, Clock& clock, FigureOptions options);
  ~FigureTopics();

  // Makes the topics; then a thread writes a round now and every `every`.
  Result<> start();
  // After a last round.
  void stop();
  // Makes the topics, if they are not there.
  Result<> make_topics();
  // Writes what has changed since the round before; after an error the next one tells it.
  Result<> round();

 private:
  struct Told {
    std::map<std::string, log::TopicFigures> topics;
    std::map<std::string, stream::QueryStatus> queries;
    std::set<std::string> moved;  // topics that took records in the round before
    int64_t at_ns = 0;
  };
  struct Records;

  // Names of topics, and of queries, that come of these figures.
  std::set<std::string> of_figures() const;
  void add_topics(const std::set<std::string>& left_out, Told& now, Records& records) const;
  void add_queries(const std::set<std::string>& left_out, Told& now, Records& records) const;

  log::WatchedLog& log_;
  const Engine& engine_;
  Clock& clock_;
  const FigureOptions options_;
  Told told_;  // by the last round that was written
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace tradewind::engine
