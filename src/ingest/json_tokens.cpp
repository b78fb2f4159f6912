#include "ingest/json_tokens.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace tradewind::ingest {
namespace {

constexpr size_t kLeastCapacity = 4096;
constexpr size_t kWordDigits = 19;  // of a whole number; more do not fit

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What ends a word. A '\0' is none that may stand there: words have a bracket or comma behind them.
constexpr std::array<bool, 256> make_ends() {
  std::array<bool, 256> ends{};
  for (const char c : {' ', '\t', '\n', '\r', ',', ']', '}', ':', '\0'}) ends[static_cast<uint8_t>(c)] = true;
  return ends;
}
constexpr auto kEnds = make_ends();

bool ends_word(char c) {
  return kEnds[static_cast<uint8_t>(c)];
}

size_t digits_at(std::string_view text, size_t at) {
  const size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at - begin;
}

bool is_number(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const size_t behind = digits_at(text, at + 1);
    if (behind == 0) return false;
    at += 1 + behind;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t power = digits_at(text, at);
    if (power == 0) return false;
    at += power;
  }
  return at == text.size();
}

// The four digits of \uXXXX.
std::optional<uint32_t> four_digits(std::string_view digits) {
  uint32_t value = 0;
  if (digits.size() < 4) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + 4, value, 16);
  if (error != std::errc() || end != digits.data() + 4) return std::nullopt;
  return value;
}

void put_utf8(uint32_t c, std::string& text) {
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    text += static_cast<char>(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | c >> 18);
    text += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  }
  text += static_cast<char>(0x80 | (c & 0x3f));
}

// What follows "\u", two of them for what lies beyond 16 bits; how many characters of `rest` it was, 0: it is
// none.
size_t unescape_number(std::string_view rest, std::string& text) {
  const auto first = four_digits(rest);
  if (!first || (*first >= 0xdc00 && *first < 0xe000)) return 0;
  if (*first < 0xd800 || *first >= 0xe000) {
    put_utf8(*first, text);
    return 4;
  }
  if (rest.substr(4, 2) != "\\u") return 0;
  const auto second = four_digits(rest.substr(6));
  if (!second || *second < 0xdc00 || *second >= 0xe000) return 0;
  put_utf8(0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00), text);
  return 10;
}

}  // namespace

struct JsonTokens::Cutter {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;
  size_t capacity = 0;

  bool make_room(size_t bytes) {
    if (implementation != nullptr && bytes <= capacity) return true;
    const size_t wanted = std::max(kLeastCapacity, bytes);
    implementation.reset();
    capacity = 0;
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, 1, implementation))
      return false;
    capacity = wanted;
    return true;
  }
};

JsonTokens::JsonTokens() : cutter_(std::make_unique<Cutter>()) {}
JsonTokens::~JsonTokens() = default;

bool JsonTokens::cut(const std::string& text) {
  if (!cutter_->make_room(text.size())) return false;
  auto& cut = *cutter_->implementation;
  if (cut.stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular))
    return false;
  text_ = text.data();
  text_end_ = text_ + text.size();
  next_ = cut.structural_indexes.get();
  end_ = next_ + cut.n_structural_indexes;
  return true;
}

std::string_view JsonTokens::word() {
  const char* begin = at();
  const char* end = begin;
  if (*begin == '"') return {};
  while (!ends_word(*end)) ++end;
  if (*end == '\0') return {};
  if (end != begin) ++next_;
  return {begin, static_cast<size_t>(end - begin)};
}

bool JsonTokens::has_escape(std::string_view raw) const {
  constexpr uint64_t kOnes = 0x0101010101010101;
  if (text_end_ - raw.data() < static_cast<ptrdiff_t>(raw.size() + 8))
    return raw.find('\\') != std::string_view::npos;
  uint64_t found = 0;  // may take what stands behind for its own
  for (size_t at = 0; at < raw.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, raw.data() + at, 8);
    word ^= kOnes * '\\';
    found |= (word - kOnes) & ~word & (kOnes << 7);
  }
  return found != 0 && raw.find('\\') != std::string_view::npos;
}

bool JsonTokens::whole_number(int64_t& value) {
  const char* at = this->at();
  const bool negative = *at == '-';
  if (negative) ++at;
  const char* first = at;
  uint64_t number = 0;
  while (is_digit(*at)) number = number * 10 + static_cast<uint64_t>(*at++ - '0');
  const auto digits = static_cast<size_t>(at - first);
  if (digits == 0 || digits > kWordDigits || (digits > 1 && *first == '0') || !ends_word(*at)) return false;
  if (*at == '\0') return false;
  if (number > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) return false;
  value = static_cast<int64_t>(negative ? 0 - number : number);
  ++next_;
  return true;
}

bool unescape(std::string_view raw, std::string& text) {
  constexpr std::string_view kShort = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  text.clear();
  while (true) {
    const size_t escape = raw.find('\\');
    text += raw.substr(0, escape);
    if (escape == std::string_view::npos) return true;
    raw.remove_prefix(escape + 1);
    if (raw.empty()) return false;
    const char which = raw[0];
    raw.remove_prefix(1);
    if (const size_t meant = kShort.find(which); meant != std::string_view::npos) {
      text += kMeant[meant];
      continue;
    }
    const size_t used = which == 'u' ? unescape_number(raw, text) : 0;
    if (used == 0) return false;
    raw.remove_prefix(used);
  }
}

std::optional<double> real_number(std::string_view word) {
  double number = 0;
  if (!is_number(word)) return std::nullopt;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

}  // namespace tradewind::ingest
