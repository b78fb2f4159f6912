#include "server/auth.h"

#include <algorithm>
#include <sstream>

#include "base/bytes.h"

namespace tradewind::server {
namespace {

constexpr size_t kLeastKey = 16;  // characters

// No earlier answer for a first character that differs.
bool same(std::string_view known, std::string_view shown) {
  auto differ = static_cast<unsigned char>(known.size() != shown.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    const char expected = i < known.size() ? known[i] : '\0';
    differ = static_cast<unsigned char>(differ | (expected ^ shown[i]));
  }
  volatile unsigned char result = differ;
  return result == 0;
}

std::optional<int> rights_of(std::string_view text) {
  if (text == "write") return kMayWrite;
  if (text == "read") return kMayRead;
  if (text == "read+write" || text == "write+read") return kMayRead | kMayWrite;
  if (text == "all") return kMayAll;
  return std::nullopt;
}

Result<Key> parse_key(const std::string& line, size_t number) {
  const std::string place = "server.keys, line " + std::to_string(number) + ": ";
  std::istringstream words(line);
  std::string name, rights, text, more;
  words >> name >> rights >> text >> more;
  if (text.empty() || !more.empty())
    return Error{Code::invalid, place + "each has three words: NAME RIGHTS KEY, as in: web write (the key)"};
  if (name.find(':') != std::string::npos)
    return Error{Code::invalid, place + "the name '" + name + "' has a colon; leave it out"};
  const auto may = rights_of(rights);
  if (!may)
    return Error{Code::invalid, place + "key " + name + " has the rights '" + rights +
                                    "'; there are write, read, read+write and all"};
  if (text.size() < kLeastKey)
    return Error{Code::invalid, place + "key " + name + " has fewer than " + std::to_string(kLeastKey) +
                                    " characters and could be guessed; make one with: openssl rand -hex 24"};
  return Key{name, *may, Secret(text)};
}

}  // namespace

Result<Keys> Keys::parse(std::string_view text) {
  Keys keys;
  std::string lines(text);
  std::replace(lines.begin(), lines.end(), ';', '\n');
  std::istringstream in(lines);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    Key key = TRY(parse_key(line, number));
    for (const Key& other : keys.keys_) {
      if (other.text.reveal() == key.text.reveal())
        return Error{Code::invalid, "server.keys, line " + std::to_string(number) + ": key " + key.name +
                                        " is the same as key " + other.name + "; give each its own"};
    }
    keys.keys_.push_back(std::move(key));
  }
  if (keys.empty())
    return Error{Code::invalid, "server.keys names no key; each line is NAME RIGHTS KEY, or leave it out"};
  return keys;
}

const Key* Keys::find(const Shown& shown) const {
  const Key* found = nullptr;
  for (const Key& key : keys_) {
    const bool named = shown.name.empty() || shown.name == key.name;
    if (same(key.text.reveal(), shown.text) && named) found = &key;
  }
  return found;
}

std::optional<Shown> shown_in(std::string_view authorization) {
  const size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  std::string scheme(authorization.substr(0, space));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const size_t first = std::min(authorization.find_first_not_of(" ", space), authorization.size());
  const std::string_view rest = authorization.substr(first);
  if (scheme == "bearer") return Shown{"", std::string(rest)};
  Bytes pair;
  if (scheme != "basic" || !from_base64(rest, pair)) return std::nullopt;
  const size_t colon = pair.find(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  return Shown{std::string(pair.substr(0, colon)), std::string(pair.substr(colon + 1))};
}

}  // namespace tradewind::server
