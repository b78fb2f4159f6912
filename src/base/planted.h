#pragma once
// planted(): whether the bugs that the fuzz targets must find are there: one in what each of them feeds.
// Always false, and gone, but in a build for fuzzing, where the environment's TW_PLANTED_BUG brings them.
// tests/fuzz/planted.sh lets each target look for its bug.

#ifdef TW_FUZZ
#include <cstdlib>
#endif

namespace tradewind {

#ifdef TW_FUZZ
inline bool planted() {
  static const bool chosen = std::getenv("TW_PLANTED_BUG") != nullptr;
  return chosen;
}
#else
constexpr bool planted() {
  return false;
}
#endif

}  // namespace tradewind
