#include "expr/aggregates/collected.h"

#include <algorithm>

#include "base/coding.h"
#include "expr/aggregates/pooled.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

// Values in an order.
struct ListState {
  std::vector<Value> values;
  size_t size_bytes() const {
    size_t bytes = 0;
    for (const Value& value : values) bytes += bytes_of(value);
    return bytes;
  }
};

// What folds over lists have in common.
struct ListFold {
  using State = ListState;
  Type type;

  void save(const State& state, Bytes& out) const {
    put_varint(out, state.values.size());
    for (const Value& value : state.values) save_value(type, value, out);
  }
  bool load(BytesView& in, State& state) const {
    uint64_t count = 0;
    if (!get_varint(in, count) || count > in.size()) return false;
    state.values.resize(count);
    return std::all_of(state.values.begin(), state.values.end(),
                       [&](Value& value) { return load_value(type, in, value); });
  }
  void retract(State&, const Value&) const {}
};

bool has(const std::vector<Value>& values, const Value& wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

// A partial may take back what only the whole has: it owes that until it is merged.
struct OwingState : ListState {
  ListState owed;
  size_t size_bytes() const { return ListState::size_bytes() + owed.size_bytes(); }
};

struct CollectList : ListFold {
  using State = OwingState;

  static bool take_out(std::vector<Value>& values, const Value& value) {
    const auto at = std::find(values.begin(), values.end(), value);
    if (at == values.end()) return false;
    values.erase(at);
    return true;
  }
  bool takes(const Value&) const { return true; }
  void add(State& state, const Value& value) const {
    if (state.owed.values.empty() || !take_out(state.owed.values, value)) state.values.push_back(value);
  }
  void retract(State& state, const Value& value) const {
    if (!take_out(state.values, value)) state.owed.values.push_back(value);
  }
  void merge(State& state, const State& other) const {
    for (const Value& value : other.owed.values) retract(state, value);
    for (const Value& value : other.values) add(state, value);
  }
  void save(const State& state, Bytes& out) const {
    ListFold::save(state, out);
    ListFold::save(state.owed, out);
  }
  bool load(BytesView& in, State& state) const {
    return ListFold::load(in, state) && ListFold::load(in, state.owed);
  }
  Value result(const State& state) const { return Value(state.values); }
};

struct CollectSet : ListFold {
  bool takes(const Value&) const { return true; }
  void add(State& state, const Value& value) const {
    if (!has(state.values, value)) state.values.push_back(value);
  }
  void merge(State& state, const State& other) const {
    for (const Value& value : other.values) add(state, value);
  }
  Value result(const State& state) const { return Value(state.values); }
};

// The greatest first; of equal ones the earlier.
struct Top : ListFold {
  size_t count = 1;
  bool distinct = false;

  bool structured() const { return type.kind() == Kind::structure; }
  const Value& key(const Value& value) const { return structured() ? value.parts()[0] : value; }
  bool takes(const Value& value) const { return !value.is_null() && !key(value).is_null(); }
  void add(State& state, const Value& value) const {
    if (distinct && has(state.values, value)) return;
    const auto at = std::find_if(state.values.begin(), state.values.end(),
                                 [&](const Value& known) { return less(key(known), key(value)); });
    state.values.insert(at, value);
    if (state.values.size() > count) state.values.pop_back();
  }
  void merge(State& state, const State& other) const {
    for (const Value& value : other.values) add(state, value);
  }
  Value result(const State& state) const { return Value(state.values); }
};

struct ByOffset : ListFold {
  std::optional<size_t> count;
  bool latest = true;
  bool ignore_nulls = true;

  bool takes(const Value& value) const { return !ignore_nulls || !value.is_null(); }
  void add(State& state, const Value& value) const {
    const size_t most = count.value_or(1);
    if (latest && state.values.size() == most) state.values.erase(state.values.begin());
    if (state.values.size() < most) state.values.push_back(value);
  }
  void merge(State& state, const State& other) const {
    for (const Value& value : other.values) add(state, value);
  }
  Value result(const State& state) const {
    if (count) return Value(state.values);
    return state.values.empty() ? Value() : state.values[0];
  }
};

// How often each value came, in the order in which they first came.
struct CountState {
  std::vector<std::pair<Value, int64_t>> counts;
  size_t size_bytes() const {
    size_t bytes = 0;
    for (const auto& [value, count] : counts) bytes += bytes_of(value) + sizeof count;
    return bytes;
  }
};

struct CountFold {
  using State = CountState;
  Type type;
  size_t most = SIZE_MAX;

  bool takes(const Value&) const { return true; }
  void move(State& state, const Value& value, int64_t by) const {
    const auto at = std::find_if(state.counts.begin(), state.counts.end(),
                                 [&](const auto& known) { return known.first == value; });
    if (at == state.counts.end()) {
      if (state.counts.size() < most) state.counts.emplace_back(value, by);
      return;
    }
    at->second += by;
    if (at->second == 0) state.counts.erase(at);
  }
  void add(State& state, const Value& value) const { move(state, value, 1); }
  void retract(State& state, const Value& value) const { move(state, value, -1); }
  void merge(State& state, const State& other) const {
    for (const auto& [value, count] : other.counts) move(state, value, count);
  }
  void save(const State& state, Bytes& out) const {
    put_varint(out, state.counts.size());
    for (const auto& [value, count] : state.counts) {
      save_value(type, value, out);
      put_zigzag(out, count);
    }
  }
  bool load(BytesView& in, State& state) const {
    uint64_t size = 0;
    if (!get_varint(in, size) || size > in.size()) return false;
    state.counts.resize(size);
    for (auto& [value, count] : state.counts) {
      if (!load_value(type, in, value) || !get_zigzag(in, count)) return false;
    }
    return true;
  }
};

struct Histogram : CountFold {
  bool takes(const Value& value) const { return !value.is_null(); }
  Value result(const State& state) const {
    std::vector<Value> map;
    for (const auto& [value, count] : state.counts) {
      map.push_back(value);
      map.emplace_back(count);
    }
    return Value(std::move(map));
  }
};

struct Attr : CountFold {
  Value result(const State& state) const {
    return state.counts.size() == 1 ? state.counts[0].first : Value();
  }
};

}  // namespace

std::unique_ptr<Aggregate> make_collect_list(const Type& argument) {
  return make_pooled(Type::array(argument), CollectList{{argument}});
}

std::unique_ptr<Aggregate> make_collect_set(const Type& argument) {
  return make_pooled(Type::array(argument), CollectSet{{argument}});
}

std::unique_ptr<Aggregate> make_histogram(const Type& argument) {
  if (argument.kind() != Kind::string) return nullptr;
  return make_pooled(Type::map(argument, Kind::bigint), Histogram{{argument, kLongestHistogram}});
}

std::unique_ptr<Aggregate> make_attr(const Type& argument) {
  return make_pooled(argument, Attr{{argument}});
}

std::unique_ptr<Aggregate> make_top(const Type& argument, size_t count, bool distinct) {
  const Type& key = argument.kind() == Kind::structure ? argument.fields()[0].type : argument;
  if (key.is_nested()) return nullptr;
  return make_pooled(Type::array(argument), Top{{argument}, count, distinct});
}

std::unique_ptr<Aggregate> make_by_offset(const Type& argument, std::optional<size_t> count, bool latest,
                                          bool ignore_nulls) {
  return make_pooled(count ? Type::array(argument) : argument,
                     ByOffset{{argument}, count, latest, ignore_nulls});
}

}  // namespace tradewind::expr
