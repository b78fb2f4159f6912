#include "expr/aggregates/funnel.h"

#include <algorithm>
#include <cmath>

#include "base/coding.h"
#include "expr/aggregates/pooled.h"
#include "expr/aggregates/quantile.h"

namespace tradewind::expr {
namespace {

struct FunnelStep {
  int64_t reached = 0;
  QuantileSketch waits_ms;  // since the step before
};

struct FunnelState {
  std::vector<FunnelStep> steps;
  size_t size_bytes() const {
    size_t bytes = 0;
    for (const FunnelStep& step : steps) bytes += sizeof step + step.waits_ms.size_bytes();
    return bytes;
  }
};

// Where the rate of so many out of so many lies with 95 % certainty (Wilson's score interval, 1927).
std::pair<double, double> interval_of(int64_t some, int64_t all) {
  constexpr double kDeviations = 1.959963984540054;
  const auto n = static_cast<double>(all);
  const double rate = static_cast<double>(some) / n;
  const double square = kDeviations * kDeviations / n;
  const double centre = rate + square / 2;
  const double half = kDeviations * std::sqrt(rate * (1 - rate) / n + square / (4 * n));
  return {std::max(0.0, (centre - half) / (1 + square)), std::min(1.0, (centre + half) / (1 + square))};
}

Value wait_of(const QuantileSketch& waits, double share) {
  const auto wait = waits.at(share);
  return wait ? Value(static_cast<int64_t>(std::llround(*wait))) : Value();
}

struct FunnelFold {
  using State = FunnelState;
  size_t steps;

  bool takes(const Value& value) const { return !value.parts()[0].is_null(); }
  void add(State& state, const Value& value) const { put(state, value, 1); }
  void retract(State& state, const Value& value) const { put(state, value, -1); }
  void put(State& state, const Value& value, int64_t times) const {
    state.steps.resize(steps);
    FunnelStep& step = state.steps[static_cast<size_t>(value.parts()[0].number() - 1)];
    step.reached += times;
    if (!value.parts()[1].is_null()) step.waits_ms.add(static_cast<double>(value.parts()[1].number()), times);
  }
  void merge(State& state, const State& other) const {
    state.steps.resize(steps);
    for (size_t i = 0; i < other.steps.size(); ++i) {
      state.steps[i].reached += other.steps[i].reached;
      state.steps[i].waits_ms.merge(other.steps[i].waits_ms);
    }
  }
  void save(const State& state, Bytes& out) const {
    put_varint(out, state.steps.size());
    for (const FunnelStep& step : state.steps) {
      put_zigzag(out, step.reached);
      step.waits_ms.save(out);
    }
  }
  bool load(BytesView& in, State& state) const {
    uint64_t size = 0;
    if (!get_varint(in, size) || size > steps) return false;
    state.steps.resize(size);
    return std::all_of(state.steps.begin(), state.steps.end(), [&](FunnelStep& step) {
      return get_zigzag(in, step.reached) && step.waits_ms.load(in);
    });
  }

  Value result(const State& state) const {
    std::vector<Value> rows;
    for (size_t i = 0; i < steps; ++i) {
      const bool last = i + 1 == steps;
      const FunnelStep none;
      const FunnelStep& step = i < state.steps.size() ? state.steps[i] : none;
      const int64_t converted = last || state.steps.empty() ? 0 : state.steps[i + 1].reached;
      std::vector<Value> row = {Value(static_cast<int64_t>(i + 1)), Value(step.reached)};
      row.push_back(last ? Value() : Value(converted));
      if (last || step.reached <= 0) {
        row.resize(row.size() + 3);
      } else {
        const auto [low, high] = interval_of(converted, step.reached);
        row.emplace_back(static_cast<double>(converted) / static_cast<double>(step.reached));
        row.emplace_back(low);
        row.emplace_back(high);
      }
      row.push_back(wait_of(step.waits_ms, 0.5));
      row.push_back(wait_of(step.waits_ms, 0.9));
      rows.emplace_back(std::move(row));
    }
    return Value(std::move(rows));
  }
};

}  // namespace

std::unique_ptr<Aggregate> make_funnel(const Type& argument, size_t steps) {
  if (argument.kind() != Kind::structure || argument.fields().size() != 2) return nullptr;
  const Type row = Type::structure({{"STEP", Kind::integer},
                                    {"ENTERED", Kind::bigint},
                                    {"CONVERTED", Kind::bigint},
                                    {"RATE", Kind::real},
                                    {"RATE_LOW", Kind::real},
                                    {"RATE_HIGH", Kind::real},
                                    {"P50_MS", Kind::bigint},
                                    {"P90_MS", Kind::bigint}});
  return make_pooled(Type::array(row), FunnelFold{steps});
}

}  // namespace tradewind::expr
