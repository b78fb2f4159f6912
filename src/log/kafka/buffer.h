#pragma once
// Buffer: bytes that are not set before they are written to. Buffers: those that nobody reads any more are
// given out again, for fresh memory costs more than what is read into it.
//
// Threads: one; what was given out may be let go by any.

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace tradewind::log::kafka {

class Buffer {
 public:
  // What was there stays as far as it has room; the rest is anything.
  void resize(size_t size) {
    if (size > room_) {
      const size_t room = std::max(size, 2 * room_);
      auto bytes = std::make_unique_for_overwrite<char[]>(room);
      if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
      bytes_ = std::move(bytes);
      room_ = room;
    }
    size_ = size;
  }
  char* data() { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t room() const { return room_; }
  BytesView view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t room_ = 0;
};

class Buffers {
 public:
  // An empty one.
  std::shared_ptr<Buffer> take() {
    for (auto& known : known_) {
      if (known.use_count() != 1) continue;
      std::atomic_thread_fence(std::memory_order_acquire);  // behind the last look of who had it
      if (known->room() > kMostKept) known = std::make_shared<Buffer>();
      known->resize(0);
      return known;
    }
    auto made = std::make_shared<Buffer>();
    if (known_.size() < kMost) known_.push_back(made);
    return made;
  }

 private:
  static constexpr size_t kMost = 32;
  static constexpr size_t kMostKept = size_t{8} << 20;  // bytes of one
  std::vector<std::shared_ptr<Buffer>> known_;
};

}  // namespace tradewind::log::kafka
