#pragma once
// Ingestor: events from outside -> the log: checked against the topic's schema, keyed, appended once.
//
// Threads: shared freely. What it answers as accepted is durable.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "log/log.h"
#include "schema/registry.h"
#include "schema/serde.h"

namespace tradewind {
class Options;
}
namespace tradewind::telemetry {
class Counter;
class Registry;
}  // namespace tradewind::telemetry

namespace tradewind::ingest {

struct IngestOptions {
  size_t most_events = 10'000;             // in one request
  size_t most_ids = 5'000'000;             // of events, that are remembered
  Duration ids_kept{24LL * 3600 * 1000};   // at most
  telemetry::Registry* metrics = nullptr;  // outlives the ingestor; null: nobody looks

  void fields(Options& options);
};

// What the ingestor must know of a topic that takes events.
struct TopicRule {
  std::string key_field;                  // its text becomes the record's key
  std::string time_field = "event_time";  // milliseconds; the record's time
  std::string id_field = "event_id";      // events with an id seen before are accepted, not appended again
};

struct Rejected {
  size_t index = 0;
  std::string error;
};

struct Taken {
  size_t accepted = 0;
  std::vector<Rejected> rejected;
};

// A producer that numbers its requests: one that was appended is not appended again, also after a restart.
struct Numbered {
  std::string producer;
  int64_t sequence = -1;
};

class Ingestor {
 public:
  Ingestor(log::Log& log, schema::Registry& registry, Clock& clock, std::map<std::string, TopicRule> rules,
           const IngestOptions& options = {});
  ~Ingestor();

  // Reads the ids of the last events back, so that doubles of before a restart are known.
  Result<> start();
  // One JSON event or an array of them. not_found: no such topic or it takes no events.
  Result<Taken> take(const std::string& topic, std::string_view body,
                     const std::optional<Numbered>& numbered);
  // Events that a producer in this process has encoded and keyed already, and what it remembers beside them:
  // all or nothing. `events` of the records count as accepted.
  Result<> append(std::span<const log::Appending> parts, const Numbered& numbered, size_t events);
  // The last sequence of a numbering producer; -1 if none.
  Result<int64_t> last_sequence(const std::string& producer);

 private:
  struct Topic;
  Result<Topic*> topic_of(const std::string& name);
  std::vector<uint32_t> complete_rows(const Topic& topic, const schema::Decoded& decoded, size_t count,
                                      Taken& taken);
  Result<schema::Encoded> encode(Topic& topic, const schema::Decoded& decoded, std::vector<uint32_t>& rows,
                                 Taken& taken);
  std::vector<std::vector<log::RecordView>> records_of(const Topic& topic, const schema::Decoded& decoded,
                                                       const std::vector<uint32_t>& rows,
                                                       const schema::Encoded& encoded,
                                                       const std::vector<bool>& doubles);
  Taken count(Taken taken);

  log::Log& log_;
  schema::Registry& registry_;
  Clock& clock_;
  std::map<std::string, TopicRule> rules_;
  const IngestOptions options_;
  std::unique_ptr<telemetry::Registry> unseen_;  // counts when nobody looks
  telemetry::Counter& accepted_;
  telemetry::Counter& rejected_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Topic>> topics_;
  struct Seen;
  std::unique_ptr<Seen> seen_;
};

inline constexpr const char* kEventIdsTopic = "tw.event_ids";

}  // namespace tradewind::ingest
