#include "ingest/ingestor.h"

#include <algorithm>

#include "ingest/careful_reader.h"
#include "ingest/event_times.h"
#include "ingest/lane.h"
#include "ingest/metrics.h"

namespace tradewind::ingest {
namespace {

constexpr int64_t kPlanLives_ns = 1'000'000'000;  // until the registry is asked again
constexpr Duration kMostRenewal(100);             // is waited for
constexpr size_t kLargeBody = 64 * 1024;          // reading takes several times as much memory: one at a time
constexpr size_t kMostReaders = 8;                // at rest, before one has to learn other events
constexpr size_t kMostSpare = 256;
constexpr size_t kMostSpareBytes = 64 * 1024;

telemetry::Registry& registry_of(const IngestOptions& options,
                                 const std::unique_ptr<telemetry::Registry>& otherwise) {
  return options.metrics != nullptr ? *options.metrics : *otherwise;
}

}  // namespace

struct Ingestor::Known {
  std::shared_ptr<const EventPlan> plan;
  int64_t asked_ns = 0;
  bool renewing = false;
};

Ingestor::Ingestor(log::Log& log, schema::Registry& registry, Clock& clock,
                   std::map<std::string, TopicRule> rules, const IngestOptions& options)
    : log_(log),
      registry_(registry),
      clock_(clock),
      rules_(std::move(rules)),
      options_(options),
      unseen_(options.metrics == nullptr ? std::make_unique<telemetry::Registry>() : nullptr),
      accepted_(registry_of(options, unseen_).counter(kEvents, std::array{std::string_view("accepted")})),
      rejected_(registry_of(options, unseen_).counter(kEvents, std::array{std::string_view("rejected")})),
      quota_(options.quota_rate, options.quota_reserve),
      numbered_(std::make_unique<Lane>()),
      lookups_(std::make_unique<Lane>()),
      appender_(std::make_unique<Appender>(
          log, clock, options.most_ids, options.ids_kept,
          [this](const Result<>& appended, std::span<std::unique_ptr<Batch>> batches) {
            settle(appended, batches);
          })) {}

Ingestor::~Ingestor() {
  lookups_.reset();  // what it finds goes to the others
  numbered_.reset();
  appender_.reset();
}

Result<> Ingestor::start() {
  return appender_->start();
}

Result<int64_t> Ingestor::last_sequence(const std::string& producer) {
  auto opened = TRY(log_.producer({.id = producer}));
  return opened->last_sequence();
}

Result<> Ingestor::append(std::span<const log::Appending> parts, const Numbered& numbered, size_t events) {
  auto producer = TRY(log_.producer({.id = numbered.producer}));
  TRY(producer->append_all(parts, numbered.sequence));
  count({.accepted = events});
  return {};
}

Taken Ingestor::count(Taken taken) {
  accepted_.add(static_cast<int64_t>(taken.accepted));
  rejected_.add(static_cast<int64_t>(taken.rejected.size()));
  return taken;
}

// Who asks may be the one thread that reads all requests: it does not wait long for a log or registry that
// does not answer. Null: nothing is known of the topic.
std::shared_ptr<const EventPlan> Ingestor::known_plan(const std::string& topic) {
  std::unique_lock lock(mutex_);
  const auto known = topics_.find(topic);
  if (known == topics_.end()) return nullptr;
  const bool due = clock_.monotonic_ns() - known->second.asked_ns >= kPlanLives_ns;
  if (!due || known->second.renewing) return known->second.plan;
  known->second.renewing = true;
  lookups_->submit([this, topic] { return renew(topic); },
                   [this, topic](const Error& error) { renewed(topic, error); });
  const auto settled = [&] {
    const auto now = topics_.find(topic);
    return now == topics_.end() || !now->second.renewing;
  };
  renewed_.wait_for(lock, kMostRenewal, settled);
  const auto now = topics_.find(topic);
  return now == topics_.end() ? nullptr : now->second.plan;
}

// Waits for log and registry.
Result<std::shared_ptr<const EventPlan>> Ingestor::find_plan(const std::string& topic) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = topics_.find(topic); known != topics_.end()) return known->second.plan;
  }
  const auto made = TRY(make_plan(topic));
  const std::lock_guard lock(mutex_);
  topics_[topic] = {.plan = made, .asked_ns = clock_.monotonic_ns()};
  return made;
}

Result<> Ingestor::renew(const std::string& topic) {
  const auto made = make_plan(topic);
  renewed(topic, made);
  return made.ok() ? Result<>() : Result<>(made.error());
}

void Ingestor::renewed(const std::string& topic, const Result<std::shared_ptr<const EventPlan>>& made) {
  const std::lock_guard lock(mutex_);
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return;
  Known& known = at->second;
  known.renewing = false;
  known.asked_ns = clock_.monotonic_ns();
  if (made.ok()) {
    const bool same =
        known.plan->schema_id == (*made)->schema_id && known.plan->partitions == (*made)->partitions;
    if (!same) known.plan = *made;
  } else if (made.error().code != Code::unavailable) {  // who does not answer takes nothing back
    topics_.erase(at);
  }
  renewed_.notify_all();
}

Result<std::shared_ptr<const EventPlan>> Ingestor::make_plan(const std::string& topic) {
  const auto spec = log_.topic(topic);
  if (!spec.ok() && spec.error().code == Code::unavailable) return spec.error();
  if (!spec.ok() || topic.starts_with("tw.") || topic.starts_with("_"))
    return Error{Code::not_found, "no topic '" + topic + "' takes events"};
  const auto latest = registry_.latest(topic + "-value");
  if (!latest.ok() && latest.error().code != Code::not_found) return latest.error();
  if (!latest.ok())
    return Error{Code::not_found, "topic " + topic + " has no registered schema to check events against"};
  const auto rule = rules_.find(topic);
  return EventPlan::create(*latest, topic, spec->partitions,
                           rule == rules_.end() ? TopicRule() : rule->second);
}

