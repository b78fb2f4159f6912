#pragma once
// FunnelOperator: turns the rows of persons into steps of a funnel that were taken: one row a step and try,
// with the time and the group of its first step, for an aggregation to count.
//
// The outcome is that of all rows in the order of their event time, whatever the order they came in: a row
// out of order takes back what it changes. Rows further behind stream time than the grace are late. Threads:
// its task's.

#include <map>
#include <memory>
#include <vector>

#include "data/row_key.h"
#include "state/store.h"
#include "stream/operator.h"
#include "stream/ops/event_time.h"
#include "stream/ops/funnel_paths.h"
#include "stream/ops/late_rows.h"
#include "stream/topology.h"

namespace tradewind::stream {

class FunnelOperator final : public Operator, public state::Durable {
 public:
  // Rows of one person that may still change places; beyond, the oldest half counts as in order.
  static constexpr size_t kMostOpen = 1000;
  // Persons looked at in one commit, whether they can be forgotten, so that no commit takes long.
  static constexpr size_t kMostLooks = 2000;

  FunnelOperator(FunnelStep step, Schema output);
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;
  Result<> flush(Collector& out) override;
  int64_t late_rows() const { return late_.count(); }

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override { return store_.bytes() + remembered_bytes_; }

 private:
  // Of one person: what came of the events that are settled, and those that are not, in order.
  struct Person {
    int64_t settled_ms = INT64_MIN;  // events before it are settled
    int64_t newest_ms = INT64_MIN;
    FunnelPath path;
    std::vector<FunnelEvent> open;
  };
  struct Made {  // rows to give out
    std::vector<FunnelStepTaken> steps;
    std::vector<Change> changes;
  };

  std::vector<uint32_t> steps_of(const Batch& rows, expr::Notes& notes) const;
  Result<> take(BytesView key, FunnelEvent event, Made& made);
  void settle(Person& person) const;
  std::vector<FunnelStepTaken> outcome(const Person& person) const;
  Result<Person> read(BytesView bytes) const;
  void write(BytesView key, const Person& person);
  Batch batch_of(const Made& made, const Origin& origin) const;
  int64_t slice_ms() const;
  int64_t slice_of(int64_t time_ms) const;
  void remember(BytesView key, int64_t time_ms);
  void forget();

  FunnelStep step_;
  SchemaPtr output_;
  RowKey person_;
  RowKey group_;
  Context* context_ = nullptr;
  FunnelRules rules_;
  state::Store store_;  // persons, and how far the partitions are
  Progress progress_;
  std::optional<int64_t> settled_ms_;  // no row from before it can come in time
  struct Slice {
    Bytes keys;         // of persons, one behind the other
    size_t looked = 0;  // how far they have been looked at
  };
  std::map<int64_t, Slice> by_time_;  // when to look at whom
  size_t remembered_bytes_ = 0;
  bool remembers_ = false;
  Bytes snapshot_after_;
  LateRows late_;
};

}  // namespace tradewind::stream
