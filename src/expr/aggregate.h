#pragma once
// Aggregate: folds the values of a group into a state of fixed size inside the group's row (what does not fit
// lies in a pool the aggregate owns, named by a handle in the state). The table of all of them:
// find_aggregate.
//
// rows[i] points at a whole row; the state of this aggregate lies at offset() in it.
// Threads: one task owns an instance; result() may be called by another thread while the owner is kept out.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "data/column.h"
#include "expr/expression.h"

namespace tradewind::expr {

class Aggregate {
 public:
  virtual ~Aggregate() = default;

  const Type& result_type() const { return result_type_; }
  // A multiple of 8; a fresh state is all zero bytes.
  size_t state_bytes() const { return state_bytes_; }
  size_t offset() const { return offset_; }
  void place(size_t offset) { offset_ = offset; }

  // rows[i] is the row of the batch's row i; null: it does not count. `retract` (may be null) says which are
  // taken back. The error is for what must stop the query (a sum that no longer fits its type).
  virtual Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) = 0;
  // Appends the states as bytes. `whole` false: what changed since settled() is enough, for aggregates that
  // grow.
  virtual void save(const char* const* rows, size_t count, bool whole, Bytes& out) const = 0;
  // Takes what save() gave, from the front of `in`, and combines it: `replace`: the state becomes it (growing
  // ones add to it); else a partial is merged in. False: the bytes are not such states.
  virtual bool load(char* const* rows, size_t count, BytesView& in, bool replace) = 0;
  // The results of many states, written to rows [from, from + count) of a column of result_type().
  virtual void result(const char* const* rows, size_t count, Column& out, size_t from) const = 0;
  // A committed row: growing aggregates forget what was new. And: the row will be dropped.
  virtual void settled(char* row) { (void)row; }
  virtual void dropped(char* row) { (void)row; }
  virtual bool grows() const { return false; }  // settled and dropped do something
  // Bytes held outside the rows.
  virtual size_t pool_bytes() const { return 0; }

 protected:
  Aggregate(Type result_type, size_t state_bytes)
      : result_type_(std::move(result_type)), state_bytes_(state_bytes) {}

 private:
  Type result_type_;
  size_t state_bytes_;
  size_t offset_ = 0;
};

// One row of the table of aggregates.
struct AggregateKind {
  std::string_view name;  // upper case
  bool retracts = false;  // works on tables
  bool merges = true;  // from partials of several workers; false: its result hangs on the order of the rows
  std::string_view signature;
  std::string_view description;
  std::string_view example;
  bool timed = false;  // bind_aggregate is given the time of the row (BIGINT, ms) as one argument more, last
};

std::span<const AggregateKind> aggregate_kinds();
const AggregateKind* find_aggregate(std::string_view name);  // any case

// A call as the runtime needs it: one value per row (several as a structure), and what is fixed for the
// query, such as the n of TOPK.
struct BoundAggregate {
  ExpressionPtr argument;  // null: COUNT(*)
  std::vector<Value> constants;
  Type result;
};
// `invalid` when the aggregate does not take such values.
Result<BoundAggregate> bind_aggregate(std::string_view name, std::vector<ExpressionPtr> arguments);
// FUNNEL over the steps that were taken: INTEGER from 1, and BIGINT ms since the step before.
BoundAggregate bind_funnel(ExpressionPtr step, ExpressionPtr elapsed, size_t steps);
inline constexpr size_t kMostFunnelSteps = 16;
// "2 HOURS" as ms, more than 0; any case.
Result<int64_t> duration_of(std::string text);
// `argument` is nothing for COUNT(*). `invalid` when the aggregate does not take such a value.
Result<std::unique_ptr<Aggregate>> make_aggregate(std::string_view name, const std::optional<Type>& argument,
                                                  std::span<const Value> constants = {});
// A form that can take back any value exactly, for windows that slide; it is never saved, and settled() need
// not be called. Null when the aggregate has none over such values.
std::unique_ptr<Aggregate> make_retracting_aggregate(std::string_view name,
                                                     const std::optional<Type>& argument,
                                                     std::span<const Value> constants);

}  // namespace tradewind::expr
