#pragma once
// Worker: polls, lets tasks work, commits. step() is one round; a thread, a test or a simulation calls it
// again and again. What it commits in one transaction: outputs, one frame per changed state and group, and
// positions.
//
// Worker w of W owns the state partitions s with s % W == w, the groups and the source partitions that fall
// on them. Alone (W = 1) it folds to final states at once; with others, partials travel through a topic.
// Threads: step(), add() and remove() by one thread; lock() by readers of tables.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "stream/run/fair_mutex.h"
#include "stream/run/idle_board.h"
#include "stream/run/join_lane.h"
#include "stream/run/lane.h"
#include "stream/run/restored_lanes.h"
#include "stream/run/worker_figures.h"
#include "stream/runtime.h"
#include "telemetry/metrics.h"

namespace tradewind::stream {

class Worker final : private TaskHost {
 public:
  // The board is shared by the workers of a runtime.
  Worker(int index, int count, log::Log& log, schema::Registry& registry, Clock& clock,
         const RuntimeOptions& options, std::shared_ptr<IdleBoard> board);
  ~Worker() override;

  struct Query {
    std::string name;
    std::shared_ptr<const Topology> topology;  // the worker's
    bool earliest = true;
    std::atomic<bool> paused{false};
    std::unique_ptr<Task> task;  // null: stopped by an error
    TaskFigures figures;
    std::mutex about;  // guards what follows
    std::string error;
    log::Offsets positions;  // committed
  };

  // Before open(): the query is restored by it. Afterwards: it starts at once, and its place is committed.
  // While a full disk keeps a commit from being written both are put off until it is.
  Result<> add(std::shared_ptr<const Topology> topology, bool earliest, bool paused);
  Result<> remove(const std::string& name);
  // Both want what is at hand committed first: `unavailable` while a full disk keeps it from that.
  Result<> replace(const std::shared_ptr<const Topology>& topology);
  Result<> pause(const std::string& name, bool paused);
  // Of any thread: one more (1) or less (-1) for whom new queries wait until others are there.
  void gather(int more) { gathering_ += more; }
  // Takes the transactional id over (fencing an older process), restores, commits the places.
  Result<> open();
  // One round; true when anything was read or committed. Waits up to `wait` for input.
  Result<bool> step(Duration wait);
  // Commits what is at hand. After `unavailable` (a full disk) it is kept as it is, nothing more is read, and
  // the next step asks again.
  Result<> commit();

  // The query, or null. Valid until it is removed.
  std::shared_ptr<Query> query(const std::string& name) const;
  std::vector<std::shared_ptr<Query>> queries() const;
  FairMutex& lock() { return lock_; }
  const WorkerFigures& figures() const { return figures_; }

 private:
  bool owns(int32_t n) const { return n % options_.state_partitions % count_ == index_; }
  AggregateMode mode(const Topology& topology) const {
    return count_ == 1 || topology.one_worker ? AggregateMode::fused : AggregateMode::partial;
  }
  // Where everything of a query that lives in one worker lies; the same with any number of workers.
  std::optional<int32_t> home_of(const Topology& topology) const;

  // restore.cpp
  Result<> restore();
  Result<> count_state();
  void tell_restore();
  Result<> restore_partition(int32_t partition, RestoredLanes& lanes);
  Result<> restore_record(const log::RecordView& record, int32_t partition, RestoredLanes& lanes);
  Result<> fold_frame(const std::string& key, BytesView value);
  Result<> place_queries(const RestoredLanes& lanes);
  Result<bool> place_query(const Topology& topology, const std::string& topic, bool partials,
                           const RestoredLanes& lanes);
  Result<> keep_places(const Query& query, const RestoredLanes& lanes);
  bool anything_stands() const;
  void forget_lanes(const RestoredLanes& lanes);
  Result<> rebuild();
  bool grown();

  // lanes.cpp
  Result<Lane*> lane_at(const std::string& topic, bool partials, std::optional<int32_t> home,
                        const std::map<int32_t, log::Offset>& next, const std::string& member);
  Result<> settle();
  Result<> start_query(Query& query);
  Result<> bind_readers(Lane& lane);
  Result<> assign(Lane& lane);
  void merge_lanes();
  void merge(Lane& into, Lane& from);
  void find_rivals();
  void hold_back();
  Result<> wait_at_bounds(Lane& lane);
  bool silent(const Lane& lane, const Lane::Place& place) const;
  void tell_idle();
  Result<size_t> poll_all();
  Result<size_t> poll_lane(Lane& lane, Duration wait);
  Result<size_t> take(Lane& lane, log::FetchedBatch& batch);
  Result<> deliver(Lane& lane, const log::FetchedBatch& batch, size_t& done);
  Result<> deliver_partials(Lane& lane, const log::FetchedBatch& batch);
  Result<> deliver_rows(Lane& lane, std::span<const log::RecordView> records, const log::FetchedBatch& batch);
  Result<std::vector<Batch>> decode(Lane& lane, std::span<const log::RecordView> records,
                                    const log::FetchedBatch& batch);
  Error fail_readers(Lane& lane, const Error& error);
  void tell_gone(const log::Position& position, int64_t count);
  bool rests(Rest& rest, const Error& error);
  void tell_rests();
  log::Offset bound_for(const Lane& lane, int32_t partition) const;

  // joins.cpp
  Result<> start_join(Query& query, const log::Offsets& places);
  Result<> place_join(Query& query);
  Result<> restore_join(const std::string& name, BytesView value);
  Result<size_t> poll_join(JoinLane& lane);
  Result<> append_join_places(bool all);
  void publish_join_places();
  void leave_join(const std::string& name);
  const JoinLane* join_of(const std::string& name) const;

