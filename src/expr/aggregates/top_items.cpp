#include "expr/aggregates/top_items.h"

#include <algorithm>
#include <memory>
#include <set>

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

struct Item {
  Value item;
  Weight weight;
};

// The items of a group in their order. Copies share them; whoever changes one that is shared takes a copy of
// it, so that a commit copies what it changes and not a whole shop.
class Items {
 public:
  using Shared = std::shared_ptr<Item>;

  // The weight of an item, to change; made if it is new.
  Weight& change(const Value& item) {
    const auto at = place_of(item);
    if (at == items_.end() || less(item, (*at)->item))
      return (*items_.insert(at, std::make_shared<Item>(Item{item, {}})))->weight;
    if (at->use_count() > 1) *at = std::make_shared<Item>(**at);
    return (*at)->weight;
  }
  void erase(const Value& item) {
    const auto at = place_of(item);
    if (at != items_.end() && !less(item, (*at)->item)) items_.erase(at);
  }
  const Item* find(const Value& item) const {
    const auto at = std::lower_bound(items_.begin(), items_.end(), item, before);
    return at == items_.end() || less(item, (*at)->item) ? nullptr : at->get();
  }
  const std::vector<Shared>& all() const { return items_; }

 private:
  static bool before(const Shared& known, const Value& item) { return less(known->item, item); }
  std::vector<Shared>::iterator place_of(const Value& item) {
    return std::lower_bound(items_.begin(), items_.end(), item, before);
  }

  std::vector<Shared> items_;
};

struct ItemState {
  Items items;
  int64_t newest_ms = INT64_MIN;
  std::set<Value, Before> changed;  // since it was settled; gone ones too
  size_t size_bytes() const {
    size_t bytes = 0;
    for (const auto& known : items.all())
      bytes += bytes_of(known->item) + sizeof(Item) + known->weight.decayed.size_bytes() + 48;
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
    const int64_t time = parts[2].number();
    Weight& weight = state.items.change(parts[0]);
    if (half_life_ms) {
      weight.decayed.add(time, number.real(parts[1]), *half_life_ms, sign);
    } else {
      weight.sum += sign * exact(parts[1]);
    }
    changed(state, parts[0], weight);
    move_to(state, time);
    keep_heaviest(state);
  }

  void merge(State& state, const State& other) const {
    for (const auto& theirs : other.items.all()) {
      Weight& weight = state.items.change(theirs->item);
      weight.sum += theirs->weight.sum;
      if (half_life_ms) weight.decayed.merge(theirs->weight.decayed, *half_life_ms);
      changed(state, theirs->item, weight);
    }
    move_to(state, other.newest_ms);
    keep_heaviest(state);
  }

  void save(const State& state, Bytes& out) const {
    put_zigzag(out, state.newest_ms);
    put_varint(out, state.items.all().size());
    for (const auto& known : state.items.all()) {
      save_value(item_type, known->item, out);
      save_weight(known->weight, out);
    }
  }

  bool load(BytesView& in, State& state) const {
    uint64_t size = 0;
    if (!get_zigzag(in, state.newest_ms) || !get_varint(in, size) || size > in.size()) return false;
    for (uint64_t i = 0; i < size; ++i) {
      Value item;
      if (!load_value(item_type, in, item) || !load_weight(in, state.items.change(item))) return false;
    }
    return true;
  }

  // The items that changed: '\0' and the item: it is gone; '\1', the item, its weight.
  void save_changes(const State& state, Bytes& out) const {
    put_zigzag(out, state.newest_ms);
    put_varint(out, state.changed.size());
    for (const Value& item : state.changed) {
      const Item* known = state.items.find(item);
      out += known == nullptr ? '\0' : '\x01';
      save_value(item_type, item, out);
      if (known != nullptr) save_weight(known->weight, out);
    }
  }

  bool load_changes(BytesView& in, State& state) const {
    uint64_t size = 0;
    if (!get_zigzag(in, state.newest_ms) || !get_varint(in, size) || size > in.size()) return false;
    for (uint64_t i = 0; i < size; ++i) {
      if (in.empty()) return false;
      const bool there = in[0] != '\0';
      in.remove_prefix(1);
      Value item;
      if (!load_value(item_type, in, item)) return false;
      if (!there) {
        state.items.erase(item);
        continue;
      }
      Weight& weight = state.items.change(item);
      weight = {};
      if (!load_weight(in, weight)) return false;
    }
    return true;
  }
  void settled(State& state) const { state.changed.clear(); }

