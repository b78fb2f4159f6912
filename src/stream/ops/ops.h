#pragma once
// The operators, made from the steps of a topology.

#include <memory>
#include <string>

#include "data/row_key.h"
#include "state/store.h"
#include "stream/operator.h"
#include "stream/ops/aggregate_table.h"
#include "stream/ops/late_rows.h"
#include "stream/topology.h"

namespace tradewind::stream {

std::unique_ptr<Operator> make_filter(const FilterStep& step);
std::unique_ptr<Operator> make_project(const ProjectStep& step, const Schema& output);
std::unique_ptr<Operator> make_explode(const ExplodeStep& step, const Schema& output);

// How an aggregate is run: to final states in one worker, to partials for others, or merging theirs.
enum class AggregateMode { fused, partial };

class AggregateOperator final : public Operator {
 public:
  AggregateOperator(AggregateStep step, Schema input, Schema output, AggregateMode mode, bool retracts,
                    std::string dictionary);
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;
  Result<> flush(Collector& out) override;
  // Partials of another worker's task.
  Result<> merge(BytesView partials);
  const AggregateTable* table() const { return table_.get(); }
  AggregateTable* table() { return table_.get(); }
  int64_t late_rows() const { return late_.count(); }
  // Windows have closed since the last flush, without a row that came.
  bool closing_due() const;

 private:
  Result<> send_partials();
  std::optional<int64_t> closed_before() const;
  Result<> expire();

  AggregateStep step_;
  SchemaPtr input_;
  SchemaPtr output_;
  AggregateMode mode_;
  bool retracts_;
  std::string dictionary_;
  Context* context_ = nullptr;
  std::unique_ptr<AggregateTable> table_;    // fused: final; partial: what this worker's partitions gave
  std::unique_ptr<AggregateTable> partial_;  // partial mode only: rows go in here, table_ takes merges
  LateRows late_;
  bool adopted_ = false;
  // Windows that may go once the partials have been merged that were on their way when that was found.
  struct Expiring {
    int64_t start_ms = 0;
    Context::PartialEnds ends;
  };
  std::optional<Expiring> expiring_;
  int64_t told_ms_ = INT64_MIN;  // stream time when partials last told it
};

// Keeps the rows of a table by key: an insert becomes (retract old,) insert new; a retract (a deleted key)
// retracts the old row, if there is one. What is retracted has the time of the record that took it away.
class MaterializeOperator final : public Operator, public state::Durable {
 public:
  // `keys`: the columns of the schema that are the key; of a windowed table its WINDOWSTART too.
  // `passes_deletes`: a deleted key that is not there is retracted too, with nothing but its key. `name`: of
  // its state within the query.
  MaterializeOperator(Schema schema, std::vector<bool> kept, std::vector<size_t> keys, bool passes_deletes,
                      std::string name = "rows");
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override;

  // Committed rows behind `after` (empty: from the start) in one group, at most `most`; the last key read.
  std::optional<Bytes> scan(int32_t group, BytesView after, size_t most, Batch& out) const;
  Batch find(const std::vector<Value>& key) const;
  int32_t groups() const { return static_cast<int32_t>(stores_.size()); }
  const SchemaPtr& schema() const { return schema_; }

 private:
  void append_row(BytesView row, std::vector<ColumnBuilder>& builders, std::vector<int64_t>& times) const;
  void append_key(const Batch& rows, size_t row, std::vector<ColumnBuilder>& builders) const;
  Batch finish(std::vector<ColumnBuilder>& builders, std::vector<int64_t> times) const;
  std::vector<ColumnBuilder> builders() const;

  SchemaPtr schema_;
  std::vector<bool> kept_;
  std::vector<Type> kept_types_;
  RowKey key_;
  std::vector<size_t> keys_;
  RowKey row_;
  bool passes_deletes_;
  std::string name_;
  std::vector<state::Store> stores_;  // by group = source partition % groups
  int32_t snapshot_group_ = 0;
  Bytes snapshot_after_;
};

// Encodes rows and appends them, each to the partition of its key.
std::unique_ptr<Operator> make_sink(const SinkSpec& sink, const Schema& input, schema::Registry& registry);

}  // namespace tradewind::stream
