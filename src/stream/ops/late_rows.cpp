#include "stream/ops/late_rows.h"

#include "stream/runtime.h"
#include "stream/topology.h"

namespace tradewind::stream {

Result<> LateRows::open(const Batch& rows) {
  schema::SerdeSpec spec;
  spec.format = schema::Format::json;
  for (size_t i = 0; i < rows.schema()->size(); ++i) {
    const Field& field = (*rows.schema())[i];
    if (!rows.has(i) || is_pseudo_column(field.name)) continue;
    columns_.push_back(i);
    spec.columns.push_back(field);
  }
  spec.columns.push_back({kEventTime, Kind::bigint});
  spec.columns.push_back({kStreamTime, Kind::bigint});
  encoder_ = TRY(schema::make_encoder(spec, nullptr));
  return {};
}

Result<> LateRows::keep(Context& context, const Batch& rows, const std::vector<LateRow>& late) {
  if (late.empty()) return {};
  if (encoder_ == nullptr) TRY(open(rows));
  std::vector<uint32_t> which;
  auto times = std::make_shared<Column>(Kind::bigint, late.size());
  auto stream_times = std::make_shared<Column>(Kind::bigint, late.size());
  for (size_t i = 0; i < late.size(); ++i) {
    which.push_back(late[i].row);
    times->data<int64_t>()[i] = rows.times_ms()[late[i].row];
    stream_times->data<int64_t>()[i] = late[i].stream_time_ms;
  }
  const Batch kept = rows.filtered(std::move(which));
  std::vector<ColumnPtr> columns;
  for (const size_t i : columns_) columns.push_back(kept.column(i));
  columns.push_back(times);
  columns.push_back(std::move(stream_times));
  encoded_.clear();
  TRY(encoder_->encode(columns, late.size(), encoded_));
  std::vector<log::RecordView> records;
  for (size_t i = 0; i < late.size(); ++i) {
    records.push_back({.value = encoded_[i], .time = Timestamp{times->data<int64_t>()[i]}});
  }
  count_ += static_cast<int64_t>(late.size());
  return context.append({late_topic(context.query()), 0}, records);
}

}  // namespace tradewind::stream
