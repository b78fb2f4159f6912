#include "stream/ops/sliding_aggregate.h"

namespace tradewind::stream {
namespace {

constexpr size_t kRowsPerBatch = 1024;

}  // namespace

SlidingOperator::SlidingOperator(AggregateStep step, Schema output, bool retracts, std::string dictionary)
    : step_(std::move(step)),
      output_(std::make_shared<const Schema>(std::move(output))),
      retracts_(retracts),
      dictionary_(std::move(dictionary)) {}

Result<> SlidingOperator::open(Context& context) {
  context_ = &context;
  table_ = std::make_unique<SlidingTable>(step_, context.dictionary(dictionary_), context.groups());
  context.keep("sliding", *table_);
  return {};
}

Result<> SlidingOperator::process(const Batch& rows, Collector& out) {
  std::vector<LateRow> late;
  expr::Notes notes;
  std::vector<Value> each;
  TRY(table_->fold_rows(rows, late, notes, step_.each ? &each : nullptr));
  tell(*context_, rows, notes);
  TRY(late_.keep(*context_, rows, late));
  tell_left_out(rows);
  if (each.empty()) return {};
  return out.emit(table_->batch_of(output_, each, rows.origin()));
}

// Once a batch.
void SlidingOperator::tell_left_out(const Batch& rows) {
  const int64_t more = table_->left_out() - left_out_told_;
  if (more == 0) return;
  left_out_told_ += more;
  RowNote note;
  note.query = context_->query();
  note.step = "window";
  note.reason = "a group has too many rows in its window: " + std::to_string(more) +
                " of the oldest are left out; use a shorter SIZE or group by more";
  note.partition = rows.origin().partition;
  context_->note(std::move(note));
}

Result<> SlidingOperator::flush(Collector& out) {
  std::optional<int64_t> reached = slowest(*context_, table_->progress());
  if (reached == INT64_MAX || table_->progress().empty()) reached.reset();
  return table_->emit_changes(output_, retracts_, reached, kRowsPerBatch, out);
}

}  // namespace tradewind::stream
