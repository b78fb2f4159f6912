#include "engine/push_queries.h"

#include <condition_variable>
#include <deque>
#include <list>

#include "engine/last_rows.h"

namespace tradewind::engine {
namespace {

// What two queries have in common when their rows are the same.
std::string identity_of(const sql::PushPlan& plan) {
  const stream::SourceSpec& source = plan.topology.source;
  std::string text = plan.topology.text() + source.timestamp_column + source.timestamp_format +
                     source.key_detail.delimiter + source.value_detail.delimiter;
  for (const auto* columns : {&source.key_columns, &source.value_columns, &plan.columns}) {
    for (const Field& field : *columns) text += "\n" + field.name + " " + field.type.text();
  }
  for (const bool key : plan.keys) text += key ? 'k' : '-';
  return text;
}

// Without rows that are taken back only to come again: inserts, and rows that are gone.
Batch settled(const Batch& batch, bool deletions) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < batch.rows(); ++i) {
    const bool insert = batch.change(i) == Change::insert;
    const bool replaced = !insert && i + 1 < batch.rows() && batch.change(i + 1) == Change::insert;
    if (insert || (deletions && !replaced)) rows.push_back(i);
  }
  return batch.filtered(std::move(rows));
}

}  // namespace

// Shared by its readers; the last one that goes ends it.
class PushQueries::Computation {
 public:
  struct Queue {
    std::deque<Batch> batches;
    size_t rows = 0;
    size_t most_rows = 0;
    bool cut = false;
  };

  Computation(std::unique_ptr<stream::Subscription> subscription, std::vector<bool> keys)
      : subscription_(std::move(subscription)), keys_(std::move(keys)) {}

  void enter(Queue& queue) {
    const std::lock_guard lock(mutex_);
    queues_.push_back(&queue);
  }
  void leave(Queue& queue) {
    const std::lock_guard lock(mutex_);
    queues_.remove(&queue);
    changed_.notify_all();
  }
  bool read_out() {
    const std::lock_guard lock(mutex_);
    return !reading_ && subscription_->read_out();
  }

  // The next batch of the queue, read for all if it must be; an empty one when nothing came.
  Result<Batch> next(Queue& queue, Duration wait) {
    std::unique_lock lock(mutex_);
    if (queue.batches.empty() && !failed_ && reading_) {
      changed_.wait_for(lock, wait, [&] { return !queue.batches.empty() || !reading_; });
    } else if (queue.batches.empty() && !failed_) {
      reading_ = true;
      lock.unlock();
      auto read = subscription_->poll(wait);
      lock.lock();
      reading_ = false;
      if (read.ok())
        for (const Batch& batch : *read) give(batch);
      else
        failed_ = read.error();
      changed_.notify_all();
    }
    if (queue.cut) {
      return Error{Code::unavailable, "the rows were taken too slowly: more than " +
                                          std::to_string(queue.most_rows) +
                                          " waited; ask again, and read faster or filter"};
    }
    if (queue.batches.empty()) {
      if (failed_) return *failed_;
      return Batch();
    }
    Batch batch = std::move(queue.batches.front());
    queue.batches.pop_front();
    queue.rows -= batch.rows();
    return batch;
  }

 private:
  void give(const Batch& batch) {
    const Batch rows = settled(batch, !keys_.empty());
    if (rows.rows() == 0) return;
    for (Queue* queue : queues_) {
      if (queue->cut) continue;
      queue->batches.push_back(rows);
      queue->rows += rows.rows();
      gather_small(queue->batches);
      if (queue->rows <= queue->most_rows || queue->batches.size() == 1) continue;
      if (!keys_.empty()) queue->rows = keep_last_rows(queue->batches, keys_);
      if (queue->rows <= queue->most_rows) continue;
      queue->cut = true;
      queue->batches.clear();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<stream::Subscription> subscription_;
  std::vector<bool> keys_;
  std::list<Queue*> queues_;
  bool reading_ = false;  // one of the readers reads, without the lock
  std::optional<Error> failed_;
};

class PushQueries::Reader final : public RowStream {
 public:
  Reader(sql::PushPlan plan, std::shared_ptr<Computation> computation, size_t most_rows)
      : plan_(std::move(plan)), computation_(std::move(computation)) {
    queue_.most_rows = most_rows;
    computation_->enter(queue_);
  }
  ~Reader() override { computation_->leave(queue_); }

  const std::vector<Field>& columns() const override { return plan_.columns; }
  const std::vector<bool>& keys() const override { return keys_; }
  std::vector<bool> show_deletions() override {
    deletions_ = true;
    return plan_.keys;
  }

  Result<std::optional<Batch>> next(Duration wait) override {
    if (plan_.limit && given_ >= *plan_.limit) return std::optional<Batch>();
    if (plan_.until_now && queue_.batches.empty() && computation_->read_out()) return std::optional<Batch>();
    const Batch batch = TRY(computation_->next(queue_, plan_.until_now ? Duration(0) : wait));
    std::vector<uint32_t> rows;
    for (uint32_t i = 0; i < batch.rows() && (!plan_.limit || given_ < *plan_.limit); ++i) {
      if (batch.change(i) == Change::retract && !deletions_) continue;
      rows.push_back(i);
      ++given_;
    }
    return std::optional(batch.filtered(std::move(rows)));
  }

 private:
  sql::PushPlan plan_;
  std::shared_ptr<Computation> computation_;
  Computation::Queue queue_;
  std::vector<bool> keys_;  // answers of push queries do not say
  bool deletions_ = false;
  int64_t given_ = 0;
};

Result<std::unique_ptr<RowStream>> PushQueries::open(sql::PushPlan plan, bool earliest,
                                                     const Subscribe& subscribe, size_t most_rows) {
  if (plan.until_now && !plan.identity.empty()) return look_at_groups(std::move(plan), TRY(subscribe()));
  const bool shares = !earliest && !plan.topology.aggregate() && plan.topology.inputs.empty();
  const std::string identity = identity_of(plan);
  const std::lock_guard lock(mutex_);
  std::erase_if(shared_, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<Computation> computation;
  if (const auto known = shared_.find(identity); shares && known != shared_.end())
    computation = known->second.lock();
  if (computation == nullptr) {
    computation = std::make_shared<Computation>(TRY(subscribe()), plan.keys);
    if (shares) shared_[identity] = computation;
  }
  return std::unique_ptr<RowStream>(new Reader(std::move(plan), std::move(computation), most_rows));
}

size_t PushQueries::running() {
  const std::lock_guard lock(mutex_);
  std::erase_if(shared_, [](const auto& entry) { return entry.second.expired(); });
  return shared_.size();
}

}  // namespace tradewind::engine
