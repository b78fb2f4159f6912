#pragma once
// PooledAggregate: an aggregate whose states are objects in a Pool, folded value by value. For everything
// that keeps values; sums and counts have faster forms.
//
// Fold: what one kind of aggregate does with its state:
//   State         copyable; size_bytes(), save(Bytes&), bool load(BytesView&)
//   void add(State&, const Value&), void retract(State&, const Value&)
//   void merge(State&, const State&)
//   Value result(const State&)

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

  void save(const char* const* rows, size_t count, bool, Bytes& out) const override {
    for (size_t i = 0; i < count; ++i) {
      const State* state = pool_.find(rows[i] + offset());
      out += state == nullptr ? '\0' : '\x01';
      if (state != nullptr) fold_.save(*state, out);
    }
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    for (size_t i = 0; i < count; ++i) {
      if (in.empty()) return false;
      const bool some = in[0] != '\0';
      in.remove_prefix(1);
      if (!some) continue;
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
  void settled(char*) override { pool_.settled(); }
  void dropped(char* row) override { pool_.dropped(row + offset()); }
  size_t pool_bytes() const override { return pool_.bytes(); }

 private:
  Fold fold_;
  Pool<State> pool_;
};

template <typename Fold>
std::unique_ptr<Aggregate> make_pooled(Type result_type, Fold fold) {
  return std::make_unique<PooledAggregate<Fold>>(std::move(result_type), std::move(fold));
}

}  // namespace tradewind::expr
