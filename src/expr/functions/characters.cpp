#include "expr/functions/characters.h"

#include <utf8proc.h>

#include <algorithm>

namespace tradewind::expr {
namespace {

constexpr int32_t kSharpS = 0xdf;

void append_upper(std::string& text, int32_t character) {
  if (character == kSharpS)
    text += "SS";
  else
    append_character(text, character < 0 ? character : utf8proc_toupper(character));
}

}  // namespace

size_t length_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

size_t byte_of(std::string_view text, size_t n) {
  size_t at = 0;
  while (at < text.size() && n > 0) {
    ++at;
    while (at < text.size() && (text[at] & 0xc0) == 0x80) ++at;
    --n;
  }
  return at;
}

// A byte that begins no character is answered as a negative number, which append_character() gives back.
int32_t next_character(std::string_view text, size_t& at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    ++at;
    return first;
  }
  utf8proc_int32_t character = 0;
  const auto read = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                     static_cast<utf8proc_ssize_t>(text.size() - at), &character);
  if (read <= 0) {
    ++at;
    return -static_cast<int32_t>(first);
  }
  at += static_cast<size_t>(read);
  return character;
}

void append_character(std::string& text, int32_t character) {
  if (character < 0x80) {
    text += static_cast<char>(character < 0 ? -character : character);
    return;
  }
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(character, bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

std::string upper_of(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) append_upper(out, next_character(text, at));
  return out;
}

std::string lower_of(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const int32_t character = next_character(text, at);
    append_character(out, character < 0 ? character : utf8proc_tolower(character));
  }
  return out;
}

std::string capitalized(std::string_view text) {
  std::string out;
  bool first = true;
  for (size_t at = 0; at < text.size();) {
    const int32_t character = next_character(text, at);
    if (first && character > 0)
      append_character(out, utf8proc_totitle(character));
    else
      append_character(out, character < 0 ? character : utf8proc_tolower(character));
    first = character == ' ' || (character >= '\t' && character <= '\r');
  }
  return out;
}

CharacterClass class_of(int32_t character) {
  if (character < 0) return CharacterClass::other;
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT: return CharacterClass::upper;
    case UTF8PROC_CATEGORY_LL: return CharacterClass::lower;
    case UTF8PROC_CATEGORY_ND: return CharacterClass::digit;
    default: return CharacterClass::other;
  }
}

}  // namespace tradewind::expr
