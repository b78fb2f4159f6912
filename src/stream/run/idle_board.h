#pragma once
// IdleBoard: which partitions of their queries the workers of a runtime have read out and found silent, so
// that a worker knows it of partitions that it does not read itself. What nobody has said is not idle: a
// window that is kept too long costs memory, one that goes too early costs rows.
//
// Threads: shared freely.

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace tradewind::stream {

class IdleBoard {
 public:
  void set(const std::string& query, int32_t partition, bool idle) {
    const std::lock_guard lock(mutex_);
    if (idle)
      idle_.emplace(query, partition);
    else
      idle_.erase({query, partition});
  }
  bool idle(const std::string& query, int32_t partition) const {
    const std::lock_guard lock(mutex_);
    return idle_.contains({query, partition});
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, int32_t>> idle_;
};

}  // namespace tradewind::stream
