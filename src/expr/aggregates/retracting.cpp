// Forms of aggregates that keep every different value with its count, so that any of them can be taken back.
#include <map>
#include <unordered_map>

#include "base/check.h"
#include "expr/aggregates/pooled.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

// Whoever uses these keeps the rows and folds them again.
template <typename OfState>
struct NotSaved {
  using State = OfState;
  bool takes(const Value& value) const { return !value.is_null(); }
  void merge(State&, const State&) const { CHECK(false); }
  void save(const State&, Bytes&) const { CHECK(false); }
  bool load(BytesView&, State&) const { return false; }
};

template <typename Map>
struct CountsState {
  Map counts;
  size_t size_bytes() const { return counts.size() * 120; }  // a node with its value
};

template <typename Map, typename Key>
void move_count(Map& counts, Key key, int64_t by) {
  const auto at = counts.emplace(std::move(key), 0).first;
  at->second += by;
  if (at->second == 0) counts.erase(at);
}

struct DistinctFold : NotSaved<CountsState<std::unordered_map<Bytes, int64_t>>> {
  Type type;

  void add(State& state, const Value& value) const { put(state, value, 1); }
  void retract(State& state, const Value& value) const { put(state, value, -1); }
  void put(State& state, const Value& value, int64_t by) const {
    Bytes bytes;
    save_value(type, value, bytes);
    move_count(state.counts, std::move(bytes), by);
  }
  Value result(const State& state) const { return Value(static_cast<int64_t>(state.counts.size())); }
};

struct Before {
  bool operator()(const Value& a, const Value& b) const { return less(a, b); }
};

struct ExtremeFold : NotSaved<CountsState<std::map<Value, int64_t, Before>>> {
  bool greatest = false;

  void add(State& state, const Value& value) const { move_count(state.counts, value, 1); }
  void retract(State& state, const Value& value) const { move_count(state.counts, value, -1); }
  Value result(const State& state) const {
    if (state.counts.empty()) return {};
    return greatest ? state.counts.rbegin()->first : state.counts.begin()->first;
  }
};

bool takes_back_exactly(std::string_view name, const std::optional<Type>& argument) {
  if (name == "COUNT" || name == "DECAY_SUM" || name == "DECAY_COUNT" || name == "QUANTILE" ||
      name == "TOP_ITEMS")
    return true;
  return (name == "SUM" || name == "AVG") && argument && argument->kind() != Kind::real;
}

}  // namespace

std::unique_ptr<Aggregate> make_retracting_aggregate(std::string_view name,
                                                     const std::optional<Type>& argument,
                                                     std::span<const Value> constants) {
  if (takes_back_exactly(name, argument)) {
    auto made = make_aggregate(name, argument, constants);
    return made.ok() ? std::move(*made) : nullptr;
  }
  if (!argument || argument->is_nested()) return nullptr;
  if (name == "COUNT_DISTINCT") {
    DistinctFold fold;
    fold.type = *argument;
    return make_pooled(Kind::bigint, std::move(fold));
  }
  if (name == "MIN" || name == "MAX") {
    ExtremeFold fold;
    fold.greatest = name == "MAX";
    return make_pooled(*argument, std::move(fold));
  }
  return nullptr;
}

}  // namespace tradewind::expr
