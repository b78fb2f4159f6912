#include "state/chunk_pool.h"

#include <algorithm>

#include "base/check.h"

namespace tradewind::state {
namespace {

// Slabs grow with the table: a quiet query takes a page, a busy one whole huge pages.
constexpr size_t kFirstSlab = 2 * 1024;
constexpr size_t kMostSlab = 4 * 1024 * 1024;

}  // namespace

char* ChunkPool::take(size_t chunk) {
  CHECK(chunk < kMostChunks);
  if (!free_[chunk].empty()) {
    char* bytes = free_[chunk].back();
    free_[chunk].pop_back();
    return bytes;
  }
  const size_t wanted = (kFirstRows << chunk) * row_bytes_;
  if (wanted > left_) {
    const size_t size = std::max(wanted, std::clamp(bytes_, kFirstSlab, kMostSlab));
    slabs_.push_back(allocate(size));
    bytes_ += size;
    if (size - wanted <= left_) return slabs_.back().get();  // the slab before still has more room
    at_ = slabs_.back().get();
    left_ = size;
  }
  char* bytes = at_;
  at_ += wanted;
  left_ -= wanted;
  return bytes;
}

void ChunkPool::clear() {
  for (std::vector<char*>& chunks : free_) chunks.clear();
  slabs_.clear();
  at_ = nullptr;
  left_ = bytes_ = 0;
}

}  // namespace tradewind::state
