#pragma once
// Journal: one sequence of frames in preallocated, recycled segments; the only thing that writes to the disk.
//
// Threads: append(), sealing and recovery under the owner's lock; sync() by one thread beside them; read() by
// any. After a failed sync it answers io for ever: what the disk holds is then not known.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/disk.h"
#include "log/embedded/frame.h"
#include "telemetry/metrics.h"

namespace tradewind::log {

constexpr const char* kFreePrefix = "free-";  // a segment's file that waits to be used again

struct JournalOptions {
  std::string directory;
  uint64_t first_segment_bytes = 16ULL << 20;  // doubles with each segment
  uint64_t most_segment_bytes = 256ULL << 20;
  telemetry::Histogram* sync_duration = nullptr;
};

struct JournalFigures {
  std::atomic<int64_t> bytes_written{0};
  std::atomic<int64_t> syncs{0};
  std::atomic<int64_t> sync_ns{0};
  std::atomic<int64_t> segments{0};
};

// A segment; readers hold it, so that its file is not used again under them.
struct Segment {
  uint64_t number = 0;
  uint64_t first_frame = 0;
  uint64_t capacity = 0;
  uint64_t end = 0;          // where the next frame goes
  int64_t live_batches = 0;  // the owner's count: none left and not the last one: may be recycled
  std::shared_ptr<File> file;
};

// Where an entry lies: at its EntryHeader.
struct Place {
  Segment* segment = nullptr;
  uint64_t at = 0;
};

class Journal {
 public:
  // corrupt when the entry makes no sense.
  using EachEntry = std::function<Result<>(const EntryHeader&, Place, BytesView payload, uint64_t frame)>;

  Journal(Disk& disk, Clock& clock, JournalOptions options);

  // Reads what is there: the batches of sealed segments (without payload), then every entry of every whole
  // group of the last one, which begins with a checkpoint. corrupt: damage below what was synced, with
  // segment, position, remedy.
  Result<> recover(const EachEntry& each);
  // Checks every byte of every frame.
  Result<> verify();

  // Sees to it that a group of so many bytes fits, with a new segment if need be.
  Result<> make_room(uint64_t bytes, const std::function<void(FrameGroup&)>& checkpoint);
  // Writes an atomic group; its entries get numbers from `next_offset` (per batch entry) before. `checkpoint`
  // gives the first frame of a new segment: all that later starts need to know of older ones.
  Result<> append(FrameGroup& group, const std::function<void(FrameGroup&)>& checkpoint,
                  const std::function<void(const FrameGroup::Entry&, Place)>& placed);

  uint64_t written() const { return written_; }
  uint64_t durable() const { return durable_; }
  // Making what is written durable takes three steps: begin under the owner's lock, the sync itself without
  // it, and settle. One thread at a time.
  struct Syncing {
    std::shared_ptr<File> file;  // null: everything is durable
    uint64_t mark = 0;
  };
  Syncing begin_sync() const;
  Result<> settle_sync(const Syncing& syncing, bool really);
  // Forgets the oldest segments as long as nothing in them is live; their files are used again.
  Result<> recycle();
  const std::vector<std::unique_ptr<Segment>>& segments() const { return segments_; }
  const JournalFigures& figures() const { return figures_; }
  std::optional<Error> failure() const;

 private:
  std::string path_of(uint64_t number) const;
  Result<> rotate(uint64_t least_bytes);
  Result<std::shared_ptr<File>> file_for(uint64_t number, uint64_t& capacity);
  Result<> seal_last();
  // What reading a segment from its beginning came to.
  struct Scanned {
    uint64_t end = 0;     // of the last whole group
    uint64_t next = 0;    // the number of the frame that would follow it
    uint64_t bad_at = 0;  // where reading stopped; beyond `end` if a group is not finished
    uint64_t bad = 0;     // the number of the frame that was expected there
  };
  struct FoundSegments {
    std::vector<std::unique_ptr<Segment>> sound;
    std::unique_ptr<Segment>
        unborn;  // the last one, if nothing in it can count; first_frame 0: its header is wrong
  };
  Result<FoundSegments> find_segments();
  Result<> drop_unborn(std::unique_ptr<Segment> segment);
  Result<bool> has_group(Segment& segment) const;
  Result<> recover_sealed(Segment& segment, const EachEntry& each);
  Result<> recover_last(Segment& segment, const EachEntry& each);
  Result<bool> read_footer(Segment& segment, const EachEntry& each);
  Result<Scanned> scan(Segment& segment, size_t most_groups, const EachEntry& each) const;
  Result<std::vector<uint64_t>> judge_tail(const Segment& segment, uint64_t from, uint64_t expected) const;
  Result<> write_frames(Segment& segment, FrameGroup& group);
  Result<> fail_if(Result<> done);
  void note_durable(uint64_t mark, bool synced);
  Error damaged(const Segment& segment, uint64_t at, const std::string& what) const;

  Disk& disk_;
  Clock& clock_;
  const JournalOptions options_;
  JournalFigures figures_;
  std::vector<std::unique_ptr<Segment>> segments_;  // oldest first; the last one is written to
  std::vector<std::string> free_files_;
  uint64_t next_free_ = 0;
  std::vector<FrameGroup::Entry> footer_;  // batches of the last segment, for its footer
  std::vector<uint64_t> footer_at_;
  std::vector<uint64_t> footer_frame_;
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> durable_{0};  // acknowledged; with Durability::os ahead of what is synced
  std::atomic<uint64_t> synced_{0};
  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;
};

}  // namespace tradewind::log
