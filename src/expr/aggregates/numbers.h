#pragma once
// Numbers of any type as aggregates of the platform's own take them, and wide ones as bytes.

#include "base/coding.h"
#include "data/decimal.h"
#include "data/value.h"

namespace tradewind::expr {

// Reads values of one number type. Threads: plain value.
class NumberReader {
 public:
  explicit NumberReader(const Type& type) : kind_(type.kind()) {
    if (kind_ == Kind::decimal) scale_ = type.scale();
  }
  // REQUIRES a value of the type that is not null.
  double real(const Value& value) const {
    if (kind_ == Kind::real) return value.real();
    if (kind_ == Kind::decimal) return decimal_to_double(value.decimal(), scale_);
    return static_cast<double>(value.number());
  }

 private:
  Kind kind_;
  int scale_ = 0;
};

inline void put_wide(Bytes& out, Int128 value) {
  const auto folded =
      static_cast<unsigned __int128>(value << 1) ^ static_cast<unsigned __int128>(value >> 127);
  put_varint(out, static_cast<uint64_t>(folded));
  put_varint(out, static_cast<uint64_t>(folded >> 64));
}
inline bool get_wide(BytesView& in, Int128& value) {
  uint64_t low = 0;
  uint64_t high = 0;
  if (!get_varint(in, low) || !get_varint(in, high)) return false;
  const auto folded = static_cast<unsigned __int128>(high) << 64 | low;
  value = static_cast<Int128>(folded >> 1) ^ -static_cast<Int128>(folded & 1);
  return true;
}

}  // namespace tradewind::expr
