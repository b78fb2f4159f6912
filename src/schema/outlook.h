#pragma once
// Outlook: what registering a schema would do.
//
// Threads: plain values.

#include <cstdint>
#include <string>
#include <vector>

namespace tradewind::schema {

// It would be the subject's first version; it is there; it would be the next version; or it would be refused.
struct Outlook {
  enum class Kind { first, there, next, refused };
  Kind kind = Kind::first;
  int32_t version = 0;               // there
  std::vector<std::string> reasons;  // refused
};

}  // namespace tradewind::schema
