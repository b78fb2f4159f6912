#pragma once
// SessionOperator: GROUP BY with WINDOW SESSION. One worker runs it with every partition of the source:
// sessions of a key cannot be put together from parts without their rows.

#include <memory>
#include <string>

#include "stream/operator.h"
#include "stream/ops/late_rows.h"
#include "stream/ops/session_table.h"

namespace tradewind::stream {

class SessionOperator final : public Operator {
 public:
  SessionOperator(AggregateStep step, Schema output, bool retracts, std::string dictionary);
  Result<> open(Context& context) override;
  Result<> process(const Batch& rows, Collector& out) override;
  Result<> flush(Collector& out) override;
  const SessionTable& table() const { return *table_; }
  int64_t late_rows() const { return late_.count(); }
  // Sessions have closed since the last flush, without a row that came.
  bool closing_due() const;

 private:
  std::optional<int64_t> closed_before() const;

  AggregateStep step_;
  SchemaPtr output_;
  bool retracts_;
  std::string dictionary_;
  Context* context_ = nullptr;
  std::unique_ptr<SessionTable> table_;
  LateRows late_;
};

}  // namespace tradewind::stream
