#include "ingest/plain_decimal.h"

namespace tradewind::ingest {

std::optional<int64_t> plain_decimal(std::string_view text, int precision, int scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int64_t value = 0;
  size_t digits = 0;
  size_t at = 0;
  int behind = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits)
    value = value * 10 + (text[at] - '0');
  if (digits == 0 || digits > 17 || (digits > 1 && text[0] == '0')) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits, ++behind) {
      if (digits >= 17) return std::nullopt;
      value = value * 10 + (text[at] - '0');
    }
    if (behind == 0) return std::nullopt;
  }
  if (at != text.size() || behind > scale || precision > 18) return std::nullopt;
  for (; behind < scale; ++behind) {
    if (__builtin_mul_overflow(value, int64_t{10}, &value)) return std::nullopt;
  }
  int64_t bound = 1;
  for (int i = 0; i < precision; ++i) bound *= 10;
  if (value >= bound) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace tradewind::ingest
