#pragma once
// AggregateTable: the groups of one aggregation: interned keys, windows, states; what a commit writes of
// them, and what readers see. Used three ways: folding rows to final states, folding rows to partials, and
// merging partials.
//
// Threads: one worker owns it; the read methods may be called by others while the worker's lock is held.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "expr/aggregate.h"
#include "expr/evaluate.h"
#include "state/durable.h"
#include "state/table_state.h"
#include "stream/ops/event_time.h"
#include "stream/ops/group_keys.h"
#include "stream/topology.h"

namespace tradewind::stream {

class AggregateTable final : public state::Durable {
 public:
  static Result<std::unique_ptr<AggregateTable>> make(const AggregateStep& step, const Schema& output,
                                                      std::shared_ptr<Dictionary> keys, int32_t groups);

  // Folds rows in, each into every window that holds it. Rows that came too late for one of their windows are
  // named in `late`, once; rows with a null key are left out.
  Result<> fold_rows(const Batch& rows, std::vector<LateRow>& late, expr::Notes& notes);
  // fold_rows() of a table without windows that also gives out the group's result behind each row.
  Result<> fold_each(const Batch& rows, expr::Notes& notes, const SchemaPtr& schema, Collector& out);
  // How far event time has got in each source partition, as seen by this table; under kGivenOut the start
  // before which windows have been given out.
  const Progress& progress() const { return progress_; }
  void raise_progress(int32_t partition, int64_t time_ms);

  // The rows that changed since the last commit, as updates if `retracts`, else the new rows only.
  Result<> emit_changes(const SchemaPtr& schema, bool retracts, size_t rows_per_batch, Collector& out) const;
  bool has_changes() const { return !state_.dirty().empty(); }
  // About what a commit will write of it: a result and a frame's entry for each row.
  size_t changed_bytes() const { return state_.dirty().size() * (state_.row_bytes() + 64); }

  // The rows of windows that start before `start_ms` and have not been given out, ordered by window and key.
  // From now on they count as given out: they take no more rows.
  Result<> emit_closed(const SchemaPtr& schema, int64_t start_ms, size_t rows_per_batch, Collector& out);
  bool has_closed(int64_t start_ms) const;

  // Partials: what changed, cut by group, and into frames of `most` bytes at most where they hold several
  // rows; forgets everything. merge() takes one of them.
  void take_partials(size_t most, state::FrameSink& sink);
  Result<> merge(BytesView partials);
  // Groups of partials that came for windows which are gone (their partition had been silent for so long that
  // nobody waited for it), since the last call. They are not shown, and go with the commit.
  int64_t missed() { return std::exchange(missed_, 0); }

  // Windows that start before this are dropped at the next commit.
  void expire_before(int64_t start_ms) { expire_next_ = std::max(expire_next_, start_ms); }
  int64_t expired_before() const { return expired_; }
  // Another worker keeps this group.
  void leave_out(int32_t group) { group_expired_[static_cast<size_t>(group)] = INT64_MAX; }
  const std::optional<WindowSpec>& window() const { return step_.window; }

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override;

  // Committed rows as batches of `schema` (keys, [WINDOWSTART, WINDOWEND], results). One call reads at most
  // `most` rows from `cursor` on, and moves it; false when there is nothing behind it.
  struct Cursor {
    int64_t window = INT64_MIN;
    uint32_t row = 0;
  };
  bool scan(const SchemaPtr& schema, Cursor& cursor, int64_t window_to, size_t most, Batch& out) const;
  // The committed rows of one key, in windows [from, to].
  Batch find(const SchemaPtr& schema, const std::vector<Value>& key, int64_t from, int64_t to) const;

 private:
  bool has_expired() const {
    return step_.window && !state_.windows().empty() && state_.windows().begin()->first < expired_;
  }
  struct Seen {  // a row to show, and its window
    const char* row;
    int64_t window;
  };

  AggregateTable(AggregateStep step, std::shared_ptr<Dictionary> keys, int32_t groups);
  void add_total();
  std::vector<ColumnPtr> begin_fold(const Batch& rows, std::vector<ColumnPtr>& keys, expr::Notes& notes);
  Result<> fold_pass(const Batch& rows, const std::vector<ColumnPtr>& arguments);
  int64_t find_windows(const Batch& rows, int64_t pass, int64_t stream_time, std::vector<LateRow>& late);
  void find_rows(const int64_t* times, size_t count);
  Batch batch_of(const SchemaPtr& schema, const std::vector<Seen>& rows,
                 const std::vector<Change>* changes) const;
  void put_frame(const char* const* rows, const int64_t* windows, size_t count, const Progress& progress,
                 bool whole, Bytes& out) const;
  struct Dirty {  // rows of a group that changed, and their windows
    int32_t group;
    const char* const* rows;
    const int64_t* windows;
    size_t count;
  };
  void give_partials(const Dirty& dirty, const Progress& progress, size_t most, state::FrameSink& sink);
  void put_progress(bool moved_only, state::FrameSink& sink);
  Result<> take_frame(BytesView frame, std::optional<int32_t> group);

  AggregateStep step_;
  GroupKeys keys_;
  int32_t groups_;
  std::vector<std::unique_ptr<expr::Aggregate>> aggregates_;
  state::TableState state_;
  bool grows_ = false;

  Progress progress_;
  Progress saved_progress_;
  int64_t expired_ = INT64_MIN;
  int64_t closed_ = INT64_MIN;  // windows that start before this are gone or given out
  int64_t expire_next_ = INT64_MIN;
  // What frames say of each group: workers that were more had not dropped the same windows of all of them.
  std::vector<int64_t> group_expired_;
  int64_t missed_ = 0;
  Cursor snapshot_at_;

  const uint32_t* ids_ = nullptr;  // of the batch at hand
  std::vector<char*> rows_;
  std::vector<state::TableState::Window*> windows_;
  std::vector<uint64_t> stretch_of_;  // of fold_each(), by key: the last one it was in
  uint64_t stretch_ = 0;
  Bytes scratch_;
};

}  // namespace tradewind::stream
