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
  // The state to change.
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
  // `each` sees the states that have changed.
  template <typename Each>
  void settled(Each each) {
    for (const uint32_t handle : replaced_) release(handle);
    for (const uint32_t handle : fresh_) {
      each(slots_[handle - 1].state);
      measure(slots_[handle - 1]);
      slots_[handle - 1].fresh = false;
    }
    replaced_.clear();
    fresh_.clear();
  }
  void dropped(const char* at) {
    if (const uint32_t handle = handle_at(at); handle != 0) release(handle);
  }
  // Looks at the states that changed since they were settled, and at no others.
  size_t bytes() const {
    for (const uint32_t handle : fresh_) measure(slots_[handle - 1]);
    return slots_.size() * sizeof(Slot) + state_bytes_;
  }

 private:
  struct Slot {
    State state;
    bool fresh = false;        // nobody has read it yet
    mutable size_t bytes = 0;  // of the state when it was last measured
  };

  static uint32_t handle_at(const char* at) {
    uint32_t handle;
    std::memcpy(&handle, at, sizeof handle);
    return handle;
  }
  void measure(const Slot& slot) const {
    state_bytes_ -= slot.bytes;
    slot.bytes = slot.state.size_bytes();
    state_bytes_ += slot.bytes;
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
    state_bytes_ -= slots_[handle - 1].bytes;
    slots_[handle - 1] = Slot();
    free_.push_back(handle);
  }

  std::deque<Slot> slots_;
  mutable size_t state_bytes_ = 0;  // sums up Slot::bytes; both only remember what asking finds
  std::vector<uint32_t> free_;
  std::vector<uint32_t> replaced_;
  std::vector<uint32_t> fresh_;
};

}  // namespace tradewind::expr
