#pragma once
// Budget: bytes that all requests at hand may hold together.
//
// Threads: shared freely.

#include <atomic>
#include <cstddef>

namespace tradewind::net {

class Budget {
 public:
  explicit Budget(size_t most) : most_(most) {}

  // False: there is no room, and nothing was taken.
  bool take(size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most_) return true;
    give(bytes);
    return false;
  }
  void give(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t most_;
  std::atomic<size_t> used_{0};
};

// What one request has taken of a budget; given back at its end.
class Share {
 public:
  explicit Share(Budget& budget) : budget_(&budget) {}
  ~Share() { grow_to(0); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // From now on it holds so many bytes. False: there is no room for more than it had.
  bool grow_to(size_t bytes) {
    if (bytes > held_ && !budget_->take(bytes - held_)) return false;
    if (bytes < held_) budget_->give(held_ - bytes);
    held_ = bytes;
    return true;
  }
  size_t held() const { return held_; }

 private:
  Budget* budget_;
  size_t held_ = 0;
};

}  // namespace tradewind::net
