#pragma once
// The sides of bench kafka: raw librdkafka, Tradewind and Kafka Streams, each in a process of its own that
// may run on one core only, measured from outside in the same way.
//
// Threads: one. Errors: io and unavailable, with the place.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kafka_child.h"
#include "kafka_workload.h"

namespace tradewind::bench {

struct Surroundings {
  std::string servers;
  std::string folder;     // for the children's messages and data
  std::string program;    // this one
  std::string tradewind;  // the platform's
  std::string classpath;  // of the Kafka Streams program
  int core = -1;          // of what is measured; -1: any
  int other_core = -1;    // of everything else
  SchemaIds ids;
  // Of Tradewind where latency is measured; throughput is measured with 100 ms, as Kafka Streams', and
  // defaults.
  int64_t commit_ms = 20;
  int64_t fetch_wait_ms = 5;
};

struct Measured {
  double seconds = 0;  // from the first read to the last committed result
  double cpu_ns = 0;   // an event; user and system time of all threads
  double peak_rss_mb = 0;
  double first_output_s = 0;  // since the process was started
  int64_t result_records = 0;
  std::vector<std::string> wrong;  // what differs from the recount
};

Result<Measured> measure_raw(const Surroundings& at, int64_t events);
// The raw side itself, in its own process.
Result<> read_raw(const std::string& servers, int64_t events);

// Something that runs the five queries.
class Side {
 public:
  enum class Setting { throughput, latency };
  virtual ~Side() = default;
  virtual const char* name() const = 0;  // in topics
  virtual bool nullable() const = 0;     // as its result fields are
  // Starts it over the workload, or over the live topics.
  virtual Result<Child> start(const Surroundings& at, bool live, Setting setting) = 0;
  // Waits until it is about to read; begins the queries, if they have to be told.
  virtual Result<> begin(const Surroundings& at, Child& child, bool live) = 0;
  // Starts it again after it was killed; it goes on by itself.
  virtual Result<Child> start_again(const Surroundings& at, Setting setting) = 0;
};
std::unique_ptr<Side> tradewind_side();
std::unique_ptr<Side> streams_side();

// It ended by itself, which it should not.
Error ended(const Side& side, Child& child, const Surroundings& at);

Result<Measured> measure_backlog(Side& side, const Surroundings& at, int64_t events, const QueryRows& wanted);

struct Recovered {
  double seconds = 0;  // from the kill to the first new committed result
  std::vector<std::string> wrong;
};
// Killed (SIGKILL) when it has done a third of the backlog, and started again at once.
Result<Recovered> measure_recovery(Side& side, const Surroundings& at, const QueryRows& wanted);

struct Waited {
  int64_t rate = 0;                             // events a second
  double views_p50_ms = 0, views_p99_ms = 0;    // to the counts of Q3
  double orders_p50_ms = 0, orders_p99_ms = 0;  // to the counts of Q4
  double cores = 0;                             // CPU seconds of the side a second
  bool kept_up = true;
};
// Open loop: from the moment an event is due to a reader of committed records that sees it counted.
// The first `warm_seconds` are not counted.
struct Load {
  int64_t rate = 0;
  int64_t seconds = 20;
  int64_t warm_seconds = 10;
  Duration linger{5};  // of the generator's client
  uint64_t seed = 1;
};
Result<Waited> measure_latency(Side& side, const Surroundings& at, const Load& load);

}  // namespace tradewind::bench
