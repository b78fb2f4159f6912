#pragma once
// MergedRows: rows of the inputs of a join, decoded in whole batches, and in which order they are to be
// taken.
//
// Threads: plain values.

#include <vector>

#include "data/batch.h"

namespace tradewind::stream {

struct MergedRows {
  struct Part {
    size_t input = 0;  // 0 the left one, then the further ones
    Batch rows;
  };
  // Rows [from, to) of a part come next.
  struct Run {
    uint32_t part = 0;
    uint32_t from = 0;
    uint32_t to = 0;
  };
  std::vector<Part> parts;
  std::vector<Run> runs;
};

}  // namespace tradewind::stream
