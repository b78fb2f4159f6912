#pragma once
// EnterOperator: ON ENTER: lets a row of a key pass when its condition becomes true, and the next one only
// after it has been false (or CLEAR was true) and the cooldown is over.

#include <memory>

#include "data/row_key.h"
#include "state/store.h"
#include "stream/operator.h"
#include "stream/topology.h"

namespace tradewind::stream {

class EnterOperator final : public Operator, public state::Durable {
 public:
  explicit EnterOperator(EnterStep step);
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;

  void changes(state::FrameSink& sink) override;
  void committed() override { store_.committed(); }
  Result<> fold(int32_t, BytesView frame) override { return store_.fold(frame); }
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override { return store_.bytes(); }

 private:
  bool passes(BytesView key, int64_t time, bool entered, bool cleared);

  EnterStep step_;
  RowKey key_;
  Context* context_ = nullptr;
  state::Store store_;  // keys that have passed: what became of the condition since, and when that was
  Bytes snapshot_after_;
};

}  // namespace tradewind::stream
