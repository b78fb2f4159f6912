#pragma once
// Runtime: runs topologies over a log: workers, tasks, the one commit, restore. What it computes survives any
// crash exactly once, for state, positions and outputs are committed in one transaction.
//
// Threads: all methods may be called from any thread. Without threads of its own (`own_threads` false)
// nothing happens but in step(), so that a test runs everything in one thread under its own clock and seed.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/log.h"
#include "schema/registry.h"
#include "stream/topology.h"
#include "stream/view.h"

namespace tradewind {
class Options;
}
namespace tradewind::telemetry {
class Logger;
class Registry;
}  // namespace tradewind::telemetry

namespace tradewind::stream {

// What has just been done of a commit.
enum class CommitStep { begun, flushed, framed, placed, snapshot, committed, marked, trimmed_one, trimmed };
inline constexpr int kCommitSteps = 9;

struct RuntimeOptions {
  std::string application = "tradewind";  // names the state topic and the transactional ids
  int workers = 1;
  int32_t state_partitions = 4;
  Duration commit_interval{100};  // while there is more to read; with nothing to read a commit comes at once
  Duration idle_commit{2};        // the least time between two commits of a worker that waits for input
  size_t rows_per_poll = 8192;
  size_t rows_per_commit = 1'000'000;  // who is further behind than this commits by rows, not by time
  size_t rows_per_batch = 1024;
  Duration idle_partition{
      30'000};             // a silent partition that is read out does not hold windows open for longer
  Duration idle_close{0};  // after so long without a record windows close by the clock; 0: never
  bool own_threads = true;
  // Each row's results are given out by themselves, also where several rows of one batch change one group.
  // Nothing survives a restart then; for tests that look at every result.
  bool each_row = false;
  int64_t state_bytes = 1LL << 30;           // of all queries together
  size_t snapshot_slice_bytes = 256 * 1024;  // of a snapshot in one commit, about
  int64_t snapshot_frame_bytes =
      8LL << 20;                 // no snapshot before that many bytes of frames lie behind the last one
  Duration stuck_after{30'000};  // a worker that makes no step for so long is taken for dead
  telemetry::Registry* metrics = nullptr;  // these two outlive the runtime; null: nobody looks
  telemetry::Logger* logger = nullptr;
  // For simulations: asked behind each step of a commit; false: the worker stops there with an error, as if
  // the process had ended. Null: it goes on.
  std::function<bool(CommitStep)> goes_on;

  void fields(Options& options);
};

struct QueryStatus {
  std::string name;
  bool running = true;
  bool paused = false;
  std::string error;  // why it stopped
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  int64_t late_rows = 0;
  int64_t bad_rows = 0;
  int64_t state_bytes = 0;
  log::Offsets positions;  // next offset to read, of its source and, with several workers, of its partials
  int64_t lag = 0;         // records whose results are not committed, also while it is paused or stopped
  double lag_seconds = 0;  // since the oldest of them was appended; 0: there is none
};

struct RuntimeFigures {
  int64_t commits = 0;
  int64_t commit_ns = 0;  // sum over commits
  int64_t rows = 0;
  int64_t bad_records = 0;
  int64_t gone_records = 0;
  int64_t too_large = 0;  // results that were left out
  int64_t state_bytes = 0;
  double restore_seconds = 0;
  // Of the state that the start reads; all of it is restored when both are equal and restoring is false.
  bool restoring = false;
  int64_t restore_records = 0;
  int64_t restored_records = 0;
  int64_t restored_bytes = 0;
  double silent_seconds = 0;  // how long the worker that is silent longest has made no step
  std::string waits_for;      // why queries cannot go on just now, though nothing is wrong with them
  int64_t untrimmed_partitions = 0;
  std::string untrimmed;  // why the log refuses to let superfluous records go; empty: it does not
  std::string trouble;    // what a worker waits for, trying again until it heals; empty: nothing
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  // Adds a query; before start() its state is restored, afterwards it begins at `earliest` or at the end.
  virtual Result<> add(Topology topology, bool earliest, bool paused = false) = 0;
  // The query of that name goes on with another topology, from where it is, with the state it has; a reader
  // sees either. REQUIRES check_upgrade() (stream/upgrade.h) allows it.
  virtual Result<> replace(Topology topology) = 0;
  // While it is paused a query reads nothing and keeps its place; its state can be read.
  virtual Result<> pause(const std::string& name, bool paused) = 0;
  virtual Result<> remove(const std::string& name) = 0;
  // Queries added between the two read nothing before the second, so that those which begin at one place read
  // their topic once for all. They nest; what ran before goes on.
  virtual void gather() = 0;
  virtual void gathered() = 0;
  // Restores all state, then runs.
  virtual Result<> start() = 0;
  // Finishes the batch at hand, commits, stops. Called by the destructor too.
  virtual void stop() = 0;
  // One round of every worker, in turn: true when anything was read or committed. REQUIRES !own_threads.
  virtual Result<bool> step() = 0;
  // The table a query keeps; null when it keeps none.
  virtual std::shared_ptr<const View> view(const std::string& name) const = 0;
  // What a query computes; null when there is none of that name.
  virtual std::shared_ptr<const Topology> topology(const std::string& name) const = 0;
  virtual std::vector<QueryStatus> status() const = 0;
  // The committed places of a query, as in its status; none: there is no such query.
  virtual log::Offsets positions(const std::string& name) const = 0;
  // Of the queries that were added, by name.
  virtual std::vector<std::shared_ptr<const Topology>> topologies() const = 0;
  virtual RuntimeFigures figures() const = 0;
  // Waits until the query's committed positions have reached these, or `wait` is over.
  virtual bool wait_until(const std::string& name, const log::Offsets& reached, Duration wait) = 0;
  // Set when the runtime cannot go on (the log failed); the process should exit and be started again.
  virtual std::optional<Error> failure() const = 0;
};

std::unique_ptr<Runtime> make_runtime(log::Log& log, schema::Registry& registry, Clock& clock,
                                      const RuntimeOptions& options);

// The topic of a query's results: of a stream by the time that is said or the log's own, of a table
// compacted, and of one with windows both, for the windows of long ago are keys that nobody writes again.
log::TopicSpec topic_of(const SinkSpec& sink);
// The names of topics the platform makes for itself.
std::string state_topic(const std::string& application);
std::string late_topic(const std::string& query);
std::string partials_topic(const std::string& query);
inline constexpr const char* kProcessingLogTopic = "tw.processing_log";

}  // namespace tradewind::stream
