#pragma once
// Bytes: owned bytes; BytesView: borrowed ones. They are std::string and std::string_view under names that
// say "not text".

#include <string>
#include <string_view>

namespace tradewind {

using Bytes = std::string;
using BytesView = std::string_view;

// "00 1f a0": for messages and tests.
std::string to_hex(BytesView bytes);

// RFC 4648 with padding. `from_base64` answers false for anything else.
std::string to_base64(BytesView bytes);
bool from_base64(std::string_view text, Bytes& out);

}  // namespace tradewind
