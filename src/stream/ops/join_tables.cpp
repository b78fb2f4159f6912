// Two tables joined by their keys: a change of either gives the result of that key anew.
#include "stream/ops/join.h"
#include "stream/ops/join_state.h"

namespace tradewind::stream {
namespace {

class TableJoin final : public JoinOperator {
 public:
  explicit TableJoin(JoinParts parts)
      : parts_(std::move(parts)), keys_(parts_.step), joined_(parts_, keys_) {}

  Result<> open(Context& context) override {
    keys_.open(context, parts_.name);
    left_ = std::make_unique<KeyedRows>(keys_.dictionary());
    right_ = std::make_unique<KeyedRows>(keys_.dictionary());
    context.keep(parts_.name + ".left", *left_);
    context.keep(parts_.name + ".right", *right_);
    return {};
  }

  Result<> process(const Batch& rows, Collector& out) override {
    joined_.left().begin(rows);
    TRY(change(rows, keys_.left(rows), true, 0, rows.rows(), out));
    return joined_.emit(out);
  }
  Result<> process_right(const Batch& rows, Collector& out) override {
    joined_.right().begin(rows);
    TRY(change(rows, keys_.right(rows), false, 0, rows.rows(), out));
    return joined_.emit(out);
  }
  Result<> process_merged(const MergedRows& rows, Collector& out) override {
    const auto ids = keys_.all(rows);
    MergedCodecs codecs(joined_);
    for (const MergedRows::Run& run : rows.runs) {
      const MergedRows::Part& part = rows.parts[run.part];
      codecs.begin(rows, run.part);
      TRY(change(part.rows, ids[run.part].data(), part.input == 0, run.from, run.to, out));
    }
    return joined_.emit(out);
  }
  size_t changed_bytes() const override { return left_->changed_bytes() + right_->changed_bytes(); }

 private:
  bool exists(BytesView left, BytesView right) const {
    switch (parts_.step.kind) {
      case JoinStep::Kind::inner: return !left.empty() && !right.empty();
      case JoinStep::Kind::left: return !left.empty();
      case JoinStep::Kind::right: return !right.empty();
      case JoinStep::Kind::full: return !left.empty() || !right.empty();
    }
    return false;
  }

  Result<> change(const Batch& rows, const uint32_t* ids, bool of_left, size_t from, size_t to,
                  Collector& out) {
    KeyedRows& mine = of_left ? *left_ : *right_;
    const KeyedRows& others = of_left ? *right_ : *left_;
    RowCodec& codec = of_left ? joined_.left() : joined_.right();
    for (size_t i = from; i < to; ++i) {
      const uint32_t id = ids[i];
      if (id == Dictionary::kNone) continue;
      const bool gone = rows.change(i) == Change::retract;
      // Taken back only to come again at once: one change.
      const bool replaced = gone && i + 1 < to && ids[i + 1] == id && rows.change(i + 1) == Change::insert;
      if (replaced) continue;
      const BytesView old = joined_.keep(mine.replace(id, gone ? RowBytes() : codec.encode(i)));
      const BytesView now = mine.find(id);
      const BytesView other = others.find(id);
      const int64_t came_ms = rows.times_ms()[i];
      add(of_left ? old : other, of_left ? other : old, id, Change::retract, came_ms);
      add(of_left ? now : other, of_left ? other : now, id, Change::insert, came_ms);
      if (joined_.full()) TRY(joined_.emit(out));
    }
    return {};
  }

  void add(BytesView left, BytesView right, uint32_t id, Change change, int64_t came_ms) {
    if (exists(left, right)) joined_.add(left, right, id, change, came_ms);
  }

  JoinParts parts_;
  JoinKeys keys_;
  JoinedRows joined_;
  std::unique_ptr<KeyedRows> left_;
  std::unique_ptr<KeyedRows> right_;
};

}  // namespace

std::unique_ptr<JoinOperator> make_table_join(JoinParts parts) {
  return std::make_unique<TableJoin>(std::move(parts));
}

}  // namespace tradewind::stream
