#pragma once
// ChunkPool: memory for the rows of one table, in chunks of 8, 16, 32 ... rows. What a window leaves behind
// is taken by the next one of its size; all of it goes back to the system with the pool.
//
// Threads: one owner.

#include <array>
#include <cstddef>
#include <vector>

#include "base/memory.h"

namespace tradewind::state {

class ChunkPool {
 public:
  static constexpr size_t kMostChunks = 28;
  static constexpr size_t kFirstRows = 8;  // of chunk 0; each next one has twice as many

  explicit ChunkPool(size_t row_bytes) : row_bytes_(row_bytes) {}

  size_t row_bytes() const { return row_bytes_; }
  // REQUIRES chunk < kMostChunks. The bytes are whatever lay there.
  char* take(size_t chunk);
  void give_back(size_t chunk, char* bytes) { free_[chunk].push_back(bytes); }
  // REQUIRES nobody holds a chunk.
  void clear();
  size_t bytes() const { return bytes_; }

 private:
  const size_t row_bytes_;
  std::array<std::vector<char*>, kMostChunks> free_;
  std::vector<Memory> slabs_;  // chunks are cut from the last one
  char* at_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tradewind::state
