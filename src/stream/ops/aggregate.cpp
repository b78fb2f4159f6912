#include <algorithm>

#include "base/coding.h"
#include "stream/ops/ops.h"
#include "stream/runtime.h"

namespace tradewind::stream {

AggregateOperator::AggregateOperator(AggregateStep step, Schema input, Schema output, AggregateMode mode,
                                     bool retracts, std::string dictionary)
    : step_(std::move(step)),
      input_(std::make_shared<const Schema>(std::move(input))),
      output_(std::make_shared<const Schema>(std::move(output))),
      mode_(mode),
      retracts_(retracts),
      dictionary_(std::move(dictionary)) {}

Result<> AggregateOperator::open(Context& context) {
  context_ = &context;
  table_ = TRY(AggregateTable::make(step_, *output_, context.dictionary(dictionary_), context.groups()));
  for (int32_t g = 0; g < context.groups(); ++g) {
    if (!context.owns(g)) table_->leave_out(g);
  }
  context.keep("table", *table_);
  if (mode_ == AggregateMode::partial) {
    partial_ = TRY(AggregateTable::make(step_, *output_, context.dictionary(dictionary_ + "#partial"),
                                        context.groups()));
    context.keep("partial", *partial_);
  }
  return {};
}

Result<> AggregateOperator::process(const Batch& rows, Collector& out) {
  std::vector<LateRow> late;
  expr::Notes notes;
  if (step_.each) {
    TRY(table_->fold_each(rows, notes, output_, out));
    tell(*context_, rows, notes);
    return {};
  }
  if (partial_ != nullptr && !adopted_) {  // one worker kept how far the partitions are with the table
    adopted_ = true;
    for (const auto& [partition, time] : table_->progress()) partial_->raise_progress(partition, time);
  }
  AggregateTable& into = partial_ != nullptr ? *partial_ : *table_;
  TRY(into.fold_rows(rows, late, notes));
  tell(*context_, rows, notes);
  return late_.keep(*context_, rows, late);
}

// Windows that start before it have closed.
std::optional<int64_t> AggregateOperator::closed_before() const {
  const auto time = closing_time(*context_, table_->progress());
  if (!time) return std::nullopt;
  const Timestamp passed = Timestamp{*time} - step_.window->size - step_.window->grace;
  return (floor_to(passed, step_.window->advance) + step_.window->advance).ms;
}

bool AggregateOperator::closing_due() const {
  if (!step_.final) return false;
  const auto bound = closed_before();
  return bound && table_->has_closed(*bound);
}

// Windows may go when the slowest partition that still speaks has passed their end by the retention. A
// partial that tells so comes in one group, while rows of these windows can still be on their way in another:
// they are merged first.
Result<> AggregateOperator::expire() {
  if (!step_.window || table_->progress().empty()) return {};
  const auto slow = slowest(*context_, table_->progress());
  if (!slow || *slow == INT64_MAX) return {};
  const int64_t size = step_.window->size.count();
  const int64_t kept = std::max(step_.window->retention.count(), size + step_.window->grace.count());
  // A window goes when start + kept <= slowest: at once with grace only, so that it is never written again.
  const Duration advance = step_.window->advance;
  const int64_t bound = (floor_to(Timestamp{*slow - kept}, advance) + advance).ms;
  if (!expiring_ && bound > table_->expired_before()) expiring_ = {bound, TRY(context_->partials_written())};
  if (!expiring_ || !context_->merged(expiring_->ends)) return {};
  table_->expire_before(expiring_->start_ms);
  expiring_.reset();
  return {};
}

namespace {

// Appends partials to the query's topic of them.
class PartialRecords final : public state::FrameSink {
 public:
  PartialRecords(Context& context, Timestamp time) : context_(context), time_(time) {}
  void frame(int32_t group, BytesView bytes) override {
    if (!result_.ok()) return;
    const log::RecordView record{.value = bytes, .time = time_};
    result_ = context_.append({partials_topic(context_.query()), group}, {&record, 1});
  }
  const Result<>& result() const { return result_; }

 private:
  Context& context_;
  Timestamp time_;
  Result<> result_;
};

}  // namespace

Result<> AggregateOperator::send_partials() {
  std::map<int32_t, int64_t> progress = partial_->progress();
  int64_t newest = INT64_MIN;
  for (const auto& [partition, time] : progress) newest = std::max(newest, time);
  const int64_t step = step_.window ? step_.window->advance.count() : INT64_MAX;
  const bool tell = step_.window && (told_ms_ == INT64_MIN || newest - told_ms_ >= step);
  if (!partial_->has_changes() && !tell) return {};
  PartialRecords records(*context_, Timestamp{newest});
  partial_->take_partials(static_cast<size_t>(context_->most_record_bytes()), records);
  TRY(Result<>(records.result()));
  if (tell) told_ms_ = newest;
  return {};
}

Result<> AggregateOperator::flush(Collector& out) {
  if (step_.each) return {};
  if (partial_ != nullptr) TRY(send_partials());
  if (step_.final) {
    if (const auto bound = closed_before()) TRY(table_->emit_closed(output_, *bound, 1024, out));
    return expire();
  }
  TRY(expire());
  return table_->emit_changes(output_, retracts_, 1024, out);
}

Result<> AggregateOperator::merge(BytesView partials) {
  TRY(table_->merge(partials));
  late_.add(table_->missed());
  return {};
}

}  // namespace tradewind::stream