  Value result(const State& state) const {
    std::vector<Weighed> items = weighed(state);
    std::erase_if(items, [](const Weighed& one) { return !one.heavier_than_nothing(); });
    const size_t shown = std::min(count, items.size());
    std::partial_sort(items.begin(), items.begin() + static_cast<ptrdiff_t>(shown), items.end(),
                      [](const Weighed& a, const Weighed& b) {
                        if (a.heavier_than(b)) return true;
                        return !b.heavier_than(a) && less(a.item->item, b.item->item);
                      });
    std::vector<Value> top;
    for (size_t i = 0; i < shown; ++i)
      top.emplace_back(std::vector<Value>{items[i].item->item, shown_weight(items[i])});
    return Value(std::move(top));
  }

 private:
  bool in_fixed_point() const { return half_life_ms || weight_type.kind() == Kind::real; }
  Int128 exact(const Value& weight) const {
    if (weight_type.kind() == Kind::decimal) return weight.decimal();
    if (weight_type.kind() == Kind::real) return to_fixed(weight.real());
    return weight.number();
  }
  // An item and what it weighs as of the group's newest row: computed once, compared often.
  struct Weighed {
    const Item* item;
    Int128 sum;
    double decayed;
    bool heavier_than(const Weighed& other) const { return sum > other.sum || decayed > other.decayed; }
    bool heavier_than_nothing() const { return sum > 0 || decayed > 0; }
  };
  std::vector<Weighed> weighed(const State& state) const {
    std::vector<Weighed> items;
    items.reserve(state.items.all().size());
    for (const auto& known : state.items.all()) {
      const Weight& weight = known->weight;
      items.push_back({known.get(), half_life_ms ? 0 : weight.sum,
                       half_life_ms ? weight.decayed.at(state.newest_ms, *half_life_ms) : 0});
    }
    return items;
  }
  Value shown_weight(const Weighed& one) const {
    if (half_life_ms) return Value(one.decayed);
    if (weight_type.kind() == Kind::decimal) return Value(one.sum);
    if (weight_type.kind() == Kind::real) return Value(from_fixed(one.sum));
    return Value(static_cast<int64_t>(one.sum));
  }
  void save_weight(const Weight& weight, Bytes& out) const {
    if (half_life_ms)
      weight.decayed.save(out);
    else
      put_wide(out, weight.sum);
  }
  bool load_weight(BytesView& in, Weight& weight) const {
    return half_life_ms ? weight.decayed.load(in) : get_wide(in, weight.sum);
  }

  // `weight` is that of the item, which may go now.
  void changed(State& state, const Value& item, const Weight& weight) const {
    state.changed.insert(item);
    if (weight.empty()) state.items.erase(item);
  }

  // When the group's time enters another half-life, items whose last rows are too old to count go.
  void move_to(State& state, int64_t time_ms) const {
    const int64_t before = state.newest_ms;
    state.newest_ms = std::max(before, time_ms);
    if (!half_life_ms || before == INT64_MIN || state.newest_ms / *half_life_ms == before / *half_life_ms)
      return;
    std::vector<Value> all;
    for (const auto& known : state.items.all()) all.push_back(known->item);
    for (const Value& item : all) {
      Weight& weight = state.items.change(item);
      weight.decayed.forget(state.newest_ms, *half_life_ms);
      changed(state, item, weight);
    }
  }

  void keep_heaviest(State& state) const {
    if (state.items.all().size() <= kMostItems) return;
    std::vector<Weighed> items = weighed(state);
    const auto kept = items.begin() + kMostItems / 2;
    std::nth_element(items.begin(), kept, items.end(),
                     [](const Weighed& a, const Weighed& b) { return a.heavier_than(b); });
    std::vector<Value> gone;
    for (auto at = kept; at != items.end(); ++at) gone.push_back(at->item->item);
    for (const Value& item : gone) {
      state.changed.insert(item);
      state.items.erase(item);
    }
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
