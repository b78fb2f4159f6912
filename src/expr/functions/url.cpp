// Parts of addresses (RFC 3986) and the encoding of their parameters.
#include <charconv>
#include <optional>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

struct Address {
  std::optional<std::string> protocol, host, query, fragment;
  std::optional<int64_t> port;
  std::string path;
};

std::optional<Address> parse(std::string_view text) {
  Address address;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
        c == '`' || c == '{' || c == '|' || c == '}') {
      return std::nullopt;
    }
  }
  if (const size_t at = text.find('#'); at != text.npos) {
    address.fragment = text.substr(at + 1);
    text = text.substr(0, at);
  }
  if (const size_t at = text.find('?'); at != text.npos) {
    address.query = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const size_t colon = text.find(':');
  if (colon != text.npos && colon > 0 && text.find('/') > colon) {
    address.protocol = text.substr(0, colon);
    text = text.substr(colon + 1);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    std::string_view authority = text.substr(0, text.find('/'));
    text = text.substr(authority.size());
    if (const size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
    const size_t port = authority.rfind(':');
    const size_t bracket = authority.rfind(']');
    if (port != authority.npos && (bracket == authority.npos || port > bracket)) {
      int64_t number = 0;
      const std::string_view digits = authority.substr(port + 1);
      if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc())
        address.port = number;
      authority = authority.substr(0, port);
    }
    if (!authority.empty()) address.host = authority;
  }
  address.path = text;
  return address;
}

Result<Address> address_of(const Value& text) {
  auto address = parse(text.text());
  if (!address) return Error{Code::invalid, "'" + text.text() + "' is no URL"};
  return std::move(*address);
}

Value optional(std::optional<std::string> part) {
  return part ? Value(std::move(*part)) : Value();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = c | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Error{Code::invalid, "'" + std::string(text) + "' is not URL-encoded"};
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

Result<Value> decode(Values a, Types) {
  return Value(TRY(decoded(a[0].text())));
}

Result<Value> encode(Values a, Types) {
  static const char* const kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : a[0].text()) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '*') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return Value(std::move(out));
}

Result<Value> fragment(Values a, Types) {
  auto part = TRY(address_of(a[0])).fragment;
  if (!part) return Value();
  return Value(TRY(decoded(*part)));
}
Result<Value> host(Values a, Types) {
  return optional(TRY(address_of(a[0])).host);
}
Result<Value> path(Values a, Types) {
  return Value(TRY(address_of(a[0])).path);
}
Result<Value> port(Values a, Types) {
  const auto number = TRY(address_of(a[0])).port;
  return number ? Value(*number) : Value();
}
Result<Value> protocol(Values a, Types) {
  return optional(TRY(address_of(a[0])).protocol);
}
Result<Value> query(Values a, Types) {
  return optional(TRY(address_of(a[0])).query);
}

Result<Value> parameter(Values a, Types) {
  const auto query = TRY(address_of(a[0])).query;
  std::string_view rest = query ? std::string_view(*query) : std::string_view();
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const size_t equals = std::min(one.find('='), one.size());
    if (TRY(decoded(one.substr(0, equals))) != a[1].text()) continue;
    return Value(equals == one.size() ? std::string() : TRY(decoded(one.substr(equals + 1))));
  }
  return Value();
}

#define TEXT_OF_URL(name, function, about, example)                                                 \
  {                                                                                                 \
    name, name "(url)", about, example,                                                             \
        [](Arguments& a) { return take(name, a, {Kind::string}, Kind::string); }, nullptr, function \
  }

const Function kRows[] = {
    {"URL_DECODE_PARAM", "URL_DECODE_PARAM(text)", "Without the encoding of a parameter.",
     "URL_DECODE_PARAM('a%20b%26c')",
     [](Arguments& a) { return take("URL_DECODE_PARAM", a, {Kind::string}, Kind::string); }, nullptr, decode},
    {"URL_ENCODE_PARAM", "URL_ENCODE_PARAM(text)", "Encoded to stand in an address as a parameter.",
     "URL_ENCODE_PARAM('a b&c')",
     [](Arguments& a) { return take("URL_ENCODE_PARAM", a, {Kind::string}, Kind::string); }, nullptr, encode},
    TEXT_OF_URL("URL_EXTRACT_FRAGMENT", fragment, "What stands behind #.",
                "URL_EXTRACT_FRAGMENT('https://shop.example/a?b=1#top')"),
    TEXT_OF_URL("URL_EXTRACT_HOST", host, "The host.", "URL_EXTRACT_HOST('https://shop.example:8080/a')"),
    TEXT_OF_URL("URL_EXTRACT_PATH", path, "The path.", "URL_EXTRACT_PATH('https://shop.example/a/b?c=1')"),
    {"URL_EXTRACT_PORT", "URL_EXTRACT_PORT(url) -> INTEGER", "The port; null when it names none.",
     "URL_EXTRACT_PORT('https://shop.example:8080/a')",
     [](Arguments& a) { return take("URL_EXTRACT_PORT", a, {Kind::string}, Kind::integer); }, nullptr, port},
    TEXT_OF_URL("URL_EXTRACT_PROTOCOL", protocol, "The protocol.",
                "URL_EXTRACT_PROTOCOL('https://shop.example/a')"),
    TEXT_OF_URL("URL_EXTRACT_QUERY", query, "What stands behind ?, as it is.",
                "URL_EXTRACT_QUERY('https://shop.example/a?b=1&c=2')"),
    {"URL_EXTRACT_PARAMETER", "URL_EXTRACT_PARAMETER(url, name)", "The value of a parameter, decoded.",
     "URL_EXTRACT_PARAMETER('https://shop.example/a?b=x%20y', 'b')",
     [](Arguments& a) {
       return take("URL_EXTRACT_PARAMETER", a, {Kind::string, Kind::string}, Kind::string);
     },
     nullptr, parameter},
};

}  // namespace

std::span<const Function> url_functions() {
  return kRows;
}

}  // namespace tradewind::expr
