#pragma once
// Plain decimals: numbers as most are written, to whole numbers of a scale.
//
// Pure.

#include <cstdint>
#include <optional>
#include <string_view>

namespace tradewind::ingest {

// -?(0|[1-9][0-9]*)(\.[0-9]+)? as unscaled digits at `scale`; nothing: not so, more than 17 digits or than
// `precision`, or some would be lost.
std::optional<int64_t> plain_decimal(std::string_view text, int precision, int scale);

}  // namespace tradewind::ingest
