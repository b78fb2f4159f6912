#pragma once
// SlidingOperator: GROUP BY with WINDOW SLIDING. One worker runs it with every partition of the source: the
// newest row of a group decides which of the others count.

#include <memory>
#include <string>

#include "stream/operator.h"
#include "stream/ops/late_rows.h"
#include "stream/ops/sliding_table.h"

namespace tradewind::stream {

class SlidingOperator final : public Operator {
 public:
  SlidingOperator(AggregateStep step, Schema output, bool retracts, std::string dictionary);
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;
  Result<> flush(Collector& out) override;
  const SlidingTable& table() const { return *table_; }
  int64_t late_rows() const { return late_.count(); }

 private:
  void tell_left_out(const Batch& rows);

  AggregateStep step_;
  SchemaPtr output_;
  bool retracts_;
  std::string dictionary_;
  Context* context_ = nullptr;
  std::unique_ptr<SlidingTable> table_;
  LateRows late_;
  int64_t left_out_told_ = 0;
};

}  // namespace tradewind::stream
