#pragma once
// Pool: the states of an aggregate that do not fit a row: the row holds a handle. A state that others may
// still read (the committed one) is copied before it is changed, and let go when its row is settled.
//
// State: copyable, with size_bytes(). Threads: as Aggregate.

#include <cstring>
#include <deque>
#include <vector>

#include "expr/aggregate.h"

namespace tradewind::expr {

template <typename State>
class Pool {
 public:
  static constexpr size_t kHandleBytes = 8;

  // Null: no state yet.
  const State* find(const char* at) const {
    const uint32_t handle = handle_at(at);
    return handle == 0 ? nullptr : &slots_[handle - 1].state;
  }
  // The state to change; its size is counted by changed().
  State& change(char* at) {
    const uint32_t old = handle_at(at);
    if (old != 0 && slots_[old - 1].fresh) return slots_[old - 1].state;
    const uint32_t handle = take();
    if (old != 0) {
      slots_[handle - 1].state = slots_[old - 1].state;
      replaced_.push_back(old);
    }
    slots_[handle - 1].fresh = true;
    fresh_.push_back(handle);
    std::memcpy(at, &handle, sizeof handle);
    return slots_[handle - 1].state;
  }
  void settled() {
    for (const uint32_t handle : replaced_) release(handle);
    for (const uint32_t handle : fresh_) slots_[handle - 1].fresh = false;
    replaced_.clear();
    fresh_.clear();
  }
  void dropped(const char* at) {
    if (const uint32_t handle = handle_at(at); handle != 0) release(handle);
  }
  size_t bytes() const {
    size_t bytes = 0;
    for (const Slot& slot : slots_) bytes += sizeof slot + slot.state.size_bytes();
    return bytes;
  }

 private:
  struct Slot {
    State state;
    bool fresh = false;  // nobody has read it yet
  };

  static uint32_t handle_at(const char* at) {
    uint32_t handle;
    std::memcpy(&handle, at, sizeof handle);
    return handle;
  }
  uint32_t take() {
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<uint32_t>(slots_.size());
    }
    const uint32_t handle = free_.back();
    free_.pop_back();
    return handle;
  }
  void release(uint32_t handle) {
    slots_[handle - 1] = Slot();
    free_.push_back(handle);
  }

  std::deque<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> replaced_;
  std::vector<uint32_t> fresh_;
};

}  // namespace tradewind::expr
