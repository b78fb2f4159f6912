#include "stream/ops/join.h"

#include <algorithm>

namespace tradewind::stream {
std::unique_ptr<JoinOperator> make_join(JoinParts parts) {
  switch (parts.step.form) {
    case JoinStep::Form::stream_table: return make_stream_table_join(std::move(parts));
    case JoinStep::Form::tables: return make_table_join(std::move(parts));
    case JoinStep::Form::foreign_key: return make_foreign_key_join(std::move(parts));
    case JoinStep::Form::streams: return make_stream_join(std::move(parts));
  }
  return nullptr;
}

JoinKeys::JoinKeys(const JoinStep& step) : step_(step), row_key_(types_of(step.left_keys)) {}

void JoinKeys::open(Context& context, const std::string& name) {
  context_ = &context;
  keys_ = std::make_unique<GroupKeys>(row_key_.types(),
                                      context.dictionary("=" + context.query() + "/" + name), 1);
}

const uint32_t* JoinKeys::intern(const std::vector<expr::ExpressionPtr>& keys, const Batch& rows) {
  expr::Notes notes;
  columns_.clear();
  for (const expr::ExpressionPtr& key : keys) columns_.push_back(expr::evaluate(*key, rows, notes));
  for (const expr::Note& note : notes) {
    RowNote told;
    told.query = context_->query();
    told.step = "join";
    told.reason = note.reason;
    told.partition = rows.origin().partition;
    context_->note(std::move(told));
  }
  return keys_->intern(columns_, rows.rows());
}

std::vector<std::vector<uint32_t>> JoinKeys::all(const MergedRows& rows) {
  std::vector<std::vector<uint32_t>> all;
  for (const MergedRows::Part& part : rows.parts) {
    const uint32_t* ids = part.input == 0 ? left(part.rows) : right(part.rows);
    all.emplace_back(ids, ids + part.rows.rows());
  }
  return all;
}

void JoinKeys::columns(const std::vector<uint32_t>& ids, std::vector<ColumnPtr>& out) const {
  const Dictionary& dictionary = keys_->dictionary();
  if (row_key_.plain()) {
    auto column = std::make_shared<Column>(row_key_.types()[0], ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool null = ids[i] == Dictionary::kNone;
      column->data<BytesView>()[i] = null ? BytesView() : column->store(dictionary.key(ids[i]));
      if (null) column->set_null(i);
    }
    out.push_back(std::move(column));
    return;
  }
  std::vector<ColumnBuilder> builders;
  for (const Type& type : row_key_.types()) builders.emplace_back(type);
  for (const uint32_t id : ids) {
    if (id == Dictionary::kNone) {
      for (ColumnBuilder& builder : builders) builder.append_null();
      continue;
    }
    const auto values = row_key_.decode(dictionary.key(id));
    CHECK(values.has_value());
    for (size_t i = 0; i < builders.size(); ++i) builders[i].append((*values)[i]);
  }
  for (ColumnBuilder& builder : builders) out.push_back(builder.finish());
}

JoinedRows::JoinedRows(const JoinParts& parts, JoinKeys& keys)
    : schema_(std::make_shared<const Schema>(parts.output)),
      left_(parts.left, parts.left_kept),
      right_(parts.right, parts.right_kept),
      keys_(keys) {}

void JoinedRows::add(BytesView left, BytesView right, uint32_t key, Change change, int64_t least_ms) {
  CHECK(!left.empty() || !right.empty());
  int64_t time = least_ms;
  if (!left.empty()) time = std::max(time, RowCodec::time_of(left));
  if (!right.empty()) time = std::max(time, RowCodec::time_of(right));
  left_rows_.push_back(left);
  right_rows_.push_back(right);
  ids_.push_back(key);
  times_.push_back(time);
  changes_.push_back(change);
  retracts_ = retracts_ || change == Change::retract;
}

BytesView JoinedRows::keep(RowBytes row) {
  if (row.empty()) return {};
  kept_.push_back(std::move(row));
  return kept_.back().view();
}

Result<> JoinedRows::emit(Collector& out) {
  if (times_.empty()) {
    kept_.clear();
    return {};
  }
  std::vector<ColumnPtr> columns;
  left_.columns(left_rows_, columns);
  right_.columns(right_rows_, columns);
  keys_.columns(ids_, columns);
  columns.push_back(time_column(times_));
  Batch batch(schema_, std::move(columns), std::move(times_));
  if (retracts_) batch.with_changes(std::move(changes_));
  left_rows_.clear();
  right_rows_.clear();
  ids_.clear();
  times_.clear();
  changes_.clear();
  retracts_ = false;
  kept_.clear();
  return out.emit(std::move(batch));
}

ColumnPtr time_column(const std::vector<int64_t>& times) {
  auto column = std::make_shared<Column>(Kind::bigint, times.size());
  std::copy(times.begin(), times.end(), column->data<int64_t>());
  return column;
}

}  // namespace tradewind::stream
