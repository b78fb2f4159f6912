#include "expr/aggregates/decayed.h"

#include <algorithm>
#include <cmath>

#include "base/coding.h"
#include "expr/aggregates/numbers.h"
#include "expr/aggregates/pooled.h"

namespace tradewind::expr {
namespace {

constexpr int kPointBits = 40;
constexpr double kLargest = 72'057'594'037'927'936.0;  // 2^56

// Which half-life since 1970 a time falls into, and how far it has gone (0 to 1).
struct Place {
  int64_t half_life;
  double passed;
};
Place place_of(int64_t time_ms, int64_t half_life_ms) {
  int64_t whole = time_ms / half_life_ms;
  if (whole * half_life_ms > time_ms) --whole;
  const auto rest = static_cast<double>(time_ms - whole * half_life_ms);
  return {whole, rest / static_cast<double>(half_life_ms)};
}

struct DecayFold {
  using State = DecayedSum;
  int64_t half_life_ms;
  NumberReader number;

  bool takes(const Value& value) const {
    return !value.parts()[0].is_null() && !value.parts()[1].is_null() &&
           fits_fixed(number.real(value.parts()[0]));
  }
  void add(State& state, const Value& value) const { put(state, value, 1); }
  void retract(State& state, const Value& value) const { put(state, value, -1); }
  void put(State& state, const Value& value, int sign) const {
    state.add(value.parts()[1].number(), number.real(value.parts()[0]), half_life_ms, sign);
  }
  void merge(State& state, const State& other) const { state.merge(other, half_life_ms); }
  void save(const State& state, Bytes& out) const { state.save(out); }
  bool load(BytesView& in, State& state) const { return state.load(in); }
  Value result(const State& state) const { return Value(state.at(state.newest_ms(), half_life_ms)); }
};

}  // namespace

bool fits_fixed(double value) {
  return std::abs(value) < kLargest;  // false of NaN
}
Int128 to_fixed(double value) {
  return static_cast<Int128>(std::nearbyint(std::ldexp(value, kPointBits)));
}
double from_fixed(Int128 value) {
  return std::ldexp(static_cast<double>(value), -kPointBits);
}

void DecayedSum::put(int64_t half_life, Int128 scaled) {
  const auto at = std::lower_bound(sums_.begin(), sums_.end(), half_life,
                                   [](const auto& known, int64_t wanted) { return known.first < wanted; });
  if (at == sums_.end() || at->first != half_life) {
    if (scaled != 0) sums_.insert(at, {half_life, scaled});
    return;
  }
  at->second += scaled;
  if (at->second == 0) sums_.erase(at);
}

void DecayedSum::add(int64_t time_ms, double value, int64_t half_life_ms, int sign) {
  const Place place = place_of(time_ms, half_life_ms);
  if (time_ms > newest_ms_) {
    newest_ms_ = time_ms;
    forget(time_ms, half_life_ms);
  }
  if (place.half_life <= place_of(newest_ms_, half_life_ms).half_life - kHalfLives) return;
  put(place.half_life, sign * to_fixed(value * std::exp2(place.passed)));
}

void DecayedSum::merge(const DecayedSum& other, int64_t half_life_ms) {
  for (const auto& [half_life, sum] : other.sums_) put(half_life, sum);
  newest_ms_ = std::max(newest_ms_, other.newest_ms_);
  if (newest_ms_ != INT64_MIN) forget(newest_ms_, half_life_ms);
}

void DecayedSum::forget(int64_t time_ms, int64_t half_life_ms) {
  const int64_t oldest = place_of(time_ms, half_life_ms).half_life - kHalfLives;
  const auto first =
      std::find_if(sums_.begin(), sums_.end(), [&](const auto& known) { return known.first > oldest; });
  sums_.erase(sums_.begin(), first);
}

double DecayedSum::at(int64_t time_ms, int64_t half_life_ms) const {
  if (sums_.empty()) return 0;
  const Place now = place_of(time_ms, half_life_ms);
  double sum = 0;
  for (const auto& [half_life, scaled] : sums_) {
    if (half_life <= now.half_life - kHalfLives) continue;
    sum += std::ldexp(from_fixed(scaled), static_cast<int>(half_life - now.half_life));
  }
  return sum * std::exp2(-now.passed);
}

void DecayedSum::save(Bytes& out) const {
  put_zigzag(out, newest_ms_);
  put_varint(out, sums_.size());
  for (const auto& [half_life, sum] : sums_) {
    put_zigzag(out, half_life);
    put_wide(out, sum);
  }
}

bool DecayedSum::load(BytesView& in) {
  uint64_t count = 0;
  if (!get_zigzag(in, newest_ms_) || !get_varint(in, count) || count > in.size()) return false;
  sums_.resize(count);
  return std::all_of(sums_.begin(), sums_.end(),
                     [&](auto& known) { return get_zigzag(in, known.first) && get_wide(in, known.second); });
}

std::unique_ptr<Aggregate> make_decayed_sum(const Type& argument, int64_t half_life_ms) {
  if (argument.kind() != Kind::structure || !argument.fields()[0].type.is_number()) return nullptr;
  return make_pooled(Kind::real, DecayFold{half_life_ms, NumberReader(argument.fields()[0].type)});
}

}  // namespace tradewind::expr
