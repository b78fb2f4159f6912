#pragma once
// Calls of operator new. It is replaced in the programs that ask for them, and in no other: all threads count
// in one place, which costs those that allocate at once.

#include <cstdint>

namespace tradewind::bench {

// So far, in all threads.
int64_t allocations();

}  // namespace tradewind::bench
