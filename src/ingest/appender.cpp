#include "ingest/appender.h"

#include <algorithm>
#include <chrono>

#include "base/coding.h"
#include "log/partitioner.h"

namespace tradewind::ingest {
namespace {

constexpr size_t kMostGroup = 16 << 20;  // bytes of values in one transaction, unless one request has more
constexpr auto kGather = std::chrono::milliseconds(1);
constexpr size_t kManyBatches = 16;
constexpr size_t kEnoughBatches = 128;
constexpr size_t kEventsAhead = 24;  // whose ids are looked for
constexpr const char* kProducer = "tw.ingest";
constexpr size_t kMostKeptRecords = 4096;  // room for so many of a partition is kept between groups

}  // namespace

void add_records(const EventPlan& plan, const Events& events, Timestamp now, const std::vector<bool>& doubles,
                 Parts& parts) {
  if (parts.size() < static_cast<size_t>(plan.partitions)) parts.resize(static_cast<size_t>(plan.partitions));
  uint32_t value = 0;
  uint32_t key = 0;
  for (size_t i = 0; i < events.all.size(); ++i) {
    const Event& event = events.all[i];
    log::RecordView record{.value = events.values.view().substr(value, event.value_end - value),
                           .time = event.time_ms ? Timestamp{*event.time_ms} : now};
    if (event.has_key) record.key = BytesView(events.keys).substr(key, event.key_end - key);
    value = event.value_end;
    key = event.key_end;
    if (!doubles.empty() && doubles[i]) continue;
    const auto partition =
        record.key ? static_cast<size_t>(log::partition_of(*record.key, plan.partitions))
                   : static_cast<uint64_t>(record.time.ms) % static_cast<uint64_t>(plan.partitions);
    parts[partition].push_back(record);
  }
}

bool Appender::Group::empty() const {
  return std::ranges::all_of(topics, [](const auto& topic) {
    return std::ranges::all_of(topic.second, [](const auto& records) { return records.empty(); });
  });
}

// A topic that nothing came for is let go, and so is what a large group took.
void Appender::Group::clear() {
  const auto unused = [](const auto& topic) {
    return std::ranges::all_of(topic.second, [](const auto& records) { return records.empty(); });
  };
  std::erase_if(topics, unused);
  for (auto& [topic, parts] : topics) {
    for (auto& records : parts) {
      records.clear();
      if (records.capacity() > kMostKeptRecords) records.shrink_to_fit();
    }
  }
  ids.clear();
  if (ids.capacity() > kMostKeptRecords * sizeof(EventId)) ids.shrink_to_fit();
}

Appender::Appender(log::Log& log, Clock& clock, size_t most_ids, Duration ids_kept, Settle settle)
    : log_(log),
      clock_(clock),
      ids_kept_(ids_kept),
      settle_(std::move(settle)),
      seen_(most_ids, ids_kept.count()) {}

Appender::~Appender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wanted_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<> Appender::start() {
  const std::lock_guard lock(appending_);
  TRY(log_.create_topic({.name = kEventIdsTopic, .partitions = 1, .retention = ids_kept_}));
  const auto bounds = TRY(log_.bounds({kEventIdsTopic, 0}, log::Visibility::durable));
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  TRY(consumer->assign({kEventIdsTopic, 0}, bounds.begin));
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    const auto batches = TRY(consumer->poll(Duration(1000), 10'000));
    if (batches.empty()) {  // what was there may expire while it is read
      next = std::max(next, TRY(log_.bounds({kEventIdsTopic, 0}, log::Visibility::durable)).begin);
    }
    for (const log::FetchedBatch& batch : batches) {
      for (const log::RecordView& record : batch.records) {
        BytesView ids = record.value.value_or(BytesView());
        EventId id;
        while (get_fixed(ids, id.high) && get_fixed(ids, id.low)) seen_.add(id, record.time.ms);
      }
      next = batch.next;
    }
  }
  producer_ = TRY(log_.producer({.id = kProducer, .transactional = true}));
  return {};
}

void Appender::submit(std::unique_ptr<Batch> batch) {
  bool wanted = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(batch));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    wanted = waiting_.size() == 1 || waiting_.size() == kEnoughBatches;
  }
  if (wanted) wanted_.notify_one();  // who wakes finds the mutex free
}

Result<> Appender::append(Batch& batch) {
  const std::lock_guard lock(appending_);
  Batch* const one = &batch;
  return append_group({&one, 1});
}