  // append.cpp
  Result<> ensure_transaction();
  Result<> append_state(int32_t partition, BytesView key, BytesView value);
  Result<> restore_piece(const std::string& key, BytesView piece, int32_t partition, RestoredLanes& lanes);
  Result<log::Offsets> write();
  Result<> leave_out_too_large();
  bool holds_state(const std::string& topic) const;
  std::string writers_of(const std::string& topic) const;

  // commit.cpp
  bool commit_due(bool read_nothing) const;
  bool closing_due() const;
  Result<> prepare();
  Result<> passed(CommitStep step) const;
  Result<> trim_state();
  Result<> try_trims();
  Result<> catch_up_on_queries();
  Result<> commit_or_rebuild();
  Result<> start(const std::shared_ptr<Query>& query);
  Result<> drop(const std::string& name);
  Result<> leave_lanes(const std::string& name);
  Result<> flush_tasks();
  Result<> append_frames();
  Result<> append_lanes(bool all);
  Result<> append_snapshot();
  void begin_snapshot();
  Result<> committed(const log::Offsets& first_offsets);
  Result<> append_frame(std::optional<int32_t> home, int32_t group, BytesView key, BytesView value);
  void publish_places();
  int64_t oldest_record_ms() const;
  void beat() { figures_.beat_ns.store(clock_.monotonic_ns(), std::memory_order_relaxed); }
  Result<> check_memory();
  void fail(Query& query, const Error& error);

  std::shared_ptr<Dictionary> dictionary(const std::string& name) override;
  Result<> append(const log::Position& position, std::span<const log::RecordView> records) override;
  int64_t most_record_bytes() const override { return log_.most_record_bytes(); }
  void note(RowNote note) override;
  bool idle(const std::string& query, int32_t partition) override;
  int32_t source_partitions(const std::string& topic) override;
  bool owns(const Topology& topology, int32_t group) const override {
    return owns(home_of(topology).value_or(group));
  }
  Duration silence(const std::string& query) override;
  template <typename Each>
  void each_partials_lane(const std::string& query, Each each) const;
  Result<std::map<int32_t, log::Offset>> partials_written(const std::string& query) override;
  bool merged(const std::string& query, const std::map<int32_t, log::Offset>& ends) override;
  Timestamp now() override { return clock_.now(); }
  bool each_row() const override { return options_.each_row; }

  const int index_;
  const int count_;
  log::Log& log_;
  schema::Registry& registry_;
  Clock& clock_;
  const RuntimeOptions options_;
  const std::shared_ptr<IdleBoard> board_;
  WorkerFigures figures_;
  FairMutex lock_;

  mutable std::mutex queries_mutex_;
  std::map<std::string, std::shared_ptr<Query>> queries_;
  std::map<std::string, std::weak_ptr<Dictionary>> dictionaries_;
  std::map<std::string, int32_t> partitions_;  // of topics that queries read
  int64_t looked_ns_ = 0;                      // when it was last asked whether they have more
  std::vector<std::unique_ptr<Lane>> lanes_;
  bool lanes_changed_ = true;               // since the rivals were found
  std::vector<std::vector<Lane*>> rivals_;  // those of one topic, where it has several
  std::vector<std::unique_ptr<JoinLane>> joins_;
  std::vector<std::string> gone_joins_;  // whose places are forgotten by the next commit
  std::map<std::string, log::Offsets> restored_joins_;
  struct Pieces {  // of a value that went into several records
    uint64_t next = 0;
    Bytes value;
  };
  std::map<std::string, Pieces> restored_pieces_;
  int64_t restore_told_ns_ = 0;
  bool opened_ = false;
  bool told_rests_ = false;
  std::atomic<int> gathering_{0};

  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<log::Transaction> transaction_;
  bool prepared_ = false;  // the transaction holds all of a commit, but is not written yet
  log::Offsets consumed_;  // of the prepared commit
  std::vector<std::pair<std::string, bool>> put_off_;  // queries to start (true) or drop once it is
  bool work_since_commit_ = false;
  size_t rows_since_commit_ = 0;
  int reading_commits_ = 0;    // since the start, those that had rows, four at most
  int64_t first_work_ns_ = 0;  // when the first row since the last commit came in
  int64_t last_commit_ns_ = 0;
  int64_t last_commit_cost_ns_ = 0;
  std::string failed_query_;  // whose error ended the last round
  bool torn_ = false;         // a round ended halfway: what is in memory is no longer what was read
  telemetry::Histogram* commit_duration_ = nullptr;
  telemetry::Histogram* result_delay_ = nullptr;
  telemetry::Histogram* end_to_end_ = nullptr;

  // The snapshot under way: which durable of which query comes next.
  bool snapshot_running_ = false;
  bool snapshot_done_ = false;  // its last piece is in the transaction at hand
  size_t snapshot_at_ = 0;
  std::vector<std::pair<std::string, std::string>> snapshot_list_;
  std::map<int32_t, log::Offset> snapshot_start_;
  bool snapshot_started_now_ = false;
  int64_t frame_bytes_ = 0;           // since the last snapshot
  int64_t measured_state_bytes_ = 0;  // as last found larger than those
  log::Offsets to_trim_;              // what goes before these is superfluous
  int64_t trim_again_ns_ = 0;
  int64_t last_memory_check_ns_ = 0;
  std::vector<log::RecordView> slice_;
};

}  // namespace tradewind::stream
