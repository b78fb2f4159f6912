#pragma once
// SessionTable: the sessions of each key and their aggregates; what a commit writes of them, and what readers
// see.
//
// A session holds [start, end], the times of its first and its last row. A row within the gap of one extends
// it; of several, merges them, the oldest first. Threads: one worker owns it; scan() and find() may be called
// by others while the worker's lock is held.

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "expr/aggregate.h"
#include "expr/evaluate.h"
#include "state/durable.h"
#include "stream/ops/event_time.h"
#include "stream/ops/group_keys.h"
#include "stream/topology.h"

namespace tradewind::stream {

class SessionTable final : public state::Durable {
 public:
  SessionTable(const AggregateStep& step, std::shared_ptr<Dictionary> keys, int32_t groups);

  // Folds rows in, one after the other. Rows that came too late are named in `late`; rows with a null key are
  // left out.
  Result<> fold_rows(const Batch& rows, std::vector<LateRow>& late, expr::Notes& notes);
  const Progress& progress() const { return progress_; }

  // What changed since the last commit: each session that is no more as a retract with its end as its time,
  // then the new ones; a session that only took in more as an update if `retracts`, else its new row.
  Result<> emit_changes(const SchemaPtr& schema, bool retracts, size_t rows_per_batch, Collector& out) const;
  // The sessions that end before `end_ms` and have not been given out, by start and key. From now on they
  // count as given out: they take no more rows.
  Result<> emit_closed(const SchemaPtr& schema, int64_t end_ms, size_t rows_per_batch, Collector& out);
  bool has_closed(int64_t end_ms) const;
  size_t changed_bytes() const;

  // Sessions that end before this are dropped at the next commit.
  void expire_before(int64_t end_ms);

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override;

  // Committed rows as batches of `schema` (keys, WINDOWSTART, WINDOWEND, results), of sessions that begin in
  // [from, to]. One call reads about `most` rows from the cursor on and moves it; false when there is nothing
  // behind it.
  struct Cursor {
    int64_t from = INT64_MIN;
    int64_t to = INT64_MAX;
    uint32_t key = 0;
  };
  bool scan(const SchemaPtr& schema, Cursor& cursor, size_t most, Batch& out) const;
  // The committed sessions of one key that begin in [from, to].
  Batch find(const SchemaPtr& schema, const std::vector<Value>& key, int64_t from, int64_t to) const;

 private:
  struct Session {
    int64_t start = 0;
    int64_t end = 0;
    std::unique_ptr<char[]> row;  // the states of the aggregates
    bool changed = false;         // since the last commit
  };
  struct Key {
    std::vector<Session> sessions;  // by end
    bool changed = false;
    std::vector<Session> before;  // while it is changed: as committed
  };
  struct Seen {  // a session to show, and whose it is
    const Session* session;
    uint32_t key;
  };

  std::unique_ptr<char[]> new_row() const;
  Key& touch(uint32_t id);
  Result<char*> place(uint32_t id, int64_t time, int64_t stream_time, bool& merges);
  Result<> add(const std::vector<ColumnPtr>& arguments, const Change* changes, size_t to);
  Result<> merge(Session& into, Session& from);
  void drop_row(char* row);
  void forget_key(uint32_t id);
  static const std::vector<Session>& committed_sessions(const Key& key) {
    return key.changed ? key.before : key.sessions;
  }
  void see(uint32_t id, int64_t from, int64_t to, std::vector<Seen>& rows) const;
  Batch batch_of(const SchemaPtr& schema, const std::vector<Seen>& rows,
                 const std::vector<Change>* changes) const;
  void put_frame(const std::vector<uint32_t>& keys, const Progress& progress, Bytes& out) const;
  void put_keys(const std::vector<uint32_t>& keys, state::FrameSink& sink, bool every_group);
  void put_progress(bool moved_only, state::FrameSink& sink);
  void raise_progress(int32_t partition, int64_t time_ms);
  Result<> take_frame(BytesView frame);
  void replace(uint32_t id, std::vector<Session> sessions);

  AggregateStep step_;
  GroupKeys keys_;
  int32_t groups_;
  int64_t gap_;
  int64_t grace_;
  int64_t reach_;  // how far behind stream time a session ends that still takes rows
  std::vector<std::unique_ptr<expr::Aggregate>> aggregates_;
  size_t row_bytes_ = 0;

  std::vector<std::unique_ptr<Key>> by_key_;     // by id
  std::set<std::pair<int64_t, uint32_t>> ends_;  // of all sessions, with their keys
  std::vector<uint32_t> changed_;                // keys, in the order of their first change
  std::vector<std::unique_ptr<char[]>>
      merged_;  // rows of sessions that went into others since the last commit

  Progress progress_;
  Progress saved_progress_;
  int64_t expired_ = INT64_MIN;
  int64_t expire_next_ = INT64_MIN;
  int64_t closed_ = INT64_MIN;  // sessions that end before this are gone or given out
  uint32_t snapshot_at_ = 0;    // key

  const uint32_t* ids_ = nullptr;  // of the batch at hand
  std::vector<char*> rows_;
  size_t added_ = 0;  // rows of the batch whose values are in their states
};

}  // namespace tradewind::stream