// Where many come, a moment more makes one trip to the disk of several. What comes while the last group is on
// its way to the disk is the next one.
void Appender::run() {
  std::vector<std::unique_ptr<Batch>> group;
  while (true) {
    group.clear();
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [&] { return !waiting_.empty() || stopping_; });
      if (waiting_.empty()) return;
      if (last_group_ >= kManyBatches) {
        wanted_.wait_for(lock, kGather, [&] { return waiting_.size() >= kEnoughBatches || stopping_; });
      }
      last_group_ = waiting_.size();
      group.swap(waiting_);
    }
    append_all(group);
  }
}

void Appender::append_all(std::vector<std::unique_ptr<Batch>>& group) {
  const std::lock_guard lock(appending_);
  std::span<std::unique_ptr<Batch>> rest(group);
  while (!rest.empty()) {
    some_.clear();
    for (size_t bytes = 0; some_.size() < rest.size() && (some_.empty() || bytes < kMostGroup);) {
      Batch* const next = rest[some_.size()].get();
      bytes += next->events.values.size();
      some_.push_back(next);
    }
    const auto together = append_group(some_);
    const bool away = !together.ok() && together.error().code == Code::unavailable;
    // What one of them is to blame for is not the others'; what the world does is told to all.
    const bool each = !together.ok() && !away && some_.size() > 1;
    for (size_t i = 0; each && i < some_.size(); ++i)
      settle_(append_group(std::span(some_).subspan(i, 1)), rest.subspan(i, 1));
    if (!each) settle_(together, away ? rest : rest.first(some_.size()));
    if (away) return refuse_waiting(together);
    rest = rest.subspan(some_.size());
  }
}

// What stood in line while the log did not answer has waited long enough.
void Appender::refuse_waiting(const Result<>& refused) {
  std::vector<std::unique_ptr<Batch>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  settle_(refused, waiting);
}

// REQUIRES appending_ is held.
Result<> Appender::append_group(std::span<Batch* const> group) {
  if (producer_ == nullptr)
    return Error{Code::unavailable, "the server is starting: ids of events are being read"};
  TRY(settle_doubt());
  together_.clear();
  together_.now = clock_.now();
  size_t ahead = 0;    // batches whose ids are being brought near
  size_t waiting = 0;  // events of those that are not gathered yet
  for (const Batch* batch : group) {
    for (; ahead < group.size() && waiting < kEventsAhead; waiting += group[ahead++]->events.all.size()) {
      for (const Event& event : group[ahead]->events.all) {
        if (event.has_id) seen_.prefetch(event.id);
      }
    }
    gather(*batch);
    waiting -= batch->events.all.size();
  }
  if (together_.empty()) return {};
  const auto done = write();
  const size_t ids = together_.ids.size() / sizeof(EventId);
  if (doubtful_ != nullptr)
    doubtful_ids_ = ids;
  else if (!done.ok())
    seen_.take_back(ids);  // what did not come to be may come again
  return done;
}

// The records of a batch, without those whose ids were seen.
void Appender::gather(const Batch& batch) {
  doubles_.assign(batch.events.all.size(), false);
  for (size_t i = 0; i < doubles_.size(); ++i) {
    const Event& event = batch.events.all[i];
    if (!event.has_id) continue;  // nothing tells it from another: it is kept
    doubles_[i] = !seen_.add(event.id, together_.now.ms);
    if (doubles_[i]) continue;
    put_fixed(together_.ids, event.id.high);
    put_fixed(together_.ids, event.id.low);
  }
  auto topic = together_.topics.find(batch.plan->topic);
  if (topic == together_.topics.end()) topic = together_.topics.emplace(batch.plan->topic, Parts()).first;
  add_records(*batch.plan, batch.events, together_.now, doubles_, topic->second);
}

Result<> Appender::write() {
  auto transaction = TRY(producer_->begin());
  for (const auto& [topic, parts] : together_.topics) {
    for (size_t p = 0; p < parts.size(); ++p) {
      if (!parts[p].empty()) TRY(transaction->append({topic, static_cast<int32_t>(p)}, parts[p]));
    }
  }
  const log::RecordView id_record{.value = together_.ids, .time = together_.now};
  if (!together_.ids.empty()) TRY(transaction->append({kEventIdsTopic, 0}, {&id_record, 1}));
  const auto committed = transaction->commit("", {});
  if (!committed.ok() && transaction->in_doubt()) doubtful_ = std::move(transaction);
  if (!committed.ok()) return committed.error();
  return log_.wait_durable(log_.written());
}

// It is asked for again, until it is known to have gone through or not.
Result<> Appender::settle_doubt() {
  if (doubtful_ == nullptr) return {};
  const auto committed = doubtful_->commit("", {});
  if (!committed.ok() && doubtful_->in_doubt()) return committed.error();
  if (!committed.ok()) seen_.take_back(doubtful_ids_);
  doubtful_.reset();
  return {};
}

}  // namespace tradewind::ingest
