#include "base/memory.h"

#include <sys/mman.h>

#include "base/check.h"

namespace tradewind {
namespace {

constexpr size_t kHugePage = 2 * 1024 * 1024;
constexpr size_t kWorthOne = 1536 * 1024;

}  // namespace

Memory allocate(size_t size) {
  CHECK(size > 0);
  if (size < kWorthOne) {
    Memory small(static_cast<char*>(std::malloc(size)));
    CHECK(small != nullptr);
    return small;
  }
  const size_t whole = (size + kHugePage - 1) / kHugePage * kHugePage;
  Memory large(static_cast<char*>(std::aligned_alloc(kHugePage, whole)));
  CHECK(large != nullptr);
  (void)::madvise(large.get(), whole, MADV_HUGEPAGE);  // only faster
  return large;
}

}  // namespace tradewind
