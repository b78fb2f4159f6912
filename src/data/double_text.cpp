#include "data/double_text.h"

#include <charconv>
#include <cmath>

namespace tradewind {

std::string double_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  char raw[64];
  const auto end = std::to_chars(raw, raw + sizeof raw, value, std::chars_format::scientific).ptr;
  std::string text(raw, end);
  const bool negative = text[0] == '-';
  if (negative) text.erase(0, 1);
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  std::string digits = text.substr(0, e);
  if (digits.size() > 1) digits.erase(1, 1);
  std::string printed;
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) {
      printed = "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    } else {
      while (static_cast<int>(digits.size()) < exponent + 2) digits += '0';
      printed = digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
                digits.substr(static_cast<size_t>(exponent) + 1);
    }
  } else {
    printed = digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0") + "E" +
              std::to_string(exponent);
  }
  return negative ? "-" + printed : printed;
}

}  // namespace tradewind
