#pragma once
// Memory: a block of bytes, not zeroed. Large ones lie on huge pages where the system has them: the first
// touch of a small page costs as much as folding ten rows.
//
// Threads: plain values.

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace tradewind {

struct FreeMemory {
  void operator()(char* bytes) const { std::free(bytes); }
};
using Memory = std::unique_ptr<char[], FreeMemory>;

// REQUIRES size > 0. The process stops where there is no memory left, as with `new`.
Memory allocate(size_t size);

}  // namespace tradewind
