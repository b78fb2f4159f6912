#pragma once
// QuantileSketch: which value stands at a share of the values, within 1 % of it; and QUANTILE made of it.
//
// DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
// Guarantees", VLDB 2019): counts by the logarithm of the value. Counts are whole numbers, so partials merge
// exactly in any order and values can be taken back. kMostBuckets buckets on each side of 0, from the largest
// down (a range of 10^17), are told apart; smaller values count in the last of them. Threads: plain values.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "expr/aggregate.h"

namespace tradewind::expr {

class QuantileSketch {
 public:
  static constexpr double kError = 0.01;  // of the value
  static constexpr int32_t kMostBuckets = 2048;

  // Infinities and NaN are left out. `times` -1 takes the value back.
  void add(double value, int64_t times = 1);
  void merge(const QuantileSketch& other);
  int64_t count() const;
  // Of the values in order, about the one at place `share` * (count - 1), counted from 0 and rounded down;
  // nothing of none. REQUIRES 0 <= share <= 1.
  std::optional<double> at(double share) const;

  void save(Bytes& out) const;
  bool load(BytesView& in);
  size_t size_bytes() const;

 private:
  // The counts of one sign, by bucket.
  struct Side {
    std::vector<std::pair<int32_t, int64_t>> counts;  // ascending
    int32_t top = INT32_MIN;                          // the greatest bucket there ever was
    void add(int32_t bucket, int64_t times);
    void raise(int32_t bucket);
    void put(int32_t bucket, int64_t times);
    int64_t count() const;
    void save(Bytes& out) const;
    bool load(BytesView& in);
  };
  Side above_;
  Side below_;
  int64_t zeros_ = 0;
};

// Null when the type is not a number.
std::unique_ptr<Aggregate> make_quantile(const Type& argument, double share);

}  // namespace tradewind::expr
