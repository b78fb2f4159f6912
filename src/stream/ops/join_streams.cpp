// Two streams joined: rows of one key meet that lie near enough in time.
//
// Event time is that of both sides together and moves row by row. A row that nobody can meet any more, for it
// is past its window and grace, is late; one of an outer side that nobody has met comes out alone when event
// time has passed its window and grace, and meets nobody afterwards. An eager join gives it out alone as soon
// as it comes and finds nobody, whoever may come later.
#include "stream/ops/join.h"
#include "stream/ops/join_window.h"
#include "stream/ops/late_rows.h"

namespace tradewind::stream {
namespace {

class StreamJoin final : public JoinOperator {
 public:
  explicit StreamJoin(JoinParts parts)
      : parts_(std::move(parts)), keys_(parts_.step), joined_(parts_, keys_) {}

  Result<> open(Context& context) override {
    using Kind = JoinStep::Kind;
    context_ = &context;
    keys_.open(context, parts_.name);
    const Kind kind = parts_.step.kind;
    const int64_t before = parts_.step.window->before.count();
    const int64_t after = parts_.step.window->after.count();
    const int64_t grace = parts_.step.window->grace.count();
    const int64_t kept = before + after + grace;
    left_.outer = kind == Kind::left || kind == Kind::full;
    right_.outer = kind == Kind::right || kind == Kind::full;
    left_.from = -before;
    left_.to = after;
    right_.from = -after;
    right_.to = before;
    for (Side* side : {&left_, &right_}) {
      side->reach = side->to + grace;
      const bool waits = side->outer && !parts_.step.window->eager;
      side->rows = std::make_unique<WindowRows>(keys_.dictionary(), waits, side->reach, kept);
    }
    context.keep(parts_.name + ".left", *left_.rows);
    context.keep(parts_.name + ".right", *right_.rows);
    return {};
  }

  Result<> process(const Batch& rows, Collector& out) override {
    return take_all(rows, keys_.left(rows), true, out);
  }
  Result<> process_right(const Batch& rows, Collector& out) override {
    return take_all(rows, keys_.right(rows), false, out);
  }
  Result<> process_merged(const MergedRows& rows, Collector& out) override {
    const auto ids = keys_.all(rows);
    std::vector<std::vector<LateRow>> late(rows.parts.size());
    MergedCodecs codecs(joined_);
    for (const MergedRows::Run& run : rows.runs) {
      const MergedRows::Part& part = rows.parts[run.part];
      codecs.begin(rows, run.part);
      TRY(take(part.rows, ids[run.part].data(), part.input == 0, run.from, run.to, late[run.part], out));
    }
    for (size_t i = 0; i < late.size(); ++i) {
      const MergedRows::Part& part = rows.parts[i];
      TRY((part.input == 0 ? left_ : right_).late.keep(*context_, part.rows, late[i]));
    }
    return joined_.emit(out);
  }

  // Where nothing comes any more, event time goes on with the clock.
  Result<> flush(Collector& out) override {
    const Duration silence = context_->silence();
    if (silence.count() > 0 && newest_ != INT64_MIN) {
      move_time(newest_ + silence.count());
      TRY(close(out));
    }
    return joined_.emit(out);
  }

  bool closing_due() const override {
    const Duration silence = context_->silence();
    if (silence.count() == 0 || newest_ == INT64_MIN) return false;
    const int64_t time = std::max(stream_time(), newest_ + silence.count());
    return left_.rows->closed(time) || right_.rows->closed(time);
  }

  int64_t late_rows() const override { return left_.late.count() + right_.late.count(); }
  size_t changed_bytes() const override { return left_.rows->changed_bytes() + right_.rows->changed_bytes(); }

 private:
  struct Side {
    bool outer = false;
    int64_t from = 0;  // where, from the time of a row, the rows of the other side lie that it meets
    int64_t to = 0;
    int64_t reach = 0;  // a row is closed when event time is past it by more
    std::unique_ptr<WindowRows> rows;
    LateRows late;
  };

  int64_t stream_time() const { return left_.rows->stream_time(); }
  void move_time(int64_t time) {
    left_.rows->raise_stream_time(time);
    right_.rows->raise_stream_time(time);
  }

  void add(BytesView mine, BytesView other, uint32_t id, bool of_left) {
    joined_.add(of_left ? mine : other, of_left ? other : mine, id);
  }

  // The rows that have closed unmatched, by time.
  Result<> close(Collector& out) {
    while (true) {
      const auto left = left_.rows->closed(stream_time());
      const auto right = right_.rows->closed(stream_time());
      if (!left && !right) return {};
      const bool of_left = left && (!right || *left <= *right);
      WindowRows::Unmatched row = (of_left ? left_ : right_).rows->take_closed();
      add(joined_.keep(std::move(row.row)), {}, row.id, of_left);
      if (joined_.full()) TRY(joined_.emit(out));
    }
  }

  Result<> take_all(const Batch& rows, const uint32_t* ids, bool of_left, Collector& out) {
    (of_left ? joined_.left() : joined_.right()).begin(rows);
    std::vector<LateRow> late;
    TRY(take(rows, ids, of_left, 0, static_cast<uint32_t>(rows.rows()), late, out));
    TRY((of_left ? left_ : right_).late.keep(*context_, rows, late));
    return joined_.emit(out);
  }

  Result<> take(const Batch& rows, const uint32_t* ids, bool of_left, uint32_t from, uint32_t to,
                std::vector<LateRow>& late, Collector& out) {
    Side& mine = of_left ? left_ : right_;
    Side& other = of_left ? right_ : left_;
    RowCodec& codec = of_left ? joined_.left() : joined_.right();
    for (uint32_t i = from; i < to; ++i) {
      if (rows.change(i) == Change::retract) continue;
      const int64_t time = rows.times_ms()[i];
      newest_ = std::max(newest_, time);
      if (time > stream_time()) {
        move_time(time);
        TRY(close(out));
      }
      const bool is_late = time < stream_time() - mine.reach;
      if (is_late) late.push_back({i, stream_time()});
      if (is_late || ids[i] == Dictionary::kNone) {
        if (mine.outer) add(joined_.keep(codec.encode(i)), {}, ids[i], of_left);
      } else {
        meet(mine, other, ids[i], time, codec.encode(i), of_left);
      }
      if (joined_.full()) TRY(joined_.emit(out));
    }
    return {};
  }

  void meet(Side& mine, Side& other, uint32_t id, int64_t time, RowBytes row, bool of_left) {
    const BytesView view = row.view();
    bool matched = false;
    other.rows->meet(id, time + mine.from, time + mine.to, [&](BytesView partner) {
      matched = true;
      add(view, partner, id, of_left);
    });
    if (!matched && mine.outer && parts_.step.window->eager)
      add(joined_.keep(RowBytes(view)), {}, id, of_left);
    mine.rows->add(id, time, std::move(row), matched);
  }

  JoinParts parts_;
  JoinKeys keys_;
  JoinedRows joined_;
  Context* context_ = nullptr;
  Side left_;
  Side right_;
  int64_t newest_ = INT64_MIN;  // time of a row since the start
};

}  // namespace

std::unique_ptr<JoinOperator> make_stream_join(JoinParts parts) {
  return std::make_unique<StreamJoin>(std::move(parts));
}

}  // namespace tradewind::stream
