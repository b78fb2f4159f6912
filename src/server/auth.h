#pragma once
// Keys: who may ask what. A key has a name, rights, and a text that only its owner knows.
//
// Threads: immutable, share freely. The text of a key is in no message.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/result.h"

namespace tradewind::server {

// Bits of Request::rights.
inline constexpr int kMayRead = 1;    // rows, tables, topics, schemas
inline constexpr int kMayWrite = 2;   // events
inline constexpr int kMayChange = 4;  // everything else: statements, schemas, topics
inline constexpr int kMayAll = kMayRead | kMayWrite | kMayChange;

struct Key {
  std::string name;
  int rights = 0;
  Secret text;
};

// What a request shows of itself.
struct Shown {
  std::string name;  // only where it comes with the key, as in Basic
  std::string text;
};

class Keys {
 public:
  // "NAME RIGHTS KEY" a line or between semicolons; RIGHTS: write, read, read+write or all. Lines of # are
  // left out. invalid: with the line's number and what is wrong.
  static Result<Keys> parse(std::string_view text);

  bool empty() const { return keys_.empty(); }
  // The key that is shown; null when there is none. Takes as long for a wrong one as for a right one.
  const Key* find(const Shown& shown) const;

 private:
  std::vector<Key> keys_;
};

// What stands in "Authorization: Bearer KEY" or "Basic base64(NAME:KEY)"; nothing for anything else.
std::optional<Shown> shown_in(std::string_view authorization);

}  // namespace tradewind::server
