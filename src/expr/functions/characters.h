#pragma once
// Characters: UTF-8 text counted and changed by code points. Bytes that are no UTF-8 count one each and stay.

#include <cstdint>
#include <string>
#include <string_view>

namespace tradewind::expr {

// How many characters.
size_t length_of(std::string_view text);
// The byte where character `n` (from 0) begins, or the end.
size_t byte_of(std::string_view text, size_t n);
// The character at byte `at`, which moves behind it.
int32_t next_character(std::string_view text, size_t& at);
void append_character(std::string& text, int32_t character);

std::string upper_of(std::string_view text);  // as Java: German sharp s becomes SS
std::string lower_of(std::string_view text);
// Each word with a capital first, the rest small; words stand between white space.
std::string capitalized(std::string_view text);

enum class CharacterClass { upper, lower, digit, other };
CharacterClass class_of(int32_t character);

}  // namespace tradewind::expr
