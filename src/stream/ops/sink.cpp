#include <algorithm>

#include "base/coding.h"
#include "base/hash.h"
#include "log/partitioner.h"
#include "stream/ops/ops.h"
#include "stream/record_time.h"

namespace tradewind::stream {
namespace {

schema::SerdeSpec spec_of(const SinkSpec& sink, const Schema& input, bool key) {
  schema::SerdeSpec spec;
  spec.format = key ? sink.key_format : sink.value_format;
  spec.key = key;
  spec.topic = sink.topic;
  spec.detail = key ? sink.key_detail : sink.value_detail;
  for (const size_t index : key ? sink.key_columns : sink.value_columns) spec.columns.push_back(input[index]);
  return spec;
}

class Sink final : public Operator {
 public:
  Sink(SinkSpec sink, Schema input, schema::Registry& registry)
      : sink_(std::move(sink)), input_(std::move(input)), registry_(registry) {}

  Result<> open(Context& context) override {
    context_ = &context;
    if (sink_.key_format != schema::Format::none && !sink_.key_columns.empty()) {
      key_encoder_ = TRY(schema::make_encoder(spec_of(sink_, input_, true), &registry_));
    }
    const schema::SerdeSpec value = spec_of(sink_, input_, false);
    value_encoder_ = TRY(schema::make_encoder(value, &registry_));
    bare_value_ = !value.wrapped() || sink_.value_format == schema::Format::kafka ||
                  (sink_.value_format == schema::Format::delimited && sink_.value_columns.size() == 1);
    for (int32_t p = 0; p < sink_.partitions; ++p) positions_.push_back({sink_.topic, p});
    by_partition_.resize(positions_.size());
    if (sink_.timestamp_column.empty()) return {};
    time_column_ = input_.find(sink_.timestamp_column);
    if (time_column_)
      record_time_ = TRY(RecordTime::make(input_[*time_column_].type, sink_.timestamp_format));
    return {};
  }

  Result<> process(const Batch& rows, Collector&) override {
    keys_.clear();
    values_.clear();
    if (key_encoder_ != nullptr) TRY(encode(*key_encoder_, sink_.key_columns, rows, keys_));
    TRY(encode(*value_encoder_, sink_.value_columns, rows, values_));
    if (sink_.window_start) append_windows(rows);
    for (std::vector<log::RecordView>& records : by_partition_) records.clear();
    if (time_column_) times_ = record_time_.read(rows.column(*time_column_));
    spread_headers(rows);
    for (size_t row = 0; row < rows.rows(); ++row) place(rows, row);
    for (size_t p = 0; p < by_partition_.size(); ++p) {
      if (!by_partition_[p].empty()) TRY(context_->append(positions_[p], by_partition_[p]));
    }
    return {};
  }

 private:
  Result<> encode(schema::Encoder& encoder, const std::vector<size_t>& indexes, const Batch& rows,
                  schema::Encoded& out) {
    columns_.clear();
    for (const size_t index : indexes) columns_.push_back(rows.column(index));
    return encoder.encode(columns_, rows.rows(), out);
  }

  // Windowed keys: the key's bytes, then, as Kafka Streams writes it, the window's start; of a session its
  // end and its start.
  void append_windows(const Batch& rows) {
    windowed_.clear();
    const int64_t* starts = rows.column(*sink_.window_start)->data<int64_t>();
    const int64_t* ends = sink_.window_end ? rows.column(*sink_.window_end)->data<int64_t>() : nullptr;
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (key_encoder_ != nullptr) windowed_.bytes.append(keys_[i]);
      if (ends != nullptr) put_big64(windowed_.bytes, static_cast<uint64_t>(ends[i]));
      put_big64(windowed_.bytes, static_cast<uint64_t>(starts[i]));
      windowed_.ends.push_back(static_cast<uint32_t>(windowed_.bytes.size()));
    }
  }

  // The headers of the rows one behind the other; row i has those of headers_from_[i] to headers_from_[i +
  // 1].
  void spread_headers(const Batch& rows) {
    headers_.clear();
    headers_from_.clear();
    if (rows.headers() == nullptr) return;
    const Column& lists = *rows.headers();
    const Column& names = *lists.children()[0]->children()[0];
    const Column& values = *lists.children()[0]->children()[1];
    for (size_t row = 0; row < rows.rows(); ++row) {
      headers_from_.push_back(static_cast<uint32_t>(headers_.size()));
      for (uint32_t at = lists.offsets()[row]; at < lists.offsets()[row + 1]; ++at) {
        headers_.push_back({names.data<BytesView>()[at],
                            values.is_null(at) ? std::nullopt : std::optional(values.data<BytesView>()[at])});
      }
    }
    headers_from_.push_back(static_cast<uint32_t>(headers_.size()));
  }

  BytesView key_of(size_t row) const { return sink_.window_start ? windowed_[row] : keys_[row]; }
  bool null_key(const Batch& rows, size_t row) const {
    return sink_.key_columns.size() == 1 && rows.column(sink_.key_columns[0])->is_null(row);
  }

  void place(const Batch& rows, size_t row) {
    const bool has_key = key_encoder_ != nullptr && !null_key(rows, row);
    if (sink_.table && !has_key && !sink_.window_start) return;  // a table has no row without a key
    std::optional<BytesView> value = values_[row];
    if (rows.change(row) == Change::retract) {
      const bool replaced = sink_.table && row + 1 < rows.rows() && rows.change(row + 1) == Change::insert &&
                            key_of(row) == key_of(row + 1);
      if (replaced) return;
      value.reset();
    }
    if (bare_value_ && rows.column(sink_.value_columns[0])->is_null(row)) value.reset();
    int64_t time = rows.times_ms()[row];
    if (time_column_ && times_[row]) time = *times_[row];
    // The partition follows the key alone, not the window: all windows of a key lie together.
    const int32_t partition = has_key ? log::partition_of(keys_[row], sink_.partitions)
                                      : static_cast<int32_t>(mix64(static_cast<uint64_t>(time), row) %
                                                             static_cast<uint64_t>(sink_.partitions));
    log::RecordView record{.value = value, .time = Timestamp{time}};
    if (has_key || sink_.window_start) record.key = key_of(row);
    if (!headers_from_.empty()) {
      record.headers = headers_.data() + headers_from_[row];
      record.header_count = headers_from_[row + 1] - headers_from_[row];
    }
    by_partition_[static_cast<size_t>(partition)].push_back(record);
  }

  SinkSpec sink_;
  Schema input_;
  schema::Registry& registry_;
  Context* context_ = nullptr;
  std::unique_ptr<schema::Encoder> key_encoder_;
  std::unique_ptr<schema::Encoder> value_encoder_;
  std::optional<size_t> time_column_;
  RecordTime record_time_;
  std::vector<std::optional<int64_t>> times_;
  bool bare_value_ = false;  // null instead of it is a record without a value
  std::vector<log::HeaderView> headers_;
  std::vector<uint32_t> headers_from_;  // empty: no row has any
  std::vector<ColumnPtr> columns_;
  schema::Encoded keys_;
  schema::Encoded values_;
  schema::Encoded windowed_;
  std::vector<log::Position> positions_;
  std::vector<std::vector<log::RecordView>> by_partition_;
};

}  // namespace

std::unique_ptr<Operator> make_sink(const SinkSpec& sink, const Schema& input, schema::Registry& registry) {
  return std::make_unique<Sink>(sink, input, registry);
}

}  // namespace tradewind::stream
