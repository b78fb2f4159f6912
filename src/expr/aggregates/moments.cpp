#include "expr/aggregates/moments.h"

#include <cmath>
#include <cstring>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::expr {
namespace {

// The state: sums, which add up when states are merged and become less when rows are taken back.
template <size_t kSums>
class Sums : public Aggregate {
 public:
  void save(const char* const* rows, size_t count, bool, Bytes& out) const override {
    for (size_t i = 0; i < count; ++i) out.append(rows[i] + offset(), state_bytes());
  }
  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    for (size_t i = 0; i < count; ++i) {
      double loaded[kSums];
      if (in.size() < sizeof loaded) return false;
      std::memcpy(loaded, in.data(), sizeof loaded);
      in.remove_prefix(sizeof loaded);
      if (replace) std::memset(rows[i] + offset(), 0, sizeof loaded);
      fold(rows[i] + offset(), loaded, 1);
    }
    return true;
  }
  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    for (size_t i = 0; i < count; ++i) {
      double sums[kSums];
      std::memcpy(sums, rows[i] + offset(), sizeof sums);
      out.data<double>()[from + i] = answer(sums);
    }
  }

 protected:
  Sums() : Aggregate(Kind::real, kSums * sizeof(double)) {}
  virtual double answer(const double* sums) const = 0;

  static void fold(char* at, const double* by, double sign) {
    double sums[kSums];
    std::memcpy(sums, at, sizeof sums);
    for (size_t i = 0; i < kSums; ++i) sums[i] += sign * by[i];
    std::memcpy(at, sums, sizeof sums);
  }
};

double real_at(const Column& column, size_t row) {
  switch (column.type().kind()) {
    case Kind::integer: return column.data<int32_t>()[row];
    case Kind::bigint: return static_cast<double>(column.data<int64_t>()[row]);
    case Kind::decimal: {
      const bool wide = column.type().layout() == Layout::i128;
      const Int128 exact = wide ? column.data<Int128>()[row] : Int128{column.data<int64_t>()[row]};
      return decimal_to_double(exact, column.type().scale());
    }
    default: return column.data<double>()[row];
  }
}

double sign_of(const Change* retract, size_t row) {
  return retract != nullptr && retract[row] == Change::retract ? -1 : 1;
}

class Deviation final : public Sums<3> {
 public:
  explicit Deviation(bool root) : root_(root) {}

  Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr || argument->is_null(i)) continue;
      const double x = real_at(*argument, i);
      const double by[3] = {1, x, x * x};
      fold(rows[i] + offset(), by, sign_of(retract, i));
    }
    return {};
  }

 protected:
  double answer(const double* sums) const override {
    if (sums[0] < 2) return 0;
    const double variance = std::max((sums[2] - sums[1] * sums[1] / sums[0]) / (sums[0] - 1), 0.0);
    return root_ ? std::sqrt(variance) : variance;
  }

 private:
  bool root_;
};

class Correlation final : public Sums<6> {
 public:
  Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) override {
    const Column& first = *argument->children()[0];
    const Column& second = *argument->children()[1];
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr || first.is_null(i) || second.is_null(i)) continue;
      const double x = first.data<double>()[i];
      const double y = second.data<double>()[i];
      const double by[6] = {1, x, y, x * x, y * y, x * y};
      fold(rows[i] + offset(), by, sign_of(retract, i));
    }
    return {};
  }

 protected:
  double answer(const double* sums) const override {
    const double together = sums[5] - sums[1] * sums[2] / sums[0];
    const double apart = (sums[3] - sums[1] * sums[1] / sums[0]) * (sums[4] - sums[2] * sums[2] / sums[0]);
    return together / std::sqrt(apart);  // NaN where there is none
  }
};

}  // namespace

std::unique_ptr<Aggregate> make_deviation(const Type& argument, bool root) {
  if (!argument.is_number()) return nullptr;
  return std::make_unique<Deviation>(root);
}

std::unique_ptr<Aggregate> make_correlation(const Type& argument) {
  const bool fits = argument.kind() == Kind::structure && argument.fields().size() == 2 &&
                    argument.fields()[0].type.kind() == Kind::real &&
                    argument.fields()[1].type.kind() == Kind::real;
  return fits ? std::make_unique<Correlation>() : nullptr;
}

}  // namespace tradewind::expr
