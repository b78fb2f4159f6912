#pragma once
// Driver: an engine run here and now: no threads, a clock that only moves when told, SQL and text in, text
// out. For tests of the dialect and for the test-runner.
//
// The log is handed in and may be one that fails: then the driver is done for, and another one on the same
// log goes on. Threads: one.

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "schema/local_registry.h"
#include "stream/topic_text.h"

namespace tradewind::engine {

class Driver {
 public:
  // REQUIRES `options` as a runtime takes them; own_threads is ignored. Replays what the log holds.
  static Result<std::unique_ptr<Driver>> start(log::Log& log, stream::RuntimeOptions options);

  // Runs statements one after another; SELECTs are not among them. The answer of the last one.
  Result<Json> run(const std::string& text, Session& session);
  // Records for a source (any case), in its formats, to be appended to its topic.
  Result<std::vector<stream::TextRecord>> records_for(const std::string& source,
                                                      const std::vector<std::string>& lines);
  Result<std::string> topic_of(const std::string& source);
  // Steps until nothing is left to read or to commit.
  Result<> settle();

  struct Answer {
    std::vector<Field> columns;
    stream::Cells rows;
  };
  // A SELECT; one that pushes ends when nothing more comes.
  Result<Answer> select(const std::string& text, const Session& session);
  // The rows of a stream's or table's topic (time, keys, [window start], values).
  Result<Answer> rows_of(const std::string& source);

  Engine& engine() { return *engine_; }
  log::Log& log() { return log_; }
  schema::Registry& registry() { return *registry_; }

 private:
  Driver(log::Log& log, std::unique_ptr<schema::LocalRegistry> registry, stream::RuntimeOptions options);
  Result<const sql::Source*> find(const std::string& source);

  log::Log& log_;
  ManualClock clock_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  sql::Catalog catalog_;  // as of the last find()
  std::unique_ptr<Engine> engine_;
};

}  // namespace tradewind::engine
