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

constexpr const char* kRestoringFolder = "restoring";  // in a log's folder: a backup that is not restored yet
constexpr const char* kFreePrefix = "free-";           // a segment's file that waits to be used again

constexpr int64_t kUnknownTime = INT64_MIN;  // in ms

struct JournalOptions {
  std::string directory;
  uint64_t first_segment_bytes = 16ULL << 20;  // later ones are half of what is live, but no smaller
  uint64_t most_segment_bytes = 256ULL << 20;
  telemetry::Histogram* sync_duration = nullptr;
};

struct JournalFigures {
  std::atomic<int64_t> bytes_written{0};
  std::atomic<int64_t> syncs{0};
  std::atomic<int64_t> sync_ns{0};
  std::atomic<int64_t> segments{0};
  std::atomic<int64_t> reclaimed{0};  // bytes of segments that were given back
};

// A segment; readers hold it, so that its file is not used again under them.
struct Segment {
  uint64_t number = 0;
  uint64_t first_frame = 0;
  uint64_t capacity = 0;
  uint64_t end = 0;          // where the next frame goes
  int64_t live_batches = 0;  // the owner's count: none left and not the last one: may be recycled
  int64_t live_bytes = 0;    // the owner's count
  uint64_t overhead = 0;     // bytes of its header and its checkpoint; about, of one that was recovered
  uint64_t emptied_by = 0;   // the last frame that says why batches of it are no longer live
  int64_t begun_ms = kUnknownTime;  // wall time; never before that of the segment before
  std::shared_ptr<File> file;
};

// Where an entry lies: at its EntryHeader.
struct Place {
  Segment* segment = nullptr;
  uint64_t at = 0;
};

class Journal {
 public:
  // corrupt when the entry makes no sense. The payload of a batch is not given, that of a rewritten one is
  // its beginning.
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
  // Seals the last segment now, gives back what is free in it, and begins another.
  Result<> rotate_early(const std::function<void(FrameGroup&)>& checkpoint);
  // Whether a group of so many bytes needs no new segment.
  bool fits(uint64_t bytes) const;
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
  // As begin_sync(), but until it is on the disk, also where acknowledged means less. Beside the other it may
  // be settled by another thread.
  Syncing begin_real_sync() const;
  uint64_t synced() const { return synced_; }
  Result<> settle_sync(const Syncing& syncing, bool really);
  // Forgets the oldest segments as long as nothing in them is live and it is on the disk why; their files are
  // used again.
  Result<> recycle();
  // Whether a segment's file waits to be used again.
  bool has_free_file() const { return !free_files_.empty(); }
  // Bytes of what was written to a segment and is no longer needed.
  static uint64_t dead_bytes(const Segment& segment);
  // Of all files, also of those that wait to be used again.
  uint64_t bytes() const;
  int64_t live_bytes() const;
  // Wall time at which the segment was full; `now_ms` for the last one.
  int64_t ended_ms(const Segment& segment, int64_t now_ms) const;
  // REQUIRES the owner's lock; null when there is no such segment.
  Segment* segment(uint64_t number) const;
  const std::vector<std::unique_ptr<Segment>>& segments() const { return segments_; }
  const JournalFigures& figures() const { return figures_; }
  std::optional<Error> failure() const;

 private:
  std::string path_of(uint64_t number) const;
  Result<> rotate(uint64_t least_bytes, bool early);
  uint64_t next_capacity() const;
  Result<std::shared_ptr<File>> file_for(uint64_t number, uint64_t& capacity);
  Result<> seal_last(bool early);
  void remember_for_footer(FrameGroup::Entry entry, uint64_t at, uint64_t frame);
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
  struct FreeFile {
    std::string path;
    uint64_t bytes = 0;
  };
  std::vector<FreeFile> free_files_;
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
