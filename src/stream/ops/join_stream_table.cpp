// A stream joined with a table: each row of the stream looks up what the table holds when it comes.
#include "stream/ops/join.h"
#include "stream/ops/join_state.h"

namespace tradewind::stream {
namespace {

class StreamTableJoin final : public JoinOperator {
 public:
  explicit StreamTableJoin(JoinParts parts)
      : parts_(std::move(parts)),
        output_(std::make_shared<const Schema>(parts_.output)),
        keys_(parts_.step),
        codec_(parts_.right, parts_.right_kept) {}

  Result<> open(Context& context) override {
    keys_.open(context, parts_.name);
    table_ = std::make_unique<KeyedRows>(keys_.dictionary());
    context.keep(parts_.name, *table_);
    return {};
  }

  Result<> process(const Batch& rows, Collector& out) override {
    const uint32_t* ids = keys_.left(rows);
    const bool outer = parts_.step.kind == JoinStep::Kind::left;
    std::vector<uint32_t> left;
    std::vector<uint32_t> left_ids;
    std::vector<BytesView> found;
    for (uint32_t i = 0; i < rows.rows(); ++i) {
      const BytesView row = ids[i] == Dictionary::kNone ? BytesView() : table_->find(ids[i]);
      if (row.empty() && !outer) continue;
      left.push_back(i);
      left_ids.push_back(ids[i]);
      found.push_back(row);
    }
    if (left.empty()) return {};
    const Batch some = left.size() == rows.rows() ? rows : rows.filtered(std::move(left));
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < parts_.left.size(); ++i)
      columns.push_back(parts_.left_kept[i] ? some.column(i) : nullptr);
    codec_.columns(found, columns);
    keys_.columns(left_ids, columns);
    columns.push_back(time_column(some.times_ms()));
    Batch joined = some.with_columns(output_, std::move(columns));
    joined.with_origin({});
    return out.emit(std::move(joined));
  }

  Result<> process_right(const Batch& rows, Collector&) override {
    const uint32_t* ids = keys_.right(rows);
    codec_.begin(rows);
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (ids[i] == Dictionary::kNone) continue;
      table_->replace(ids[i], rows.change(i) == Change::retract ? RowBytes() : codec_.encode(i));
    }
    return {};
  }

  size_t changed_bytes() const override { return table_->changed_bytes(); }

 private:
  JoinParts parts_;
  SchemaPtr output_;
  JoinKeys keys_;
  RowCodec codec_;
  std::unique_ptr<KeyedRows> table_;
};

}  // namespace

std::unique_ptr<JoinOperator> make_stream_table_join(JoinParts parts) {
  return std::make_unique<StreamTableJoin>(std::move(parts));
}

}  // namespace tradewind::stream
