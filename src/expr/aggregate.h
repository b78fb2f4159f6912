#pragma once
// Aggregate: folds the values of a group into a state of fixed size (what does not fit lies in a pool the aggregate
// owns, named by a handle in the state). Table of all of them: find_aggregate.
//
// Threads: one task owns an instance; result() may be called by another thread while the owner is kept out.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "data/column.h"
#include "data/type.h"

namespace tradewind::expr {

class Aggregate {
 public:
  virtual ~Aggregate() = default;

  const Type& result_type() const { return result_type_; }
  // A multiple of 8; a fresh state is all zero bytes.
  size_t state_bytes() const { return state_bytes_; }

  // states[i] is the state of row i's group; null: the row does not count. `retract` (may be null) says which rows are
  // taken back. The error is for what must stop the query (a sum that no longer fits its type).
  virtual Result<> add(char* const* states, const Column* argument, const uint8_t* retract, size_t rows) = 0;
  // Appends the state as bytes. `whole` false: what changed since settled() is enough, for aggregates that grow.
  virtual void save(const char* state, bool whole, Bytes& out) const = 0;
  // Takes what save() gave, from the front of `in`, and combines it: `replace` true: the state becomes it (growing
  // ones: adds to it); false: merges a partial into it. False: the bytes are not such a state.
  virtual bool load(char* state, BytesView& in, bool replace) = 0;
  // The results of many states, appended to a column of result_type() from row `from` on.
  virtual void result(const char* const* states, size_t rows, Column& out, size_t from) const = 0;
  // A committed state: growing aggregates forget what was new. And: the state will be dropped.
  virtual void settled(char* state) { (void)state; }
  virtual void dropped(char* state) { (void)state; }
  // Bytes held outside the states.
  virtual size_t pool_bytes() const { return 0; }

 protected:
  Aggregate(Type result_type, size_t state_bytes) : result_type_(std::move(result_type)), state_bytes_(state_bytes) {}

 private:
  Type result_type_;
  size_t state_bytes_;
};

// One row of the table of aggregates.
struct AggregateKind {
  std::string_view name;         // upper case
  bool retracts = false;         // works on tables
  std::string_view signature;    // for docs and SHOW FUNCTIONS
  std::string_view description;
  std::string_view example;
};

std::span<const AggregateKind> aggregate_kinds();
const AggregateKind* find_aggregate(std::string_view name);  // any case

// `argument` is nothing for COUNT(*). `invalid` when the aggregate does not take such a value.
Result<std::unique_ptr<Aggregate>> make_aggregate(std::string_view name, const std::optional<Type>& argument);

}  // namespace tradewind::expr
