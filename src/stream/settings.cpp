#include "base/options.h"
#include "stream/runtime.h"

namespace tradewind::stream {

void RuntimeOptions::fields(Options& options) {
  options.number(
      "stream.workers", workers, {1, state_partitions},
      "Threads that compute. With one, no row travels between tasks; changing it takes a restart.");
  options.duration("stream.commit_interval", commit_interval, {Duration(1), Duration(60'000)},
                   "The longest time between two commits while there is more to read; with nothing to read a "
                   "commit comes at once.");
  options.duration("stream.idle_commit", idle_commit, {Duration(0), Duration(10'000)},
                   "The least time between two commits of a worker that waits for input.");
  options.number("stream.rows_per_poll", rows_per_poll, {1, 1'000'000},
                 "Records a worker takes from the log at once.");
  options.number("stream.rows_per_batch", rows_per_batch, {1, 1'024}, "Rows that are computed together.");
  options.number("stream.rows_per_commit", rows_per_commit, {1, 100'000'000},
                 "Who is further behind than this commits by rows, not by time.");
  options.duration("stream.idle_partition", idle_partition, {Duration(1), Duration(86'400'000)},
                   "A silent partition that is read out does not hold windows open for longer.");
  options.duration(
      "stream.idle_close", idle_close, {Duration(0), Duration(86'400'000)},
      "After so long without a record of its source the windows of an EMIT FINAL query close by the "
      "clock: event time goes on with the silence. 0: only records move event time.");
  options.duration("stream.stuck_after", stuck_after, {Duration(1'000), Duration(3'600'000)},
                   "A worker that makes no step for so long is taken for dead: /healthz answers 503.");
  options.bytes(
      "state.memory_bytes", state_bytes, {0, int64_t{1} << 40},
      "Memory for all tables together; a query that would go beyond stops with the remedy. 0: a quarter "
      "of the memory that the machine or its container has, 1 GB at least.");
  options.bytes("state.snapshot_slice_bytes", snapshot_slice_bytes, {int64_t{4} << 10, int64_t{16} << 20},
                "How much of a snapshot is written in one commit, about.");
  options.bytes("state.snapshot_frame_bytes", snapshot_frame_bytes, {int64_t{64} << 10, int64_t{1} << 40},
                "No snapshot before that many bytes of frames lie behind the last one.");
}

}  // namespace tradewind::stream
