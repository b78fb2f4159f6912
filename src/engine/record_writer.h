#pragma once
// RecordWriter: records given as JSON, as people and scripts write them, appended to any topic: key and value
// in the format of the topic's registered schemas, else as text.
//
// Threads: shared freely. What it answers as accepted is durable.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "log/log.h"
#include "schema/registry.h"

namespace tradewind::engine {

class RecordWriter {
 public:
  RecordWriter(log::Log& log, schema::Registry& registry, Clock& clock)
      : log_(log), registry_(registry), clock_(clock) {}

  struct Options {
    bool raw = false;        // values are texts and lie in the topic as they are
    bool until_bad = false;  // nothing behind the first record that cannot be written
    std::string producer;    // with `sequence`: numbered requests, as of a log's producer
    int64_t sequence = -1;
  };
  struct Rejected {
    size_t index = 0;
    std::string error;
  };
  struct Taken {
    size_t accepted = 0;
    std::vector<Rejected> rejected;  // ascending
  };

  // Objects with `value` (null or none deletes), and perhaps `key`, `partition`, `timestamp` (ms) and
  // `headers` (objects of `key` and `value`). All that are good are appended at once. not_found: no such
  // topic. invalid: it is the platform's own.
  Result<Taken> write(const std::string& topic, const std::vector<Json>& records, const Options& options);

 private:
  log::Log& log_;
  schema::Registry& registry_;
  Clock& clock_;
};

// Whether a topic is the platform's own, which only it writes, changes and deletes.
bool is_internal(const std::string& topic);
// invalid: it is, so nobody else makes it or writes there.
Result<> check_writable(const std::string& topic);

}  // namespace tradewind::engine
