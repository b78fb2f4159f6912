#pragma once
// Decimal: exact numbers as an unscaled 128-bit integer with a scale known from the type. Pure functions.
//
// Overflow of 128 bits, or of the precision asked for, is answered with nothing; the caller makes that a row
// error.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/type.h"

namespace tradewind {

using Int128 = __int128;

struct ParsedDecimal {
  Int128 unscaled = 0;
  int precision = 1;  // digits as written; a leading 0 before the point counts, as in ksqlDB
  int scale = 0;
};

// "12.50", "-.5", "5."; no exponent, no spaces.
std::optional<ParsedDecimal> parse_decimal(std::string_view text);
std::string decimal_text(Int128 unscaled, int scale);

// 10^n. REQUIRES 0 <= n <= 38.
Int128 power_of_ten(int n);
// |value| < 10^precision (always true for precision > 38).
bool fits_precision(Int128 value, int precision);
// To another scale, half away from zero when digits are lost.
std::optional<Int128> rescale(Int128 value, int from_scale, int to_scale);
std::optional<Int128> add(Int128 a, Int128 b);
std::optional<Int128> multiply(Int128 a, Int128 b);
// a / b as an exact quotient of `scale` digits; nothing when it does not end there or b is 0. Half-up
// rounding when `round` is set.
std::optional<Int128> divide(Int128 a, int a_scale, Int128 b, int b_scale, int scale, bool round);
double decimal_to_double(Int128 unscaled, int scale);
// Half up at `scale`; nothing when it is not finite or does not fit.
std::optional<Int128> double_to_decimal(double value, int precision, int scale);

// Two's complement, big-endian, shortest: Avro's decimal bytes. Reading: nothing for no bytes or more
// than 16.
std::string decimal_bytes(Int128 unscaled);
std::optional<Int128> decimal_from_bytes(std::string_view bytes);

// The types of results, by ksqlDB's rules: left op right.
Type decimal_add_type(const Type& left, const Type& right);
Type decimal_multiply_type(const Type& left, const Type& right);
Type decimal_divide_type(const Type& left, const Type& right);
Type decimal_modulo_type(const Type& left, const Type& right);
// INTEGER as DECIMAL(10, 0), BIGINT as DECIMAL(19, 0), a decimal as itself. REQUIRES one of these.
Type as_decimal(const Type& type);

}  // namespace tradewind
