#include "stream/subscription.h"

#include <algorithm>

#include "stream/run/join_lane.h"
#include "stream/run/reader.h"
#include "stream/run/task.h"

namespace tradewind::stream {
namespace {

constexpr size_t kRowsPerPoll = 4096;
constexpr size_t kRowsPerBatch = 1024;

class TaskSubscription final : public Subscription, private TaskHost {
 public:
  TaskSubscription(log::Log& log, Clock& clock) : log_(log), clock_(clock) {}

  Result<> open(schema::Registry& registry, std::shared_ptr<const Topology> topology, bool earliest) {
    topology_ = std::move(topology);
    task_ = TRY(Task::make(topology_, AggregateMode::fused, registry, *this, figures_,
                           [this](Batch batch) -> Result<> {
                             rows_.push_back(std::move(batch));
                             return {};
                           }));
    if (!topology_->inputs.empty()) {
      const auto places = TRY(first_places(*topology_, log_, log::Visibility::durable, earliest));
      join_ = TRY(JoinLane::open(*topology_, log_, registry, log::Visibility::durable, places));
      return {};
    }
    const std::string& topic = topology_->source.topic;
    const auto spec = TRY(log_.topic(topic));
    consumer_ = TRY(log_.consumer(log::Visibility::durable));
    for (int32_t p = 0; p < spec.partitions; ++p) {
      const auto bounds = TRY(log_.bounds({topic, p}, log::Visibility::durable));
      TRY(consumer_->assign({topic, p}, earliest ? bounds.begin : bounds.end));
      if (earliest && bounds.begin < bounds.end) unread_[p] = bounds.end;
    }
    reader_ = TRY(Reader::make(topology_->source, registry));
    return {};
  }

  const Schema& schema() const override { return topology_->schemas.back(); }

  Result<std::vector<Batch>> poll(Duration wait) override {
    rows_.clear();
    TRY(join_ != nullptr ? read_joined(wait) : read(wait));
    TRY(task_->flush());
    for (const Task::Kept& kept : task_->durables()) kept.durable->committed();
    return std::move(rows_);
  }

  bool read_out() const override { return unread_.empty(); }

 private:
  Result<> read_joined(Duration wait) {
    TRY(join_->read(
        wait, kRowsPerPoll, kRowsPerBatch, [](const RowNote&) {},
        [this](const MergedRows& rows) { return task_->process_merged(rows); }));
    return {};
  }

  Result<> read(Duration wait) {
    const auto fetched = TRY(consumer_->poll(wait, kRowsPerPoll));
    if (fetched.empty()) unread_.clear();  // the last records are no longer there
    for (const log::FetchedBatch& batch : fetched) {
      const auto unread = unread_.find(batch.position.partition);
      if (unread != unread_.end() && batch.next >= unread->second) unread_.erase(unread);
      const std::span<const log::RecordView> records(batch.records);
      for (size_t from = 0; from < records.size(); from += kRowsPerBatch) {
        const Batch rows =
            TRY(reader_->read(records.subspan(from, std::min(kRowsPerBatch, records.size() - from)),
                              batch.position.partition, batch.buffer, [](const RowNote&) {}));
        TRY(task_->process(rows));
      }
    }
    return {};
  }

  std::shared_ptr<Dictionary> dictionary(const std::string& name) override {
    auto& known = dictionaries_[name];
    if (known == nullptr) known = std::make_shared<Dictionary>();
    return known;
  }
  Result<> append(const log::Position&, std::span<const log::RecordView>) override {
    return {};
  }  // late rows
  void note(RowNote) override {}
  bool idle(const std::string&, int32_t) override { return false; }
  int32_t source_partitions(const std::string& topic) override {
    const auto spec = log_.topic(topic);
    return spec.ok() ? spec->partitions : 1;
  }
  bool owns(const Topology&, int32_t) const override { return true; }
  Duration silence(const std::string&) override { return Duration(0); }
  Result<std::map<int32_t, log::Offset>> partials_written(const std::string&) override {
    return std::map<int32_t, log::Offset>();
  }
  bool merged(const std::string&, const std::map<int32_t, log::Offset>&) override { return true; }
  Timestamp now() override { return clock_.now(); }

  log::Log& log_;
  Clock& clock_;
  std::shared_ptr<const Topology> topology_;
  std::unique_ptr<log::Consumer> consumer_;
  std::map<std::string, std::shared_ptr<Dictionary>> dictionaries_;
  TaskFigures figures_;
  std::map<int32_t, log::Offset> unread_;  // partition -> its end when this was opened
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<JoinLane> join_;  // with several inputs, instead of the three above
  std::unique_ptr<Task> task_;
  std::vector<Batch> rows_;
};

}  // namespace

Result<std::unique_ptr<Subscription>> subscribe(log::Log& log, schema::Registry& registry, Clock& clock,
                                                Topology topology, bool earliest) {
  auto subscription = std::make_unique<TaskSubscription>(log, clock);
  TRY(subscription->open(registry, std::make_shared<const Topology>(std::move(topology)), earliest));
  return std::unique_ptr<Subscription>(std::move(subscription));
}

}  // namespace tradewind::stream
