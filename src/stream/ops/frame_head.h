#pragma once
// What the frames of grouped windows begin with, behind their version: zigzag expired-before, varint n and n
// times (zigzag partition, zigzag progress), varint entries.

#include <functional>

#include "base/bytes.h"
#include "state/durable.h"
#include "stream/ops/event_time.h"

namespace tradewind::stream {

struct FrameHead {
  int64_t expired = 0;
  Progress progress;
  uint64_t count = 0;
};

void put_frame_head(int64_t expired, const Progress& progress, size_t count, Bytes& out);
// False: it cannot be read.
bool get_frame_head(BytesView& in, FrameHead& head);

// A frame for each source partition, or each that has moved since `saved`; `put` makes a frame that says no
// more. It goes where the worker that reads the partition keeps its state; kGivenOut lies with the first.
void put_progress_frames(const Progress& progress, const Progress* saved, state::FrameSink& sink,
                         const std::function<void(const Progress&, Bytes&)>& put);

}  // namespace tradewind::stream
