#pragma once
// Task: one query's operators and state in one worker.
//
// Threads: its worker's; the table behind views is read by others while they hold the worker's lock.

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stream/operator.h"
#include "stream/ops/funnel.h"
#include "stream/ops/join.h"
#include "stream/ops/ops.h"
#include "stream/ops/session_aggregate.h"
#include "stream/ops/sliding_aggregate.h"
#include "stream/topology.h"

namespace tradewind::stream {

// What a worker lends to its tasks.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  virtual std::shared_ptr<Dictionary> dictionary(const std::string& name) = 0;
  virtual Result<> append(const log::Position& position, std::span<const log::RecordView> records) = 0;
  virtual int64_t most_record_bytes() const { return INT64_MAX; }
  virtual void note(RowNote note) = 0;
  virtual bool idle(const std::string& query, int32_t partition) = 0;
  virtual int32_t source_partitions(const std::string& topic) = 0;
  virtual Duration silence(const std::string& query) = 0;
  virtual Result<std::map<int32_t, log::Offset>> partials_written(const std::string& query) = 0;
  virtual bool merged(const std::string& query, const std::map<int32_t, log::Offset>& ends) = 0;
  virtual bool owns(const Topology& topology, int32_t group) const = 0;
  virtual Timestamp now() = 0;
  virtual bool each_row() const { return false; }  // as in RuntimeOptions
};

// Figures of one query, written by its worker, read by anybody.
struct TaskFigures {
  std::atomic<int64_t> rows_in{0};
  std::atomic<int64_t> rows_out{0};
  std::atomic<int64_t> late_rows{0};
  std::atomic<int64_t> bad_rows{0};
  std::atomic<int64_t> state_bytes{0};
};

// Gets what the last step emits, when the topology has no sink.
using RowReceiver = std::function<Result<>(Batch)>;

class Task final : private Context {
 public:
  static Result<std::unique_ptr<Task>> make(std::shared_ptr<const Topology> topology, AggregateMode mode,
                                            schema::Registry& registry, TaskHost& host, TaskFigures& figures,
                                            RowReceiver receiver = nullptr);

  const Topology& topology() const { return *topology_; }
  Result<> process(const Batch& rows) { return process_input(rows, 0); }
  // Rows of several inputs: 0 the source, then the further ones.
  Result<> process_merged(const MergedRows& rows);
  Result<> merge(const log::FetchedBatch& partials);
  Result<> flush();

  struct Kept {
    std::string name;
    state::Durable* durable;
  };
  const std::vector<Kept>& durables() const { return durables_; }
  size_t changed_bytes() const;
  // A commit would give out windows, though no row came.
  bool closing_due() const {
    return (aggregate_ != nullptr && aggregate_->closing_due()) ||
           (sessions_ != nullptr && sessions_->closing_due()) ||
           std::any_of(joins_.begin(), joins_.end(),
                       [](const Join& join) { return join.made->closing_due(); });
  }

  // The state that views read; one of them, or none.
  const AggregateTable* aggregate() const { return aggregate_ == nullptr ? nullptr : aggregate_->table(); }
  const SessionTable* sessions() const { return sessions_ == nullptr ? nullptr : &sessions_->table(); }
  const SlidingTable* sliding() const { return sliding_ == nullptr ? nullptr : &sliding_->table(); }
  const MaterializeOperator* materialized() const { return materialized_; }

  // How many parts the state of a topology is cut into.
  static int32_t groups_of(const Topology& topology, int32_t source_partitions);

 private:
  class Chain;

  Task(std::shared_ptr<const Topology> topology, schema::Registry& registry, TaskHost& host,
       TaskFigures& figures, RowReceiver receiver);
  Result<> make_operators(AggregateMode mode);
  void make_join_operator(const JoinStep& step, size_t at);
  void make_kept(std::vector<bool> kept, std::vector<size_t> keys, const Schema& schema, bool passes_deletes);
  Batch at_moment(const Batch& rows);
  Result<> process_input(const Batch& rows, size_t input);
  void make_aggregate(size_t step, AggregateMode mode);
  Result<> emit_from(size_t step, const Batch& rows);
  Result<> run_operator(size_t step, const Batch& rows);
  Result<> give_out(size_t step, const Batch& rows);

  const std::string& query() const override { return topology_->name; }
  int32_t groups() const override { return groups_; }
  bool owns(int32_t group) const override { return host_.owns(*topology_, group); }
  Timestamp now() override { return host_.now(); }
  std::shared_ptr<Dictionary> dictionary(const std::string& column) override {
    return host_.dictionary(column);
  }
  void keep(const std::string& name, state::Durable& durable) override {
    durables_.push_back({name, &durable});
  }
  void note(RowNote note) override;
  bool idle(int32_t partition) override { return host_.idle(topology_->name, partition); }
  int32_t source_partitions() const override { return source_partitions_; }
  Duration silence() override { return host_.silence(topology_->name); }
  Result<PartialEnds> partials_written() override { return host_.partials_written(topology_->name); }
  bool merged(const PartialEnds& ends) override { return host_.merged(topology_->name, ends); }
  int64_t most_record_bytes() const override { return host_.most_record_bytes(); }
  Result<> append(const log::Position& position, std::span<const log::RecordView> records) override;

  std::shared_ptr<const Topology> topology_;
  schema::Registry& registry_;
  TaskHost& host_;
  TaskFigures& figures_;
  RowReceiver receiver_;
  int32_t groups_ = 1;
  int32_t source_partitions_ = 1;
  bool only_projects_ = false;  // then records of a stream that have no value go through
  bool asks_moment_ = false;    // some step asks the clock or chance
  uint64_t moments_ = 0;
  std::vector<std::unique_ptr<Operator>> operators_;  // [materialize,] steps, [sink]
  AggregateOperator* aggregate_ = nullptr;
  SessionOperator* sessions_ = nullptr;
  SlidingOperator* sliding_ = nullptr;
  FunnelOperator* funnel_ = nullptr;
  MaterializeOperator* materialized_ = nullptr;
  struct Join {
    JoinOperator* made;
    size_t at;  // in operators_
  };
  std::vector<Join> joins_;  // by input
  std::vector<Kept> durables_;
};

}  // namespace tradewind::stream
