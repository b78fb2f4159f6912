#pragma once
// Durable: state that a commit carries: it yields frames of what changed, is told when they are committed,
// and can be folded from its frames again. A frame belongs to a group: the unit in which state is spread over
// workers.
//
// Restoring folds all frames of a group in order, snapshot chunks and changes alike: both hold absolute
// values, so a chunk followed by later changes gives the state at the last change.

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace tradewind::state {

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void frame(int32_t group, BytesView bytes) = 0;
};

class Durable {
 public:
  virtual ~Durable() = default;
  // Frames of what changed since the last committed().
  virtual void changes(FrameSink& sink) = 0;
  // The changes lie in the log.
  virtual void committed() = 0;
  virtual Result<> fold(int32_t group, BytesView frame) = 0;
  // The next about `budget` bytes of the whole state, in the same commit as changes() and behind it: pending
  // changes may be in it or left out, but never what they replace. Called once a commit until it answers true
  // (all was given; the next call begins again).
  virtual bool snapshot(size_t budget, FrameSink& sink) = 0;
  virtual size_t bytes() const = 0;
};

}  // namespace tradewind::state
