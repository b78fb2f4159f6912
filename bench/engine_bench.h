#pragma once
// An engine over an embedded log in a folder of its own, for benchmarks.
//
// Threads: as the engine's.

#include <memory>
#include <string>

#include "base/time.h"
#include "engine/engine.h"
#include "log/open.h"
#include "schema/local_registry.h"
#include "workload.h"

namespace tradewind::bench {

class EngineUnderTest {
 public:
  explicit EngineUnderTest(int workers = 1);
  ~EngineUnderTest();  // the folder goes with it

  Result<> open();
  void close();
  // Carries statements out; they read their topics from the beginning.
  Result<> run(const std::string& statements);
  // The rows of a SELECT.
  Result<size_t> rows(const std::string& select);
  // The topic of the page views of the workload, and its next so many events.
  Result<> make_input();
  Result<> append(Workload& workload, int64_t views);

  engine::Engine& engine() { return *engine_; }
  log::EmbeddedLog& log() { return *log_; }
  Clock& clock() { return clock_; }

 private:
  SystemClock clock_;
  const int workers_;
  std::string directory_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<log::Producer> producer_;
};

double rss_mb();  // now

}  // namespace tradewind::bench
