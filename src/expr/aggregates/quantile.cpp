#include "expr/aggregates/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/coding.h"
#include "expr/aggregates/numbers.h"
#include "expr/aggregates/pooled.h"

namespace tradewind::expr {
namespace {

// Bucket i holds the values in (kBase^(i - 1), kBase^i]; any of them is within kError of the middle.
constexpr double kBase = (1 + QuantileSketch::kError) / (1 - QuantileSketch::kError);

int32_t bucket_of(double value) {
  static const double kLog = std::log(kBase);
  return static_cast<int32_t>(std::ceil(std::log(value) / kLog));
}
double middle_of(int32_t bucket) {
  return 2 * std::pow(kBase, bucket) / (kBase + 1);
}

struct QuantileFold {
  using State = QuantileSketch;
  double share;
  NumberReader number;

  bool takes(const Value& value) const { return !value.is_null(); }
  void add(State& state, const Value& value) const { state.add(number.real(value)); }
  void retract(State& state, const Value& value) const { state.add(number.real(value), -1); }
  void merge(State& state, const State& other) const { state.merge(other); }
  void save(const State& state, Bytes& out) const { state.save(out); }
  bool load(BytesView& in, State& state) const { return state.load(in); }
  Value result(const State& state) const {
    const auto value = state.at(share);
    return value ? Value(*value) : Value();
  }
};

}  // namespace

void QuantileSketch::Side::put(int32_t bucket, int64_t times) {
  const auto at = std::lower_bound(counts.begin(), counts.end(), bucket,
                                   [](const auto& known, int32_t wanted) { return known.first < wanted; });
  if (at == counts.end() || at->first != bucket) {
    counts.insert(at, {bucket, times});
    return;
  }
  at->second += times;
  if (at->second == 0) counts.erase(at);
}

// A new greatest bucket pushes the smallest ones together.
void QuantileSketch::Side::raise(int32_t bucket) {
  if (bucket <= top) return;
  top = bucket;
  if (top < std::numeric_limits<int32_t>::min() + kMostBuckets) return;
  const int32_t least = top - kMostBuckets + 1;
  int64_t pushed = 0;
  auto first = counts.begin();
  for (; first != counts.end() && first->first < least; ++first) pushed += first->second;
  counts.erase(counts.begin(), first);
  if (pushed != 0) put(least, pushed);
}

void QuantileSketch::Side::add(int32_t bucket, int64_t times) {
  raise(bucket);
  put(std::max(bucket, top - kMostBuckets + 1), times);
}

int64_t QuantileSketch::Side::count() const {
  int64_t sum = 0;
  for (const auto& [bucket, times] : counts) sum += times;
  return sum;
}

void QuantileSketch::Side::save(Bytes& out) const {
  put_zigzag(out, top);
  put_varint(out, counts.size());
  for (const auto& [bucket, times] : counts) {
    put_zigzag(out, bucket);
    put_zigzag(out, times);
  }
}

bool QuantileSketch::Side::load(BytesView& in) {
  int64_t greatest = 0;
  uint64_t size = 0;
  if (!get_zigzag(in, greatest) || !get_varint(in, size) || size > kMostBuckets) return false;
  top = static_cast<int32_t>(greatest);
  counts.resize(size);
  return std::all_of(counts.begin(), counts.end(), [&](auto& known) {
    int64_t bucket = 0;
    const bool read = get_zigzag(in, bucket) && get_zigzag(in, known.second);
    known.first = static_cast<int32_t>(bucket);
    return read;
  });
}

void QuantileSketch::add(double value, int64_t times) {
  if (!std::isfinite(value)) return;
  if (std::abs(value) < std::numeric_limits<double>::min()) {
    zeros_ += times;
    return;
  }
  (value > 0 ? above_ : below_).add(bucket_of(std::abs(value)), times);
}

void QuantileSketch::merge(const QuantileSketch& other) {
  zeros_ += other.zeros_;
  for (const auto& [mine, theirs] : {std::pair(&above_, &other.above_), std::pair(&below_, &other.below_)}) {
    if (theirs->top == INT32_MIN) continue;
    mine->raise(theirs->top);
    for (const auto& [bucket, times] : theirs->counts) mine->add(bucket, times);
  }
}

int64_t QuantileSketch::count() const {
  return above_.count() + below_.count() + zeros_;
}

std::optional<double> QuantileSketch::at(double share) const {
  const int64_t all = count();
  if (all <= 0) return std::nullopt;
  const auto place = static_cast<int64_t>(std::floor(share * static_cast<double>(all - 1)));
  int64_t passed = 0;
  for (auto at = below_.counts.rbegin(); at != below_.counts.rend(); ++at) {
    if ((passed += at->second) > place) return -middle_of(at->first);
  }
  if ((passed += zeros_) > place) return 0.0;
  for (const auto& [bucket, times] : above_.counts) {
    if ((passed += times) > place) return middle_of(bucket);
  }
  return std::nullopt;  // only of a partial that took back what another has
}

void QuantileSketch::save(Bytes& out) const {
  put_zigzag(out, zeros_);
  above_.save(out);
  below_.save(out);
}

bool QuantileSketch::load(BytesView& in) {
  return get_zigzag(in, zeros_) && above_.load(in) && below_.load(in);
}

size_t QuantileSketch::size_bytes() const {
  return (above_.counts.capacity() + below_.counts.capacity()) * sizeof(above_.counts[0]);
}

std::unique_ptr<Aggregate> make_quantile(const Type& argument, double share) {
  if (!argument.is_number()) return nullptr;
  return make_pooled(Kind::real, QuantileFold{share, NumberReader(argument)});
}

}  // namespace tradewind::expr
