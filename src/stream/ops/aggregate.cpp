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
  context.keep("table", *table_);
  if (mode_ == AggregateMode::partial) {
    partial_ = TRY(AggregateTable::make(step_, *output_, context.dictionary(dictionary_ + "#partial"),
                                        context.groups()));
    context.keep("partial", *partial_);
  }
  return {};
}

Result<> AggregateOperator::process(const Batch& rows, Collector&) {
  std::vector<LateRow> late;
  expr::Notes notes;
  if (partial_ != nullptr && !adopted_) {  // one worker kept how far the partitions are with the table
    adopted_ = true;
    for (const auto& [partition, time] : table_->progress()) partial_->raise_progress(partition, time);
  }
  AggregateTable& into = partial_ != nullptr ? *partial_ : *table_;
  TRY(into.fold_rows(rows, late, notes));
  for (const expr::Note& note : notes) {
    RowNote told;
    told.query = context_->query();
    told.step = "group by";
    told.reason = note.reason;
    told.partition = rows.origin().partition;
    context_->note(std::move(told));
  }
  if (!late.empty()) TRY(keep_late(rows, late));
  return {};
}

// A late row is kept as text in the side topic: its columns as far as they were read, and why it was late.
Result<> AggregateOperator::keep_late(const Batch& rows, const std::vector<LateRow>& late) {
  late_rows_ += static_cast<int64_t>(late.size());
  for (const auto& [row, stream_time_ms] : late) {
    std::string text = "{";
    for (size_t i = 0; i < rows.schema()->size(); ++i) {
      if (!rows.has(i)) continue;
      const Field& field = (*rows.schema())[i];
      if (text.size() > 1) text += ",";
      text += "\"" + field.name + "\":";
      const Value value = value_at(*rows.column(i), row);
      const bool plain = value.is_null() || (field.type.is_number() && field.type.kind() != Kind::real);
      std::string shown = value_text(field.type, value);
      std::string escaped;
      for (const char c : shown) {
        if (c == '"' || c == '\\') escaped += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) escaped += c;
      }
      text += plain ? escaped : "\"" + escaped + "\"";
    }
    const int64_t time = rows.times_ms()[row];
    text += ",\"EVENT_TIME\":" + std::to_string(time) + ",\"STREAM_TIME\":" + std::to_string(stream_time_ms) +
            "}";
    const log::RecordView record{.value = text, .time = Timestamp{time}};
    TRY(context_->append({late_topic(context_->query()), 0}, {&record, 1}));
  }
  return {};
}

// How far the slowest partition is that still speaks; the greatest number when none does, nothing while one
// that is waited for has not begun.
std::optional<int64_t> AggregateOperator::slowest() const {
  int64_t slowest = INT64_MAX;
  for (int32_t p = 0; p < context_->source_partitions(); ++p) {
    const auto at = table_->progress().find(p);
    if (context_->idle(p) && (at == table_->progress().end() || at->second < slowest)) continue;
    if (at == table_->progress().end()) return std::nullopt;
    slowest = std::min(slowest, at->second);
  }
  return slowest;
}

// Windows that start before it have closed. Where every partition is silent the furthest of them counts, and
// after stream.idle_close event time goes on with the clock.
std::optional<int64_t> AggregateOperator::closed_before() const {
  const Duration silence = context_->silence();
  std::optional<int64_t> time = slowest();
  if (time == INT64_MAX || silence.count() > 0) {
    time.reset();
    for (const auto& [partition, reached] : table_->progress()) {
      if (partition >= 0) time = std::max(time.value_or(INT64_MIN), reached);
    }
  }
  if (!time) return std::nullopt;
  const Timestamp passed = Timestamp{*time} + silence - step_.window->size - step_.window->grace;
  return (floor_to(passed, step_.window->advance) + step_.window->advance).ms;
}

bool AggregateOperator::closing_due() const {
  if (!step_.final) return false;
  const auto bound = closed_before();
  return bound && table_->has_closed(*bound);
}

// Windows may go when the slowest partition that still speaks has passed their end by the retention.
void AggregateOperator::expire() {
  if (!step_.window || table_->progress().empty()) return;
  const auto known = slowest();
  if (!known || *known == INT64_MAX) return;
  const int64_t slowest = *known;
  const int64_t size = step_.window->size.count();
  const int64_t kept = std::max(step_.window->retention.count(), size + step_.window->grace.count());
  // A window goes when start + kept <= slowest: at once with grace only, so that it is never written again.
  const Duration advance = step_.window->advance;
  const int64_t bound = (floor_to(Timestamp{slowest - kept}, advance) + advance).ms;
  table_->expire_before(bound);
}

Result<> AggregateOperator::send_partials() {
  std::vector<Bytes> by_group;
  std::map<int32_t, int64_t> progress = partial_->progress();
  int64_t newest = INT64_MIN;
  for (const auto& [partition, time] : progress) newest = std::max(newest, time);
  const int64_t step = step_.window ? step_.window->advance.count() : INT64_MAX;
  const bool tell = step_.window && (told_ms_ == INT64_MIN || newest - told_ms_ >= step);
  if (!partial_->has_changes() && !tell) return {};
  partial_->take_partials(by_group);
  for (size_t g = 0; g < by_group.size(); ++g) {
    if (by_group[g].empty()) continue;
    const log::RecordView record{.value = by_group[g], .time = Timestamp{newest}};
    TRY(context_->append({partials_topic(context_->query()), static_cast<int32_t>(g)}, {&record, 1}));
  }
  if (tell) told_ms_ = newest;
  return {};
}

Result<> AggregateOperator::flush(Collector& out) {
  if (partial_ != nullptr) TRY(send_partials());
  if (step_.final) {
    if (const auto bound = closed_before()) TRY(table_->emit_closed(output_, *bound, 1024, out));
    expire();
    return {};
  }
  expire();
  return table_->emit_changes(output_, retracts_, 1024, out);
}

Result<> AggregateOperator::merge(BytesView partials) {
  return table_->merge(partials);
}

}  // namespace tradewind::stream
