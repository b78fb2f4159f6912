#include <algorithm>

#include "base/coding.h"
#include "base/hash.h"
#include "log/partitioner.h"
#include "stream/ops/ops.h"

namespace tradewind::stream {
namespace {

schema::SerdeSpec spec_of(const SinkSpec& sink, const Schema& input, bool key) {
  schema::SerdeSpec spec;
  spec.format = key ? sink.key_format : sink.value_format;
  spec.key = key;
  spec.topic = sink.topic;
  spec.delimiter = sink.delimiter;
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
    value_encoder_ = TRY(schema::make_encoder(spec_of(sink_, input_, false), &registry_));
    for (int32_t p = 0; p < sink_.partitions; ++p) positions_.push_back({sink_.topic, p});
    by_partition_.resize(positions_.size());
    if (!sink_.timestamp_column.empty()) time_column_ = input_.find(sink_.timestamp_column);
    return {};
  }

  Result<> process(const Batch& rows, Collector&) override {
    keys_.clear();
    values_.clear();
    if (key_encoder_ != nullptr) TRY(encode(*key_encoder_, sink_.key_columns, rows, keys_));
    TRY(encode(*value_encoder_, sink_.value_columns, rows, values_));
    if (sink_.window_start) append_windows(rows);
    for (std::vector<log::RecordView>& records : by_partition_) records.clear();
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
    int64_t time = rows.times_ms()[row];
    if (time_column_ && !rows.column(*time_column_)->is_null(row)) {
      time = rows.column(*time_column_)->data<int64_t>()[row];
    }
    // The partition follows the key alone, not the window: all windows of a key lie together.
    const int32_t partition = has_key ? log::partition_of(keys_[row], sink_.partitions)
                                      : static_cast<int32_t>(mix64(static_cast<uint64_t>(time), row) %
                                                             static_cast<uint64_t>(sink_.partitions));
    log::RecordView record{.value = value, .time = Timestamp{time}};
    if (has_key || sink_.window_start) record.key = key_of(row);
    by_partition_[static_cast<size_t>(partition)].push_back(record);
  }

  SinkSpec sink_;
  Schema input_;
  schema::Registry& registry_;
  Context* context_ = nullptr;
  std::unique_ptr<schema::Encoder> key_encoder_;
  std::unique_ptr<schema::Encoder> value_encoder_;
  std::optional<size_t> time_column_;
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
