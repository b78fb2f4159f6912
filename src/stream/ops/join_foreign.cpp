// A table joined with another one that its rows point to: one row of the right side gives a result for each
// row of the left side that points to it.
//
// Rows of the left side come as updates (retract old, insert new), so that where the old one pointed is
// known.
#include "stream/ops/join.h"
#include "stream/ops/join_state.h"

namespace tradewind::stream {
namespace {

class ForeignKeyJoin final : public JoinOperator {
 public:
  explicit ForeignKeyJoin(JoinParts parts)
      : parts_(std::move(parts)),
        keys_(parts_.step),
        joined_(parts_, keys_),
        row_key_(types_of(parts_.left, parts_.step.row_keys)) {}

  Result<> open(Context& context) override {
    keys_.open(context, parts_.name);
    left_ = std::make_unique<ForeignRows>(keys_.dictionary());
    right_ = std::make_unique<KeyedRows>(keys_.dictionary());
    context.keep(parts_.name + ".left", *left_);
    context.keep(parts_.name + ".right", *right_);
    return {};
  }

  Result<> process(const Batch& rows, Collector& out) override {
    const uint32_t* ids = keys_.left(rows);
    joined_.left().begin(rows);
    std::vector<ColumnPtr> row_keys;
    for (const size_t i : parts_.step.row_keys) row_keys.push_back(rows.column(i));
    Bytes row_key;
    for (size_t i = 0; i < rows.rows(); ++i) {
      const Change change = rows.change(i);
      const uint32_t id = ids[i];
      const BytesView row = joined_.keep(joined_.left().encode(i));
      if (id != Dictionary::kNone) {
        row_key.clear();
        row_key_.encode(row_keys, i, row_key);
        joined_.keep(left_->replace(id, row_key, change == Change::retract ? RowBytes() : RowBytes(row)));
      }
      add(row, id == Dictionary::kNone ? BytesView() : right_->find(id), id, change, rows.times_ms()[i]);
      // A row that is taken back and comes again stays in one batch.
      if (joined_.full() && change == Change::insert) TRY(joined_.emit(out));
    }
    return joined_.emit(out);
  }

  Result<> process_right(const Batch& rows, Collector& out) override {
    const uint32_t* ids = keys_.right(rows);
    joined_.right().begin(rows);
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t id = ids[i];
      if (id == Dictionary::kNone) continue;
      const bool gone = rows.change(i) == Change::retract;
      RowBytes replaced = right_->replace(id, gone ? RowBytes() : joined_.right().encode(i));
      const RowBytes old(std::move(replaced));
      const BytesView now = right_->find(id);
      for (const auto& [row_key, row] : left_->find(id)) {
        add(row.view(), old.view(), id, Change::retract, rows.times_ms()[i]);
        add(row.view(), now, id, Change::insert, rows.times_ms()[i]);
        if (joined_.full()) TRY(joined_.emit(out));
      }
      TRY(joined_.emit(out));  // what was replaced goes now
    }
    return {};
  }

  // Its left rows come by way of what keeps them, so no topic's rows come here.
  Result<> process_merged(const MergedRows&, Collector&) override {
    return Error{Code::invalid, "a join by a foreign key takes one side at a time"};
  }

  size_t changed_bytes() const override { return left_->changed_bytes() + right_->changed_bytes(); }

 private:
  void add(BytesView left, BytesView right, uint32_t id, Change change, int64_t came_ms) {
    if (!right.empty() || parts_.step.kind == JoinStep::Kind::left)
      joined_.add(left, right, id, change, came_ms);
  }

  JoinParts parts_;
  JoinKeys keys_;
  JoinedRows joined_;
  RowKey row_key_;
  std::unique_ptr<ForeignRows> left_;
  std::unique_ptr<KeyedRows> right_;
};

}  // namespace

std::unique_ptr<JoinOperator> make_foreign_key_join(JoinParts parts) {
  return std::make_unique<ForeignKeyJoin>(std::move(parts));
}

}  // namespace tradewind::stream
