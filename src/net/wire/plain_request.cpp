#include "net/wire/plain_request.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tradewind::net {
namespace {

constexpr size_t kMostFields = 100;

constexpr std::array<bool, 256> make_tokens() {
  std::array<bool, 256> tokens{};
  for (int c = '0'; c <= '9'; ++c) tokens[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) tokens[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) tokens[static_cast<size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) tokens[static_cast<size_t>(c)] = true;
  return tokens;
}
constexpr auto kTokens = make_tokens();

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return kTokens[static_cast<uint8_t>(c)]; });
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "METHOD target HTTP/1.1"
bool read_request_line(std::string_view line, PlainHead& head, Request& request) {
  constexpr std::string_view kVersion = " HTTP/1.1";
  if (!line.ends_with(kVersion)) return false;
  line.remove_suffix(kVersion.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_token(line.substr(0, space))) return false;
  request.method = line.substr(0, space);
  head.target = line.substr(space + 1);
  return head.target.starts_with('/') && std::none_of(head.target.begin(), head.target.end(), [](char c) {
           return static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) == 0x7f;
         });
}

// What a field means for how the request is read. False: it is not plain.
bool heed(std::string_view name, std::string_view value, PlainHead& head, bool& has_length) {
  if (name == "content-length") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), head.body_bytes);
    const bool fine = error == std::errc() && end == value.data() + value.size() && !has_length;
    has_length = true;
    return fine;
  }
  if (name == "connection") {
    if (same_word(value, "close")) head.keep = false;
    return same_word(value, "close") || same_word(value, "keep-alive");
  }
  if (name == "expect") {
    head.expects_continue = true;
    return same_word(value, "100-continue");
  }
  return name != "transfer-encoding" && name != "upgrade" && name != "http2-settings";
}

}  // namespace

Plain read_plain_head(std::string_view bytes, size_t most_bytes, PlainHead& head, Request& request) {
  const size_t end = bytes.substr(0, most_bytes).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= most_bytes) return Plain::too_large;
    // What cannot become a request is told so at once.
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    const bool begins_well = line.empty() || is_token(line.substr(0, line.find(' ')));
    return begins_well && !bytes.starts_with("PRI ") ? Plain::more : Plain::no;
  }
  head.bytes = end + 4;
  std::string_view rest = bytes.substr(0, end + 2);
  const size_t line_end = rest.find("\r\n");
  if (!read_request_line(rest.substr(0, line_end), head, request)) return Plain::no;
  rest.remove_prefix(line_end + 2);
  bool has_length = false;
  std::string name;
  for (size_t fields = 0; !rest.empty(); ++fields) {
    const size_t stop = rest.find("\r\n");
    const std::string_view line = rest.substr(0, stop);
    rest.remove_prefix(stop + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || fields >= kMostFields) return Plain::no;
    if (!is_token(line.substr(0, colon))) return Plain::no;
    name.assign(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!is_visible(value) || !heed(name, value, head, has_length)) return Plain::no;
    request.headers.set(name, value);
  }
  return Plain::yes;
}

}  // namespace tradewind::net
