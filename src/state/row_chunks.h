#pragma once
// RowChunks: rows of a fixed size that do not move, in chunks of 8, 16, 32 ... rows from a pool.
//
// Threads: one owner; at() may be called by others while the owner is kept out. Chunks go back to the pool
// only by give_back().

#include <cstdint>
#include <vector>

#include "state/chunk_pool.h"

namespace tradewind::state {

class RowChunks {
 public:
  // REQUIRES n < size() and the row size of the pool they are from.
  char* at(uint32_t n, size_t row_bytes) const {
    const uint32_t shifted = n + kFirst;
    const int chunk = 31 - __builtin_clz(shifted) - 3;
    return chunks_[static_cast<size_t>(chunk)] + (shifted - (kFirst << chunk)) * row_bytes;
  }
  uint32_t size() const { return size_; }
  size_t capacity() const { return (size_t{kFirst} << chunks_.size()) - kFirst; }

  // The next row; its bytes are whatever lay there.
  char* add(ChunkPool& pool) {
    if (size_ == capacity()) chunks_.push_back(pool.take(chunks_.size()));
    return at(size_++, pool.row_bytes());
  }
  // Forgets the rows and keeps the chunks.
  void clear() { size_ = 0; }
  // Forgets the rows; hands back the chunks that more than `kept` rows would need.
  void give_back(ChunkPool& pool, size_t kept = 0) {
    size_ = 0;
    while (!chunks_.empty() && capacity() / 2 >= kept) {
      pool.give_back(chunks_.size() - 1, chunks_.back());
      chunks_.pop_back();
    }
  }

 private:
  static constexpr uint32_t kFirst = ChunkPool::kFirstRows;

  uint32_t size_ = 0;
  std::vector<char*> chunks_;
};

}  // namespace tradewind::state
