#include "ingest/plain_decimal.h"

#include <array>

namespace tradewind::ingest {
namespace {

constexpr int kMostPrecision = 18;
constexpr size_t kMostDigits = 17;

constexpr std::array<int64_t, kMostPrecision + 1> make_powers() {
  std::array<int64_t, kMostPrecision + 1> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr auto kPowers = make_powers();

}  // namespace

std::optional<int64_t> plain_decimal(std::string_view text, int precision, int scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int64_t value = 0;
  size_t digits = 0;
  size_t at = 0;
  int behind = 0;
  const auto take_digits = [&] {
    const size_t first = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && digits <= kMostDigits; ++at, ++digits)
      value = value * 10 + (text[at] - '0');
    return static_cast<int>(at - first);
  };
  if (take_digits() == 0 || (digits > 1 && text[0] == '0')) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    ++at;
    behind = take_digits();
    if (behind == 0) return std::nullopt;
  }
  if (at != text.size() || digits > kMostDigits || behind > scale || precision > kMostPrecision)
    return std::nullopt;
  if (scale > kMostPrecision ||
      __builtin_mul_overflow(value, kPowers[static_cast<size_t>(scale - behind)], &value))
    return std::nullopt;
  if (value >= kPowers[static_cast<size_t>(precision)]) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace tradewind::ingest
