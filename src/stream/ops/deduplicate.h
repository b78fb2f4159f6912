#pragma once
// DeduplicateOperator: DEDUPLICATE BY … WITHIN: of rows that are equal in some values it lets the first pass,
// and the next one only if its event time lies further away than a given time.
//
// How far a partition has got decides for its rows what is forgotten, so that where batches are cut changes
// nothing. State: one group; frame: version 1, varint n and n times (zigzag partition, zigzag progress), then
// entries (hash in 16 bytes, zigzag time) to the end.

#include "data/row_key.h"
#include "stream/operator.h"
#include "stream/ops/event_time.h"
#include "stream/ops/seen_rows.h"
#include "stream/topology.h"

namespace tradewind::stream {

class DeduplicateOperator final : public Operator, public state::Durable {
 public:
  explicit DeduplicateOperator(DeduplicateStep step);
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override { return seen_.bytes() + passed_.capacity() * sizeof(passed_[0]); }

 private:
  bool passes(BytesView key, int64_t time_ms, int64_t reached_ms);
  Bytes begin_frame() const;

  DeduplicateStep step_;
  RowKey key_;
  Context* context_ = nullptr;
  SeenRows seen_;
  Progress progress_;
  Progress saved_progress_;
  int64_t forget_ms_ = INT64_MIN;        // entries up to here matter to no partition
  std::vector<SeenRows::Entry> passed_;  // since the last commit
  size_t snapshot_table_ = 0;            // where the snapshot under way goes on
  size_t snapshot_at_ = 0;
  uint64_t snapshot_built_ = 0;
};

}  // namespace tradewind::stream
