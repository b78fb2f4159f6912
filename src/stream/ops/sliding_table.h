#pragma once
// SlidingTable: of each key the rows of the last stretch of time before its newest row, and their aggregates;
// what a commit writes of them, and what readers see.
//
// The window of a group is (newest - size, newest], by event time: rows that come out of order count as far
// as they lie in it, so the result does not hang on the order of rows. A group is dropped when no row that
// may still come reaches back to it. Few rows are folded whenever somebody asks; only of many is a running
// aggregate kept, where rows can be taken out of it again. Threads: one worker owns it; scan() and find() may
// be called by others while the worker's lock is held.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "data/row_key.h"
#include "expr/aggregate.h"
#include "state/durable.h"
#include "stream/operator.h"
#include "stream/ops/event_time.h"
#include "stream/ops/group_keys.h"
#include "stream/topology.h"

namespace tradewind::stream {

class SlidingTable final : public state::Durable {
 public:
  // Rows in the window of one group; beyond, the oldest are left out.
  static constexpr size_t kMostRows = 100'000;
  // The same, where the result behind each row is folded anew from all of them.
  static constexpr size_t kMostRowsFoldedEach = 10'000;
  // A group with more rows than that has a running aggregate.
  static constexpr size_t kFewRows = 16;

  SlidingTable(const AggregateStep& step, std::shared_ptr<Dictionary> keys, int32_t groups);

  // Folds rows in, one after the other. Those further behind stream time than the grace are named in `late`;
  // rows with a null key are left out. With `each` (may be null) the group's result behind every row.
  Result<> fold_rows(const Batch& rows, std::vector<LateRow>& late, expr::Notes& notes,
                     std::vector<Value>* each);
  const Progress& progress() const { return progress_; }
  int64_t left_out() const { return left_out_; }  // rows in their window, but beyond kMostRows

  // What changed since the last commit: new rows, behind the old ones as retracts if `retracts`; groups whose
  // rows can matter no more when every partition has reached `reached` are dropped and taken back. Nothing
  // when rows are given out one by one.
  Result<> emit_changes(const SchemaPtr& schema, bool retracts, std::optional<int64_t> reached,
                        size_t rows_per_batch, Collector& out);
  // The results that fold_rows() gave.
  Batch batch_of(const SchemaPtr& schema, const std::vector<Value>& each, const Origin& origin) const;
  size_t changed_bytes() const;

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override;

  // Committed rows as batches of `schema` (keys, WINDOWSTART, WINDOWEND, results). One call reads about
  // `most` rows from the cursor, a key, on and moves it; false when there is nothing behind it.
  bool scan(const SchemaPtr& schema, uint32_t& cursor, size_t most, Batch& out) const;
  Batch find(const SchemaPtr& schema, const std::vector<Value>& key) const;

 private:
  struct Row {
    int64_t time_ms;
    Bytes values;  // arguments of the calls
  };
  struct Shown {  // a result and its time
    int64_t newest_ms = INT64_MIN;
    std::vector<Value> values;
  };
  struct Pending {  // what the next commit brings
    std::vector<Row> added;
    std::optional<Shown> before;  // as committed
    Shown now;                    // as emitted
  };
  struct Group {
    std::vector<Row> rows;  // by time; the first `left` are out of the window
    size_t left = 0;
    int64_t newest_ms = INT64_MIN;
    bool committed = false;
    std::unique_ptr<char[]> state;  // the running aggregate
    std::unique_ptr<Pending> pending;

    std::span<const Row> inside() const { return std::span(rows).subspan(left); }
  };
  using Aggregates = std::vector<std::unique_ptr<expr::Aggregate>>;

  Group& touch(uint32_t id);
  Result<> put(uint32_t id, int64_t time, Bytes values);
  Result<> run(Group& group);
  Result<> count(Group& group, const Row& row, Change change);
  void move_to(uint32_t id, Group& group, int64_t time);
  Result<> leave_out_old(Group& group);
  void stop_running(Group& group);
  Result<std::vector<Value>> results(const Group& group) const;
  Result<std::vector<Value>> fold_anew(std::span<const Row> rows) const;
  void settle_running();
  void append(std::vector<Value>& rows, uint32_t id, const Shown& shown) const;
  void drop(uint32_t id);
  std::optional<Shown> committed_of(uint32_t id) const;
  void put_frame(const std::vector<uint32_t>& ids, const Progress& progress, bool whole, Bytes& out) const;
  void put_groups(const std::vector<uint32_t>& ids, bool whole, bool every_group, state::FrameSink& sink);
  void put_progress(bool moved_only, state::FrameSink& sink);
  void raise_progress(int32_t partition, int64_t time_ms);
  Result<> take_group(uint32_t id, bool whole, BytesView& in);

  AggregateStep step_;
  GroupKeys keys_;
  int32_t groups_;
  int64_t size_;
  int64_t grace_;
  Aggregates running_;  // of states that are kept; rows can be taken out of them
  Aggregates anew_;     // of states that are made to be read once
  size_t state_bytes_ = 0;
  bool takes_out_ = true;  // every aggregate has a form that runs
  RowKey values_;

  std::vector<std::unique_ptr<Group>> by_key_;     // by id
  std::set<std::pair<int64_t, uint32_t>> newest_;  // of all groups
  std::vector<uint32_t> changed_;                  // in the order of their first change
  std::vector<uint32_t> gone_;                     // since the last commit
  size_t rows_ = 0;
  size_t value_bytes_ = 0;
  size_t states_ = 0;
  size_t most_rows_ = kMostRows;
  size_t dropped_ = 0;  // states, since they were settled
  int64_t left_out_ = 0;

  Progress progress_;
  Progress saved_progress_;
  int64_t expired_ = INT64_MIN;  // groups whose newest row is older are gone
  int64_t saved_expired_ = INT64_MIN;
  uint32_t snapshot_at_ = 0;  // key
  bool restoring_ = false;
};

}  // namespace tradewind::stream
