#pragma once
// Turns: a mutex around what waits for somebody who may be away. Who stands in line while that one is found
// away is told the same: else the last of ten would hear it after ten times as long as one may wait.
//
// Threads: shared freely.

#include <atomic>
#include <mutex>
#include <optional>

#include "base/result.h"

namespace tradewind {

class Turns {
 public:
  using Turn = std::unique_lock<std::mutex>;

  // Waits for our turn, which lasts until what comes back is let go; or what was told meanwhile.
  Result<Turn> take() {
    const uint64_t before = told_;
    Turn turn(mutex_);
    if (told_ != before) return *away_;
    return turn;
  }
  // Tells all who stand in line. REQUIRES our turn.
  void tell(const Error& away) {
    away_ = away;
    ++told_;
  }

 private:
  std::mutex mutex_;
  std::optional<Error> away_;
  std::atomic<uint64_t> told_{0};
};

}  // namespace tradewind
