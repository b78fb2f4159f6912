#pragma once
// mutant(n): deliberate faults of the commit path and of recovery, so that it can be shown that the tests
// find them. Always false, and gone, but in a build with TW_MUTANTS, where the environment's TW_MUTANT names
// one. tests/simulate/mutants.sh runs the tests against each.

#ifdef TW_MUTANTS
#include <cstdlib>
#endif

namespace tradewind {

#ifdef TW_MUTANTS
inline bool mutant(int number) {
  static const int chosen = std::getenv("TW_MUTANT") == nullptr ? 0 : std::atoi(std::getenv("TW_MUTANT"));
  return chosen == number;
}
#else
constexpr bool mutant(int) {
  return false;
}
#endif

}  // namespace tradewind
