#include "expr/aggregates/top_items.h"

#include <algorithm>
#include <map>

#include "base/coding.h"
#include "expr/aggregates/decayed.h"
#include "expr/aggregates/numbers.h"
#include "expr/aggregates/pooled.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

struct Before {
  bool operator()(const Value& a, const Value& b) const { return less(a, b); }
};

// What the rows of one item weigh: a plain sum (whole numbers, unscaled decimals, fixed point), or a decayed
// one.
struct Weight {
  Int128 sum = 0;
  DecayedSum decayed;
  bool empty() const { return sum == 0 && decayed.empty(); }
};

struct ItemState {
  std::map<Value, Weight, Before> weights;
  int64_t newest_ms = INT64_MIN;
  size_t size_bytes() const {
    size_t bytes = 0;
    for (const auto& [item, weight] : weights)
      bytes += bytes_of(item) + sizeof weight + weight.decayed.size_bytes() + 48;
    return bytes;
  }
};

// A row's parts: item, weight, time.
struct TopItemsFold {
  using State = ItemState;
  Type item_type;
  Type weight_type;  // as it comes
  size_t count;
  std::optional<int64_t> half_life_ms;
  NumberReader number;

  bool takes(const Value& value) const {
    const auto& parts = value.parts();
    if (parts[0].is_null() || parts[1].is_null() || parts[2].is_null()) return false;
    return !in_fixed_point() || fits_fixed(number.real(parts[1]));
  }
  void add(State& state, const Value& value) const { put(state, value, 1); }
  void retract(State& state, const Value& value) const { put(state, value, -1); }

  void put(State& state, const Value& value, int sign) const {
    const auto& parts = value.parts();
    Weight& weight = state.weights[parts[0]];
    const int64_t time = parts[2].number();
    if (half_life_ms) {
      weight.decayed.add(time, number.real(parts[1]), *half_life_ms, sign);
    } else {
      weight.sum += sign * exact(parts[1]);
    }
    if (weight.empty()) state.weights.erase(parts[0]);
    move_to(state, time);
    keep_heaviest(state);
  }

  void merge(State& state, const State& other) const {
    for (const auto& [item, theirs] : other.weights) {
      Weight& weight = state.weights[item];
      weight.sum += theirs.sum;
      if (half_life_ms) weight.decayed.merge(theirs.decayed, *half_life_ms);
      if (weight.empty()) state.weights.erase(item);
    }
    move_to(state, other.newest_ms);
    keep_heaviest(state);
  }

  void save(const State& state, Bytes& out) const {
    put_zigzag(out, state.newest_ms);
    put_varint(out, state.weights.size());
    for (const auto& [item, weight] : state.weights) {
      save_value(item_type, item, out);
      if (half_life_ms)
        weight.decayed.save(out);
      else
        put_wide(out, weight.sum);
    }
  }

  bool load(BytesView& in, State& state) const {
    uint64_t size = 0;
    if (!get_zigzag(in, state.newest_ms) || !get_varint(in, size) || size > in.size()) return false;
    for (uint64_t i = 0; i < size; ++i) {
      Value item;
      if (!load_value(item_type, in, item)) return false;
      Weight& weight = state.weights[item];
      if (!(half_life_ms ? weight.decayed.load(in) : get_wide(in, weight.sum))) return false;
    }
    return true;
  }

  Value result(const State& state) const {
    std::vector<std::pair<const Value*, const Weight*>> items;
    for (const auto& [item, weight] : state.weights) {
      if (heavier_than_nothing(state, weight)) items.emplace_back(&item, &weight);
    }
    const size_t shown = std::min(count, items.size());
    std::partial_sort(items.begin(), items.begin() + static_cast<ptrdiff_t>(shown), items.end(),
                      [&](const auto& a, const auto& b) {
                        if (heavier(state, *a.second, *b.second)) return true;
                        return !heavier(state, *b.second, *a.second) && less(*a.first, *b.first);
                      });
    std::vector<Value> top;
    for (size_t i = 0; i < shown; ++i)
      top.emplace_back(std::vector<Value>{*items[i].first, shown_weight(state, *items[i].second)});
    return Value(std::move(top));
  }

 private:
  bool in_fixed_point() const { return half_life_ms || weight_type.kind() == Kind::real; }
  Int128 exact(const Value& weight) const {
    if (weight_type.kind() == Kind::decimal) return weight.decimal();
    if (weight_type.kind() == Kind::real) return to_fixed(weight.real());
    return weight.number();
  }
  double decayed(const State& state, const Weight& weight) const {
    return weight.decayed.at(state.newest_ms, *half_life_ms);
  }
  bool heavier(const State& state, const Weight& a, const Weight& b) const {
    return half_life_ms ? decayed(state, a) > decayed(state, b) : a.sum > b.sum;
  }
  bool heavier_than_nothing(const State& state, const Weight& weight) const {
    return half_life_ms ? decayed(state, weight) > 0 : weight.sum > 0;
  }
  Value shown_weight(const State& state, const Weight& weight) const {
    if (half_life_ms) return Value(decayed(state, weight));
    if (weight_type.kind() == Kind::decimal) return Value(weight.sum);
    if (weight_type.kind() == Kind::real) return Value(from_fixed(weight.sum));
    return Value(static_cast<int64_t>(weight.sum));
  }

  // When the group's time enters another half-life, items whose last rows are too old to count go.
  void move_to(State& state, int64_t time_ms) const {
    const int64_t before = state.newest_ms;
    state.newest_ms = std::max(before, time_ms);
    if (!half_life_ms || before == INT64_MIN || state.newest_ms / *half_life_ms == before / *half_life_ms)
      return;
    for (auto at = state.weights.begin(); at != state.weights.end();) {
      at->second.decayed.forget(state.newest_ms, *half_life_ms);
      at = at->second.empty() ? state.weights.erase(at) : std::next(at);
    }
  }

  void keep_heaviest(State& state) const {
    if (state.weights.size() <= kMostItems) return;
    std::vector<std::pair<const Weight*, const Value*>> items;
    for (const auto& [item, weight] : state.weights) items.emplace_back(&weight, &item);
    const auto kept = items.begin() + kMostItems / 2;
    std::nth_element(items.begin(), kept, items.end(),
                     [&](const auto& a, const auto& b) { return heavier(state, *a.first, *b.first); });
    std::vector<Value> gone;
    for (auto at = kept; at != items.end(); ++at) gone.push_back(*at->second);
    for (const Value& item : gone) state.weights.erase(item);
  }
};

Type weight_of(const Type& type, bool decayed) {
  if (decayed || type.kind() == Kind::real) return Kind::real;
  return type.kind() == Kind::decimal ? Type::decimal(38, type.scale()) : Type(Kind::bigint);
}

}  // namespace

std::unique_ptr<Aggregate> make_top_items(const Type& argument, size_t count,
                                          std::optional<int64_t> half_life_ms) {
  if (argument.kind() != Kind::structure || argument.fields().size() != 3) return nullptr;
  const Type& item = argument.fields()[0].type;
  const Type& weight = argument.fields()[1].type;
  if (item.is_nested() || !weight.is_number()) return nullptr;
  const Type shown =
      Type::structure({{"ITEM", item}, {"WEIGHT", weight_of(weight, half_life_ms.has_value())}});
  return make_pooled(Type::array(shown), TopItemsFold{.item_type = item,
                                                      .weight_type = weight,
                                                      .count = count,
                                                      .half_life_ms = half_life_ms,
                                                      .number = NumberReader(weight)});
}

}  // namespace tradewind::expr
