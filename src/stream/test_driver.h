#pragma once
// TestDriver: topologies run here and now: no threads, a clock that only moves when told, text in and out.
//
// The log is handed in, so that it may be one that fails; who gives a log that was used before goes on where
// its last driver stopped. Threads: one.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/runtime.h"
#include "stream/topic_text.h"

namespace tradewind::stream {

class TestDriver {
 public:
  // `options.own_threads` is ignored: there are none.
  TestDriver(log::Log& log, schema::Registry& registry, RuntimeOptions options = {});

  // Before start() or after it.
  Result<> add(Topology topology);
  Result<> start();
  // Appends lines of cells as records of a source's topic.
  Result<> feed(const SourceSpec& source, const std::vector<std::string>& lines);
  // Steps until nothing is left to read or to commit.
  Result<> settle();
  // What lies in the topic of a sink now, as cells.
  Result<Cells> rows(const Topology& topology);

  ManualClock& clock() { return clock_; }
  Runtime& runtime() { return *runtime_; }

 private:
  log::Log& log_;
  schema::Registry& registry_;
  ManualClock clock_;
  std::unique_ptr<Runtime> runtime_;
};

// How what a topology writes is read.
SourceSpec written_by(const Topology& topology);

}  // namespace tradewind::stream
