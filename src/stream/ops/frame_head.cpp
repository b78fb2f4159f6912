#include "stream/ops/frame_head.h"

#include <algorithm>

#include "base/coding.h"
#include "base/mutant.h"

namespace tradewind::stream {

void put_frame_head(int64_t expired, const Progress& progress, size_t count, Bytes& out) {
  put_zigzag(out, expired);
  put_varint(out, progress.size());
  for (const auto& [partition, time] : progress) {
    put_zigzag(out, partition);
    put_zigzag(out, time);
  }
  put_varint(out, count);
}

bool get_frame_head(BytesView& in, FrameHead& head) {
  uint64_t partitions = 0;
  if (!get_zigzag(in, head.expired) || !get_varint(in, partitions)) return false;
  for (uint64_t i = 0; i < partitions; ++i) {
    int64_t partition = 0;
    int64_t time = 0;
    if (!get_zigzag(in, partition) || !get_zigzag(in, time)) return false;
    if (!mutant(4)) head.progress[static_cast<int32_t>(partition)] = time;
  }
  return get_varint(in, head.count) && head.count <= in.size();
}

void put_progress_frames(const Progress& progress, const Progress* saved, state::FrameSink& sink,
                         const std::function<void(const Progress&, Bytes&)>& put) {
  Bytes frame;
  for (const auto& [partition, time] : progress) {
    if (saved != nullptr) {
      const auto before = saved->find(partition);
      if (before != saved->end() && before->second == time) continue;
    }
    frame.clear();
    put({{partition, time}}, frame);
    sink.frame(std::max(partition, 0), frame);
  }
}

}  // namespace tradewind::stream
