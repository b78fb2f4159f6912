#pragma once
// WorkerFigures: what a worker counts of itself.
//
// Threads: written by the worker's, read by any.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace tradewind::stream {

struct WorkerFigures {
  std::atomic<int64_t> commits{0};
  std::atomic<int64_t> commit_ns{0};
  std::atomic<int64_t> rows{0};
  std::atomic<int64_t> bad_records{0};
  std::atomic<int64_t> gone_records{0};  // offsets that were gone before they were read
  std::atomic<int64_t> too_large{0};     // results that were left out
  std::atomic<int64_t> state_bytes{0};
  std::atomic<int64_t> beat_ns{0};  // monotonic time of its last sign of life; 0: none yet
  // Of the state topic, while it is restored.
  std::atomic<int64_t> restore_records{0};
  std::atomic<int64_t> restored_records{0};
  std::atomic<int64_t> restored_bytes{0};

  // Why some of its queries cannot go on just now; empty: all can.
  std::string waits_for() const {
    const std::lock_guard lock(mutex_);
    return waits_for_;
  }
  void set_waits_for(std::string reason) {
    const std::lock_guard lock(mutex_);
    waits_for_ = std::move(reason);
  }
  // Why superfluous records are kept; empty: none are.
  std::string untrimmed() const {
    const std::lock_guard lock(mutex_);
    return untrimmed_;
  }
  void set_untrimmed(std::string reason, int64_t partitions) {
    const std::lock_guard lock(mutex_);
    untrimmed_ = std::move(reason);
    untrimmed_partitions = partitions;
  }
  std::atomic<int64_t> untrimmed_partitions{0};

 private:
  mutable std::mutex mutex_;
  std::string untrimmed_;
  std::string waits_for_;
};

}  // namespace tradewind::stream
