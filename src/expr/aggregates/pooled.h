#pragma once
// PooledAggregate: an aggregate whose states are objects in a Pool, folded value by value. For everything
// that keeps values; sums and counts have faster forms.
//
// Fold: what one kind of aggregate does with its state:
//   State         copyable; size_bytes(), save(Bytes&), bool load(BytesView&)
//   void add(State&, const Value&), void retract(State&, const Value&)
//   void merge(State&, const State&)
//   Value result(const State&)
// and, where a state is large and little of it changes at a time:
//   void save_changes(const State&, Bytes&), bool load_changes(BytesView&, State&): what changed since
//   settled(State&), as absolute values

#include <utility>

#include "data/value.h"
#include "expr/aggregates/pool.h"
#include "expr/aggregates/put_values.h"

namespace tradewind::expr {

template <typename Fold>
class PooledAggregate final : public Aggregate {
 public:
  using State = typename Fold::State;

  PooledAggregate(Type result_type, Fold fold)
      : Aggregate(std::move(result_type), Pool<State>::kHandleBytes), fold_(std::move(fold)) {}

  Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr) continue;
      const Value value = value_at(*argument, i);
      if (!fold_.takes(value)) continue;
      State& state = pool_.change(rows[i] + offset());
      if (retract != nullptr && retract[i] == Change::retract)
        fold_.retract(state, value);
      else
        fold_.add(state, value);
    }
    return {};
  }

  void save(const char* const* rows, size_t count, bool whole, Bytes& out) const override {
    for (size_t i = 0; i < count; ++i) {
      const State* state = pool_.find(rows[i] + offset());
      if constexpr (kSavesChanges) {
        if (state != nullptr && !whole) {
          out += '\x02';
          fold_.save_changes(*state, out);
          continue;
        }
      }
      out += state == nullptr ? '\0' : '\x01';
      if (state != nullptr) fold_.save(*state, out);
    }
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    for (size_t i = 0; i < count; ++i) {
      if (in.empty()) return false;
      const char form = in[0];
      in.remove_prefix(1);
      if (form == '\0') continue;
      if constexpr (kSavesChanges) {
        if (form == '\x02') {
          if (!replace || !fold_.load_changes(in, pool_.change(rows[i] + offset()))) return false;
          continue;
        }
      }
      State loaded;
      if (!fold_.load(in, loaded)) return false;
      State& state = pool_.change(rows[i] + offset());
      if (replace)
        state = std::move(loaded);
      else
        fold_.merge(state, loaded);
    }
    return true;
  }

  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    std::vector<Value> values;
    values.reserve(count);
    const State none;
    for (size_t i = 0; i < count; ++i) {
      const State* state = pool_.find(rows[i] + offset());
      values.push_back(fold_.result(state == nullptr ? none : *state));
    }
    put_values(values, out, from);
  }

  bool grows() const override { return true; }
  void settled(char*) override {
    if constexpr (kSavesChanges)
      pool_.settled([this](State& state) { fold_.settled(state); });
    else
      pool_.settled([](State&) {});
  }
  void dropped(char* row) override { pool_.dropped(row + offset()); }
  size_t pool_bytes() const override { return pool_.bytes(); }

 private:
  static constexpr bool kSavesChanges = requires(const Fold& fold, State& state, Bytes& out) {
    fold.save_changes(state, out);
    fold.settled(state);
  };

  Fold fold_;
  Pool<State> pool_;
};

template <typename Fold>
std::unique_ptr<Aggregate> make_pooled(Type result_type, Fold fold) {
  return std::make_unique<PooledAggregate<Fold>>(std::move(result_type), std::move(fold));
}

}  // namespace tradewind::expr
