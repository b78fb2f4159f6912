#include "stream/ops/session_aggregate.h"

#include <algorithm>

namespace tradewind::stream {
namespace {

constexpr size_t kRowsPerBatch = 1024;

}  // namespace

SessionOperator::SessionOperator(AggregateStep step, Schema output, bool retracts, std::string dictionary)
    : step_(std::move(step)),
      output_(std::make_shared<const Schema>(std::move(output))),
      retracts_(retracts),
      dictionary_(std::move(dictionary)) {}

Result<> SessionOperator::open(Context& context) {
  context_ = &context;
  table_ = std::make_unique<SessionTable>(step_, context.dictionary(dictionary_), context.groups());
  context.keep("sessions", *table_);
  return {};
}

Result<> SessionOperator::process(const Batch& rows, Collector&) {
  std::vector<LateRow> late;
  expr::Notes notes;
  TRY(table_->fold_rows(rows, late, notes));
  tell(*context_, rows, notes);
  return late_.keep(*context_, rows, late);
}

// A session has closed when stream time is past its end by more than the gap and the grace.
std::optional<int64_t> SessionOperator::closed_before() const {
  const auto time = closing_time(*context_, table_->progress());
  if (!time) return std::nullopt;
  return *time - step_.window->size.count() - step_.window->grace.count();
}

bool SessionOperator::closing_due() const {
  if (!step_.final) return false;
  const auto bound = closed_before();
  return bound && table_->has_closed(*bound);
}

Result<> SessionOperator::flush(Collector& out) {
  const auto bound = closed_before();
  if (!step_.final) {
    TRY(table_->emit_changes(output_, retracts_, kRowsPerBatch, out));
  } else if (bound) {
    TRY(table_->emit_closed(output_, *bound, kRowsPerBatch, out));
  }
  const auto slow = slowest(*context_, table_->progress());
  if (!slow || *slow == INT64_MAX) return {};
  const int64_t least = (step_.window->size + step_.window->grace).count();
  table_->expire_before(*slow - std::max(step_.window->retention.count(), least));
  return {};
}

}  // namespace tradewind::stream
