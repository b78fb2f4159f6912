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
    look_up(rows, keys_.left(rows), 0, static_cast<uint32_t>(rows.rows()));
    return emit(rows, out);
  }

  Result<> process_right(const Batch& rows, Collector&) override {
    codec_.begin(rows);
    change(rows, keys_.right(rows), 0, static_cast<uint32_t>(rows.rows()));
    replaced_.clear();
    return {};
  }

  Result<> process_merged(const MergedRows& rows, Collector& out) override {
    const auto ids = keys_.all(rows);
    constexpr uint32_t kNoPart = 0xffffffff;
    uint32_t left = kNoPart;  // whose rows have been looked up
    uint32_t begun = kNoPart;
    for (const MergedRows::Run& run : rows.runs) {
      const MergedRows::Part& part = rows.parts[run.part];
      if (part.input != 0) {
        if (begun != run.part) codec_.begin(part.rows);
        begun = run.part;
        change(part.rows, ids[run.part].data(), run.from, run.to);
        continue;
      }
      if (left != run.part && left != kNoPart) TRY(emit(rows.parts[left].rows, out));
      left = run.part;
      look_up(part.rows, ids[run.part].data(), run.from, run.to);
    }
    if (left != kNoPart) TRY(emit(rows.parts[left].rows, out));
    replaced_.clear();
    return {};
  }

  size_t changed_bytes() const override { return table_->changed_bytes(); }

 private:
  void look_up(const Batch& rows, const uint32_t* ids, uint32_t from, uint32_t to) {
    const bool outer = parts_.step.kind == JoinStep::Kind::left;
    for (uint32_t i = from; i < to; ++i) {
      if (rows.change(i) == Change::retract) continue;
      const BytesView row = ids[i] == Dictionary::kNone ? BytesView() : table_->find(ids[i]);
      if (row.empty() && !outer) continue;
      left_.push_back(i);
      left_ids_.push_back(ids[i]);
      found_.push_back(row);
    }
  }

  void change(const Batch& rows, const uint32_t* ids, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; ++i) {
      if (ids[i] == Dictionary::kNone) continue;
      RowBytes old =
          table_->replace(ids[i], rows.change(i) == Change::retract ? RowBytes() : codec_.encode(i));
      if (!left_.empty() && !old.empty()) replaced_.push_back(std::move(old));  // it may have been found
    }
  }

  // Gives out the rows that have been looked up, beside what they have found.
  Result<> emit(const Batch& rows, Collector& out) {
    if (left_.empty()) return {};
    const bool all = left_.size() == rows.rows();
    const Batch some = all ? rows : rows.filtered(left_);
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < parts_.left.size(); ++i)
      columns.push_back(parts_.left_kept[i] ? some.column(i) : nullptr);
    codec_.columns(found_, columns);
    keys_.columns(left_ids_, columns);
    columns.push_back(time_column(some.times_ms()));
    // Rows that are left are inserts: others have been passed over.
    Batch joined(output_, std::move(columns), some.times_ms());
    left_.clear();
    left_ids_.clear();
    found_.clear();
    return out.emit(std::move(joined));
  }

  JoinParts parts_;
  SchemaPtr output_;
  JoinKeys keys_;
  RowCodec codec_;
  std::unique_ptr<KeyedRows> table_;
  std::vector<uint32_t> left_;  // rows of the batch at hand that give results
  std::vector<uint32_t> left_ids_;
  std::vector<BytesView> found_;
  std::vector<RowBytes> replaced_;  // rows of the table that results still view
};

}  // namespace

std::unique_ptr<JoinOperator> make_stream_table_join(JoinParts parts) {
  return std::make_unique<StreamTableJoin>(std::move(parts));
}

}  // namespace tradewind::stream
