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
constexpr const char* kProducer = "tw.ingest";

}  // namespace

std::vector<std::vector<log::RecordView>> records_of(const EventPlan& plan, const Events& events,
                                                     Timestamp now, const std::vector<bool>& doubles) {
  std::vector<std::vector<log::RecordView>> parts(static_cast<size_t>(plan.partitions));
  uint32_t value = 0;
  uint32_t key = 0;
  for (size_t i = 0; i < events.all.size(); ++i) {
    const Event& event = events.all[i];
    log::RecordView record{.value = BytesView(events.values).substr(value, event.value_end - value),
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
  return parts;
}

Appender::Appender(log::Log& log, Clock& clock, size_t most_ids, Duration ids_kept)
    : log_(log), clock_(clock), ids_kept_(ids_kept), seen_(most_ids, ids_kept.count()) {}

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
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(batch));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  if (waiting_.size() == 1 || waiting_.size() == kEnoughBatches) wanted_.notify_one();
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
  for (size_t from = 0; from < group.size();) {
    std::vector<Batch*> some;
    for (size_t bytes = 0; from < group.size() && (some.empty() || bytes < kMostGroup); ++from) {
      bytes += group[from]->events.values.size();
      some.push_back(group[from].get());
    }
    const auto together = append_group(some);
    // What one of them is to blame for is not the others'; what the world does is told to all.
    const bool each = !together.ok() && together.error().code != Code::unavailable && some.size() > 1;
    for (Batch* const& batch : some) {
      const Result<> done = each ? append_group({&batch, 1}) : together;
      batch->done(done, *batch);
    }
  }
}

// REQUIRES appending_ is held.
Result<> Appender::append_group(std::span<Batch* const> group) {
  if (producer_ == nullptr)
    return Error{Code::unavailable, "the server is starting: ids of events are being read"};
  for (const Batch* batch : group) {
    for (const Event& event : batch->events.all) {
      if (event.has_id) seen_.prefetch(event.id);
    }
  }
  Group together{.now = clock_.now()};
  for (const Batch* batch : group) gather(*batch, together);
  if (together.parts.empty()) return {};
  const auto done = write(together);
  // What did not come to be may come again.
  if (!done.ok()) seen_.take_back(together.ids.size() / sizeof(EventId));
  return done;
}

// The records of a batch, without those whose ids were seen.
void Appender::gather(const Batch& batch, Group& group) {
  doubles_.assign(batch.events.all.size(), false);
  for (size_t i = 0; i < doubles_.size(); ++i) {
    const Event& event = batch.events.all[i];
    if (!event.has_id) continue;  // nothing tells it from another: it is kept
    doubles_[i] = !seen_.add(event.id, group.now.ms);
    if (doubles_[i]) continue;
    put_fixed(group.ids, event.id.high);
    put_fixed(group.ids, event.id.low);
  }
  auto records = records_of(*batch.plan, batch.events, group.now, doubles_);
  for (size_t p = 0; p < records.size(); ++p) {
    if (records[p].empty()) continue;
    auto& part = group.parts[{batch.plan->topic, p}];
    part.insert(part.end(), records[p].begin(), records[p].end());
  }
}

Result<> Appender::write(const Group& group) {
  auto transaction = TRY(producer_->begin());
  for (const auto& [place, records] : group.parts)
    TRY(transaction->append({std::string(place.first), static_cast<int32_t>(place.second)}, records));
  const log::RecordView id_record{.value = group.ids, .time = group.now};
  if (!group.ids.empty()) TRY(transaction->append({kEventIdsTopic, 0}, {&id_record, 1}));
  TRY(transaction->commit("", {}));
  return log_.wait_durable(log_.written());
}

}  // namespace tradewind::ingest