Result<> Ingestor::read(const EventPlan& plan, const std::string& body, Shape shape, Events& events) {
  TRY(read_all(plan, body, shape, events));
  if (!plan.time) return {};
  const int64_t ahead = options_.most_ahead.count();
  leave_out_impossible(plan.root->fields[*plan.time].name, ahead == 0 ? INT64_MAX : clock_.now().ms + ahead,
                       events);
  return {};
}

Result<> Ingestor::read_all(const EventPlan& plan, const std::string& body, Shape shape, Events& events) {
  if (body.size() > kLargeBody) {
    const std::lock_guard lock(large_);
    DirectReader once;
    if (once.read(plan, body, shape, options_.most_events, events)) return {};
    return read_carefully(plan, body, shape, options_.most_events, events);
  }
  std::unique_ptr<DirectReader> reader = reader_for(plan);
  const bool direct = reader->read(plan, body, shape, options_.most_events, events);
  {
    const std::lock_guard lock(mutex_);
    readers_.push_back(std::move(reader));
  }
  if (direct) return {};
  return read_carefully(plan, body, shape, options_.most_events, events);
}

// One that knows these events, if there is any: topics take turns.
std::unique_ptr<DirectReader> Ingestor::reader_for(const EventPlan& plan) {
  const std::lock_guard lock(mutex_);
  const auto knowing =
      std::ranges::find_if(readers_, [&](const auto& reader) { return reader->knows(plan); });
  if (knowing == readers_.end() && readers_.size() < kMostReaders) return std::make_unique<DirectReader>();
  const auto chosen = knowing == readers_.end() ? readers_.begin() : knowing;
  std::unique_ptr<DirectReader> reader = std::move(*chosen);
  readers_.erase(chosen);
  return reader;
}

std::unique_ptr<Batch> Ingestor::fresh_batch() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return std::make_unique<Batch>();
  std::unique_ptr<Batch> batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

void Ingestor::settle(const Result<>& appended, std::span<std::unique_ptr<Batch>> batches) {
  for (const std::unique_ptr<Batch>& batch : batches) answer(appended, *batch);
  const std::lock_guard lock(mutex_);
  for (std::unique_ptr<Batch>& batch : batches) {
    const bool kept = spare_.size() < kMostSpare && batch->events.values.capacity() <= kMostSpareBytes;
    if (kept) spare_.push_back(std::move(batch));
  }
}

// Nothing of it is left but its memory.
void Ingestor::answer(const Result<>& appended, Batch& batch) {
  const Done done = std::move(batch.done);
  batch.done = nullptr;
  if (appended.ok())
    done(count({batch.events.all.size(), std::move(batch.events.rejected)}));
  else
    done(appended.error());
  batch.events.clear();
}

// What a numbering producer sends is told apart by its numbers, not by ids.
Result<> Ingestor::append_numbered(const Batch& batch, const Numbered& numbered) {
  Parts parts;
  add_records(*batch.plan, batch.events, clock_.now(), {}, parts);
  std::vector<log::Appending> appendings;
  for (size_t p = 0; p < parts.size(); ++p) {
    if (!parts[p].empty()) appendings.push_back({{batch.plan->topic, static_cast<int32_t>(p)}, parts[p]});
  }
  auto producer = TRY(log_.producer({.id = numbered.producer}));
  return producer->append_all(appendings, numbered.sequence);
}

Result<Taken> Ingestor::take(const std::string& topic, const std::string& body,
                             const std::optional<Numbered>& numbered, Shape shape) {
  Batch batch;
  batch.plan = known_plan(topic);
  if (batch.plan == nullptr) batch.plan = TRY(find_plan(topic));
  TRY(read(*batch.plan, body, shape, batch.events));
  TRY(numbered ? append_numbered(batch, *numbered) : appender_->append(batch));
  return count({batch.events.all.size(), std::move(batch.events.rejected)});
}

void Ingestor::submit(const std::string& topic, const std::string& body,
                      const std::optional<Numbered>& numbered, Shape shape, Done done) {
  if (auto plan = known_plan(topic))
    return submit_planned(std::move(plan), body, numbered, shape, std::move(done));
  const auto kept = std::make_shared<const Done>(std::move(done));
  const auto look_up = [this, topic, body, numbered, shape, kept]() -> Result<> {
    const auto plan = find_plan(topic);
    if (!plan.ok()) {
      (*kept)(plan.error());
      return plan.error();
    }
    submit_planned(*plan, body, numbered, shape, *kept);
    return {};
  };
  lookups_->submit(look_up, [kept](const Error& error) { (*kept)(error); });
}

void Ingestor::submit_planned(std::shared_ptr<const EventPlan> plan, const std::string& body,
                              const std::optional<Numbered>& numbered, Shape shape, Done done) {
  std::unique_ptr<Batch> batch = fresh_batch();
  batch->plan = std::move(plan);
  batch->done = std::move(done);
  const auto read_all = read(*batch->plan, body, shape, batch->events);
  if (!read_all.ok() || (!numbered && batch->events.all.empty())) return settle(read_all, {&batch, 1});
  if (!numbered) return appender_->submit(std::move(batch));
  const std::shared_ptr<Batch> kept = std::move(batch);
  const auto append = [this, numbered = *numbered, kept] {
    Result<> appended = append_numbered(*kept, numbered);
    answer(appended, *kept);
    return appended;
  };
  numbered_->submit(append, [this, kept](const Error& error) { answer(error, *kept); });
}

}  // namespace tradewind::ingest
