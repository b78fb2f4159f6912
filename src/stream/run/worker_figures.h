#pragma once
// WorkerFigures: what a worker counts of itself.
//
// Threads: written by the worker's, read by any.

#include <atomic>
#include <cstdint>

namespace tradewind::stream {

struct WorkerFigures {
  std::atomic<int64_t> commits{0};
  std::atomic<int64_t> commit_ns{0};
  std::atomic<int64_t> rows{0};
  std::atomic<int64_t> bad_records{0};
  std::atomic<int64_t> state_bytes{0};
  std::atomic<int64_t> beat_ns{0};  // monotonic time of its last sign of life; 0: none yet
  // Of the state topic, while it is restored.
  std::atomic<int64_t> restore_records{0};
  std::atomic<int64_t> restored_records{0};
  std::atomic<int64_t> restored_bytes{0};
};

}  // namespace tradewind::stream
