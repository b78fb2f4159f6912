#pragma once
// CHECK: a promise of our own code; broken, it stops the process with its place and reason. The last commit
// stands.

namespace tradewind {

[[noreturn]] void check_failed(const char* file, int line, const char* promise);

}  // namespace tradewind

#define CHECK(promise) \
  (__builtin_expect(!!(promise), 1) ? (void)0 : ::tradewind::check_failed(__FILE__, __LINE__, #promise))
#ifdef NDEBUG
#define DCHECK(promise) ((void)0)
#else
#define DCHECK(promise) CHECK(promise)
#endif
