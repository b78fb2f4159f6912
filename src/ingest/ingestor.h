#pragma once
// Ingestor: events from outside -> the log: checked against the topic's schema, keyed, appended once.
// Requests that come together are appended together.
//
// A version that is registered for a topic counts within a second. Threads: shared freely. What it answers as
// accepted is durable.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "ingest/appender.h"
#include "ingest/direct_reader.h"
#include "ingest/event_plan.h"
#include "ingest/events.h"
#include "ingest/quota.h"
#include "log/log.h"
#include "schema/registry.h"

namespace tradewind {
class Options;
}
namespace tradewind::telemetry {
class Counter;
class Registry;
}  // namespace tradewind::telemetry

namespace tradewind::ingest {

class Lane;

struct IngestOptions {
  size_t most_events = 10'000;             // in one request
  int64_t quota_rate = 0;                  // events a second of one client; 0: no limit
  int64_t quota_reserve = 1'000;           // events at once of a client that was quiet
  size_t most_ids = 5'000'000;             // of events, that are remembered
  Duration ids_kept{24LL * 3600 * 1000};   // at most
  Duration most_ahead{3600 * 1000};        // of an event's time before the clock; 0: no limit
  telemetry::Registry* metrics = nullptr;  // outlives the ingestor; null: nobody looks

  void fields(Options& options);
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
  // What a body brings; waits until it is durable. not_found: no such topic or it takes no events. invalid:
  // the body is no JSON, or too many events.
  Result<Taken> take(const std::string& topic, const std::string& body,
                     const std::optional<Numbered>& numbered, Shape shape = Shape::json);
  // The same, and `done` is called once, from any thread, also this one. Waits for a tenth of a second at
  // most: topics nobody sent to before are looked up elsewhere.
  using Done = Batch::Done;
  void submit(const std::string& topic, const std::string& body, const std::optional<Numbered>& numbered,
              Shape shape, Done done);
  // Events that a producer in this process has encoded and keyed already, and what it remembers beside them:
  // all or nothing. `events` of the records count as accepted.
  Result<> append(std::span<const log::Appending> parts, const Numbered& numbered, size_t events);
  Quota& quota() { return quota_; }
  // The last sequence of a numbering producer; -1 if none.
  Result<int64_t> last_sequence(const std::string& producer);

 private:
  struct Known;
  std::shared_ptr<const EventPlan> known_plan(const std::string& topic);
  Result<std::shared_ptr<const EventPlan>> find_plan(const std::string& topic);
  Result<std::shared_ptr<const EventPlan>> make_plan(const std::string& topic);
  Result<> renew(const std::string& topic);
  void renewed(const std::string& topic, const Result<std::shared_ptr<const EventPlan>>& made);
  void submit_planned(std::shared_ptr<const EventPlan> plan, const std::string& body,
                      const std::optional<Numbered>& numbered, Shape shape, Done done);
  Result<> read(const EventPlan& plan, const std::string& body, Shape shape, Events& events);
  Result<> read_all(const EventPlan& plan, const std::string& body, Shape shape, Events& events);
  std::unique_ptr<DirectReader> reader_for(const EventPlan& plan);
  Result<> append_numbered(const Batch& batch, const Numbered& numbered);
  Taken count(Taken taken);
  std::unique_ptr<Batch> fresh_batch();
  void settle(const Result<>& appended, std::span<std::unique_ptr<Batch>> batches);
  void answer(const Result<>& appended, Batch& batch);

  log::Log& log_;
  schema::Registry& registry_;
  Clock& clock_;
  std::map<std::string, TopicRule> rules_;
  const IngestOptions options_;
  std::unique_ptr<telemetry::Registry> unseen_;  // counts when nobody looks
  telemetry::Counter& accepted_;
  telemetry::Counter& rejected_;
  Quota quota_;
  std::mutex large_;  // held while a large body is read
  std::mutex mutex_;  // over what follows
  std::map<std::string, Known> topics_;
  std::vector<std::unique_ptr<DirectReader>> readers_;  // that nobody reads with
  std::vector<std::unique_ptr<Batch>> spare_;           // that are done; their memory is used again
  std::condition_variable renewed_;
  std::unique_ptr<Lane> numbered_;  // requests of producers that number them, one after the other
  std::unique_ptr<Lane>
      lookups_;  // of plans: of topics nobody sent to before, and whether they are as they were
  std::unique_ptr<Appender> appender_;
};

}  // namespace tradewind::ingest
