#include "data/decimal.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"

namespace tradewind {
namespace {

constexpr std::array<Int128, 39> make_powers() {
  std::array<Int128, 39> powers{};
  powers[0] = 1;
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}

constexpr std::array<Int128, 39> kPowers = make_powers();

}  // namespace

Int128 power_of_ten(int n) {
  CHECK(n >= 0 && n <= 38);
  return kPowers[static_cast<size_t>(n)];
}

bool fits_precision(Int128 value, int precision) {
  if (precision > 38) return true;
  const Int128 bound = kPowers[static_cast<size_t>(precision)];
  return value < bound && value > -bound;
}

std::optional<ParsedDecimal> parse_decimal(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  ParsedDecimal parsed;
  int digits = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.') {
      if (point) return std::nullopt;
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    Int128 next;
    if (__builtin_mul_overflow(parsed.unscaled, Int128{10}, &next) ||
        __builtin_add_overflow(next, Int128{c - '0'}, &parsed.unscaled)) {
      return std::nullopt;
    }
    ++digits;
    if (point) ++parsed.scale;
  }
  if (digits == 0) return std::nullopt;
  if (negative) parsed.unscaled = -parsed.unscaled;
  parsed.precision = std::max(digits, 1);
  return parsed;
}

std::string decimal_text(Int128 unscaled, int scale) {
  const bool negative = unscaled < 0;
  auto rest = negative ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled);
  std::string reversed;
  while (rest != 0 || static_cast<int>(reversed.size()) <= scale) {
    if (scale > 0 && static_cast<int>(reversed.size()) == scale) {
      reversed += '.';
      scale = -1;  // the point is placed
      if (rest == 0) {
        reversed += '0';
        break;
      }
    }
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (negative) reversed += '-';
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::optional<Int128> rescale(Int128 value, int from_scale, int to_scale) {
  if (to_scale == from_scale) return value;
  if (to_scale > from_scale) {
    if (to_scale - from_scale > 38) return value == 0 ? std::optional<Int128>(0) : std::nullopt;
    return multiply(value, power_of_ten(to_scale - from_scale));
  }
  if (from_scale - to_scale > 38) return Int128{0};
  const Int128 divisor = power_of_ten(from_scale - to_scale);
  Int128 quotient = value / divisor;
  const Int128 rest = value % divisor;
  if (rest >= divisor - rest && rest > 0) ++quotient;
  if (-rest >= divisor + rest && rest < 0) --quotient;
  return quotient;
}

std::optional<Int128> add(Int128 a, Int128 b) {
  Int128 sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

std::optional<Int128> multiply(Int128 a, Int128 b) {
  Int128 product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

std::optional<Int128> divide(Int128 a, int a_scale, Int128 b, int b_scale, int scale, bool round) {
  if (b == 0) return std::nullopt;
  Int128 numerator = a;
  Int128 denominator = b;
  int shift = scale - a_scale + b_scale;  // the quotient's unscaled value is a * 10^shift / b
  while (shift > 0 && numerator % denominator != 0) {
    if (__builtin_mul_overflow(numerator, Int128{10}, &numerator)) return std::nullopt;
    --shift;
  }
  while (shift < 0) {
    if (__builtin_mul_overflow(denominator, Int128{10}, &denominator)) return std::nullopt;
    ++shift;
  }
  Int128 quotient = numerator / denominator;
  const Int128 rest = numerator % denominator;
  if (rest != 0) {
    if (!round) return std::nullopt;
    const Int128 twice = (rest < 0 ? -rest : rest) * 2;
    if (twice >= (denominator < 0 ? -denominator : denominator)) quotient += (a < 0) == (b < 0) ? 1 : -1;
  }
  for (; shift > 0; --shift) {
    if (__builtin_mul_overflow(quotient, Int128{10}, &quotient)) return std::nullopt;
  }
  return quotient;
}

double decimal_to_double(Int128 unscaled, int scale) {
  // Exact in long double up to 64 bits of the unscaled value; strtod for the rest keeps the nearest double.
  if (scale <= 22 && unscaled < (Int128{1} << 53) && unscaled > -(Int128{1} << 53)) {
    return static_cast<double>(unscaled) / static_cast<double>(power_of_ten(scale));
  }
  return std::strtod(decimal_text(unscaled, scale).c_str(), nullptr);
}

std::optional<Int128> double_to_decimal(double value, int precision, int scale) {
  if (!std::isfinite(value) || scale > 38) return std::nullopt;
  // The shortest text that reads back as this double, then half up: what a person expects of 2.675.
  char text[400];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*e", digits - 1, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  const std::string_view printed(text);
  const size_t e = printed.find('e');
  const auto mantissa = parse_decimal(printed.substr(0, e));
  if (!mantissa) return std::nullopt;
  const int exponent = std::atoi(text + e + 1);
  int from_scale = mantissa->scale - exponent;
  Int128 unscaled = mantissa->unscaled;
  if (from_scale < 0) {
    if (from_scale < -38) return unscaled == 0 ? std::optional<Int128>(0) : std::nullopt;
    const auto grown = multiply(unscaled, power_of_ten(-from_scale));
    if (!grown) return std::nullopt;
    unscaled = *grown;
    from_scale = 0;
  }
  const auto result = rescale(unscaled, from_scale, scale);
  if (!result || !fits_precision(*result, precision)) return std::nullopt;
  return result;
}

std::string decimal_bytes(Int128 unscaled) {
  std::string bytes;
  for (int shift = 120; shift >= 0; shift -= 8) bytes += static_cast<char>(unscaled >> shift);
  size_t skip = 0;
  while (skip < 15) {
    const auto byte = static_cast<uint8_t>(bytes[skip]);
    const bool next_negative = (static_cast<uint8_t>(bytes[skip + 1]) & 0x80) != 0;
    if ((byte == 0 && !next_negative) || (byte == 0xff && next_negative)) {
      ++skip;
      continue;
    }
    break;
  }
  return bytes.substr(skip);
}

std::optional<Int128> decimal_from_bytes(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 16) return std::nullopt;
  Int128 value = (bytes[0] & 0x80) != 0 ? -1 : 0;
  for (const char byte : bytes)
    value = static_cast<Int128>(static_cast<unsigned __int128>(value) << 8 | static_cast<uint8_t>(byte));
  return value;
}

Type decimal_add_type(const Type& left, const Type& right) {
  const int scale = std::max(left.scale(), right.scale());
  const int whole = std::max(left.precision() - left.scale(), right.precision() - right.scale());
  return Type::decimal(scale + whole + 1, scale);
}

Type decimal_multiply_type(const Type& left, const Type& right) {
  return Type::decimal(left.precision() + right.precision() + 1, left.scale() + right.scale());
}

Type decimal_divide_type(const Type& left, const Type& right) {
  const int scale = std::max(6, left.scale() + right.precision() + 1);
  return Type::decimal(left.precision() - left.scale() + right.scale() + scale, scale);
}

Type decimal_modulo_type(const Type& left, const Type& right) {
  const int scale = std::max(left.scale(), right.scale());
  return Type::decimal(
      std::max(1, std::min(left.precision() - left.scale(), right.precision() - right.scale()) + scale),
      scale);
}

Type as_decimal(const Type& type) {
  if (type.kind() == Kind::integer) return Type::decimal(10, 0);
  if (type.kind() == Kind::bigint) return Type::decimal(19, 0);
  CHECK(type.kind() == Kind::decimal);
  return type;
}

}  // namespace tradewind
