#pragma once
// DecayedSum: a sum in which a value weighs half as much for each half-life it is older than the newest one;
// and the aggregates made of it, DECAY_SUM and DECAY_COUNT.
//
// Forward decay (Cormode, Shkapenyuk, Srivastava, Xu: "Forward Decay", ICDE 2009) in whole half-lives: values
// are scaled to the half-life of time they fall into and summed there as fixed-point numbers, so that the sum
// does not hang on the order of rows, partials merge exactly, and what is taken back leaves nothing behind,
// however many years pass. What is older than kHalfLives weighs less than 2^-kHalfLives and is forgotten.
// Error: 2^-40 of each value's unit; values from 2^56 on do not fit. Threads: plain values.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "data/decimal.h"
#include "expr/aggregate.h"

namespace tradewind::expr {

class DecayedSum {
 public:
  static constexpr int64_t kHalfLives = 40;

  // REQUIRES half_life_ms > 0 and fits(value). `sign` -1 takes the value back.
  void add(int64_t time_ms, double value, int64_t half_life_ms, int sign = 1);
  void merge(const DecayedSum& other, int64_t half_life_ms);
  // Forgets what is too old to count at `time_ms`.
  void forget(int64_t time_ms, int64_t half_life_ms);
  // The sum as it is at that time, no earlier than the newest value's.
  double at(int64_t time_ms, int64_t half_life_ms) const;
  int64_t newest_ms() const { return newest_ms_; }
  bool empty() const { return sums_.empty(); }

  void save(Bytes& out) const;
  bool load(BytesView& in);
  size_t size_bytes() const { return sums_.capacity() * sizeof(sums_[0]); }

 private:
  void put(int64_t half_life, Int128 scaled);

  int64_t newest_ms_ = INT64_MIN;
  std::vector<std::pair<int64_t, Int128>> sums_;  // by half-life since 1970, ascending; none is 0
};

// Fixed-point numbers with 40 bits behind the point, and back.
bool fits_fixed(double value);
Int128 to_fixed(double value);
double from_fixed(Int128 value);

// Of a structure of a number and a time (BIGINT, ms). Null when it is none.
std::unique_ptr<Aggregate> make_decayed_sum(const Type& argument, int64_t half_life_ms);

}  // namespace tradewind::expr
