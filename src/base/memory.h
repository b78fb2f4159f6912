#pragma once
// Memory: a block of bytes, not zeroed. Large ones lie on huge pages where the system has them: the first
// touch of a small page costs as much as folding ten rows.
//
// Threads: plain values.

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace tradewind {

struct FreeMemory {
  void operator()(char* bytes) const { std::free(bytes); }
};
using Memory = std::unique_ptr<char[], FreeMemory>;

// REQUIRES size > 0. The process stops where there is no memory left, as with `new`.
Memory allocate(size_t size);

// For vectors that grow large and are read at random.
template <typename T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <typename Other>
  explicit LargeAllocator(const LargeAllocator<Other>&) {}
  T* allocate(size_t count) { return reinterpret_cast<T*>(tradewind::allocate(count * sizeof(T)).release()); }
  void deallocate(T* at, size_t) { std::free(at); }
  bool operator==(const LargeAllocator&) const { return true; }
};
template <typename T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

}  // namespace tradewind
