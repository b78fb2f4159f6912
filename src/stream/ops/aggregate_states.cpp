#include "stream/ops/aggregate_states.h"

#include "base/check.h"

namespace tradewind::stream {

size_t place_states(const AggregateStep& step, size_t at,
                    std::vector<std::unique_ptr<expr::Aggregate>>& aggregates) {
  for (const AggregateCall& call : step.calls) {
    std::optional<Type> argument;
    if (call.argument != nullptr) argument = call.argument->type;
    auto made = expr::make_aggregate(call.name, argument, call.constants);
    CHECK(made.ok());
    (*made)->place(at);
    at += (*made)->state_bytes();
    aggregates.push_back(std::move(*made));
  }
  return at;
}

}  // namespace tradewind::stream
