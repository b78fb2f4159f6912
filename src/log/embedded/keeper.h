#pragma once
// Keeper: keeps the space of the journal small: lets batches expire, compacts by key, moves what is live out
// of the oldest segments, gives segments back.
//
// Everything it rewrites stands at the end of the journal before readers are given it, and is on the disk
// before the segment it came from may go. Threads: steps by one at a time, its own (run) or whoever calls
// step(). It holds the lock of the log for looking up and for appending, never while it reads. Errors:
// unavailable when there is no room (nothing was written then), corrupt with the place.

#include <optional>
#include <stop_token>

#include "log/embedded/core.h"
#include "log/embedded/key_map.h"

namespace tradewind::log {

struct KeeperFigures {
  std::atomic<int64_t> moved_bytes{0};
  std::atomic<int64_t> compacted_records{0};
  std::atomic<int64_t> expired_records{0};
  std::atomic<bool> failed{false};  // the last step, for another reason than want of room
};

class Keeper {
 public:
  explicit Keeper(LogCore& core) : core_(core) {}
  // Steps until it is stopped or the journal fails.
  void run(const std::stop_token& stop);
  // True: there may be more to do.
  Result<bool> step();
  const KeeperFigures& figures() const { return figures_; }

 private:
  // A batch to be written again.
  struct Source {
    EntryHeader header;
    BatchPlace place;
    int64_t appended_ms = 0;  // wall time before which it was appended
    std::shared_ptr<File> file;
    uint32_t topic = 0;
    uint32_t partition = 0;
    Bytes payload;
  };
  // Where the search for what is live in a segment stands.
  struct Sweep {
    uint64_t segment = 0;
    uint32_t topic = 0;
    uint32_t partition = 0;
    Offset offset = 0;
  };
  // Compacting a partition: its keys are gathered from the batches that are not compacted, then [begin, end)
  // is written again.
  struct Pass {
    uint32_t topic = 0;
    uint32_t partition = 0;
    Offset next = 0;
    Offset end = 0;
    bool gathering = true;
    Duration tombstone_retention{0};
    KeyMap keys;
  };

  Result<bool> work();
  Result<> settle();
  Result<bool> expire();
  Result<bool> reclaim();
  Result<bool> compact();
  Result<bool> gather();
  Result<bool> rewrite();
  void choose_partition();
  int64_t step_bytes() const;
  Segment* segment_to_empty();
  bool sweep_on(Segment& segment, Sweep& at, std::vector<Source>& found);
  Source source_of(const TopicIndex& topic, uint32_t partition, const BatchPlace& place);
  Result<std::vector<Source>> batches_of_pass(Offset& last_record);
  Result<> read(std::vector<Source>& sources);
  Result<> append(FrameGroup& group);

  LogCore& core_;
  KeeperFigures figures_;
  std::vector<Rewriting> unsettled_;
  std::optional<uint64_t> mark_;  // to be on the disk before the next step
  int64_t looked_ms_ = kUnknownTime;
  bool compact_next_ = false;
  Sweep sweep_;
  std::optional<Pass> pass_;
  size_t bytes_read_ = 0;  // by this step
};

}  // namespace tradewind::log
