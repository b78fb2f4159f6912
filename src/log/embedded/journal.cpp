#include "log/embedded/journal.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"

namespace tradewind::log {
namespace {

constexpr size_t kMostFreeFiles = 4;
constexpr const char* kSuffix = ".seg";

}  // namespace

Journal::Journal(Disk& disk, Clock& clock, JournalOptions options)
    : disk_(disk), clock_(clock), options_(std::move(options)) {}

std::string Journal::path_of(uint64_t number) const {
  char name[40];
  std::snprintf(name, sizeof name, "/%012llu%s", static_cast<unsigned long long>(number), kSuffix);
  return options_.directory + name;
}

std::optional<Error> Journal::failure() const {
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

Error Journal::damaged(const Segment& segment, uint64_t at, const std::string& what) const {
  return {Code::corrupt,
          path_of(segment.number) + " is damaged at byte " + std::to_string(at) + ": " + what +
              "; data that was acknowledged lies there. Restore the directory from a backup, or look at "
              "the disk before anything is written to it again"};
}

// A file for segment `number`: one that is no longer needed, or a new one.
Result<std::shared_ptr<File>> Journal::file_for(uint64_t number, uint64_t& capacity) {
  const std::string path = path_of(number);
  if (!free_files_.empty()) {
    auto file = TRY(disk_.open(free_files_.back(), false));
    const uint64_t size = TRY(file->size());
    if (size < capacity) TRY(file->preallocate(capacity));
    TRY(disk_.rename(free_files_.back(), path));
    free_files_.pop_back();
    capacity = std::max(capacity, size);
    return std::shared_ptr<File>(std::move(file));
  }
  auto file = TRY(disk_.open(path, true));
  auto room = file->preallocate(capacity);
  if (!room.ok()) {
    (void)disk_.remove(path).ok();
    return room.error();
  }
  return std::shared_ptr<File>(std::move(file));
}

// The batches of a sealed segment as a frame of their own, so that a start need not read the segment.
Result<> Journal::seal_last() {
  Segment& last = *segments_.back();
  Bytes body;
  put_varint(body, footer_.size());
  for (size_t i = 0; i < footer_.size(); ++i) {
    put_varint(body, footer_at_[i]);
    put_varint(body, footer_frame_[i]);
    body.append(reinterpret_cast<const char*>(&footer_[i].header), sizeof(EntryHeader));
  }
  FrameHeader header;
  header.magic = kFooterMagic;
  header.length = static_cast<uint32_t>(body.size());
  header.number = written_;
  header.segment = last.number;
  header.crc = crc32c(body, crc32c(BytesView(reinterpret_cast<const char*>(&header), sizeof header)));
  Bytes bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += body;
  if (last.end + bytes.size() + 16 <= last.capacity) {  // else the segment is read in full at a start
    TRY(last.file->write(last.end, bytes));
    Bytes trailer;
    put_fixed(trailer, last.end);
    put_fixed(trailer, uint64_t{kFooterMagic});
    TRY(last.file->write(last.capacity - 16, trailer));
    figures_.bytes_written += static_cast<int64_t>(bytes.size() + trailer.size());
  }
  return fail_if(last.file->sync());
}

Result<> Journal::rotate(uint64_t least_bytes) {
  uint64_t capacity = options_.first_segment_bytes;
  if (!segments_.empty()) capacity = std::min(segments_.back()->capacity * 2, options_.most_segment_bytes);
  capacity = std::max(capacity, (least_bytes + 64 * 1024) * 5 / 4);
  auto made = std::make_unique<Segment>();
  made->number = segments_.empty() ? 1 : segments_.back()->number + 1;
  made->first_frame = written_ + 1;
  made->capacity = capacity;
  if (!segments_.empty()) {  // before the next one has a name, so that only the last one can be unfinished
    TRY(seal_last());
    note_durable(written_, true);
  }
  made->file = TRY(file_for(made->number, made->capacity));
  // Before a byte of it changes: under its old name a recycled file may still be part of the journal.
  TRY(fail_if(disk_.sync_directory(options_.directory)));
  SegmentHeader header;
  header.number = made->number;
  header.first_frame = made->first_frame;
  header.crc = crc32c(BytesView(reinterpret_cast<const char*>(&header), offsetof(SegmentHeader, crc)));
  TRY(made->file->write(0, BytesView(reinterpret_cast<const char*>(&header), sizeof header)));
  made->end = sizeof header;
  segments_.push_back(std::move(made));
  footer_.clear();  // only now: until here the old segment could have been written on
  footer_at_.clear();
  footer_frame_.clear();
  figures_.segments = static_cast<int64_t>(segments_.size());
  return {};
}

Result<> Journal::write_frames(Segment& segment, FrameGroup& group) {
  group.seal(written_ + 1, segment.number, synced_);
  uint64_t at = segment.end;
  for (const FrameBytes& frame : group.frames()) {
    TRY(segment.file->write(at, frame.view()));
    at += frame.size();
  }
  figures_.bytes_written += static_cast<int64_t>(group.bytes());
  segment.end = at;
  written_ += group.frames().size();
  return {};
}

Result<> Journal::make_room(uint64_t bytes, const std::function<void(FrameGroup&)>& checkpoint) {
  if (const auto failed = failure()) return *failed;
  if (segments_.empty() || segments_.back()->end + bytes > segments_.back()->capacity) {
    FrameGroup first;
    checkpoint(first);
    TRY(rotate(bytes + first.bytes()));
  }
  Segment& last = *segments_.back();
  if (last.end > sizeof(SegmentHeader)) return {};
  FrameGroup first;  // also when writing it failed the last time
  checkpoint(first);
  return first.empty() ? Result<>() : write_frames(last, first);
}

Result<> Journal::append(FrameGroup& group, const std::function<void(FrameGroup&)>& checkpoint,
                         const std::function<void(const FrameGroup::Entry&, Place)>& placed) {
  if (written_ >= uint64_t{kMostNumber}) return no_numbers_left();
  TRY(make_room(group.bytes(), checkpoint));
  Segment& last = *segments_.back();
  const uint64_t first_frame = written_ + 1;
  uint64_t at = last.end;
  TRY(write_frames(last, group));
  std::vector<uint64_t> starts;
  for (const FrameBytes& frame : group.frames()) {
    starts.push_back(at);
    at += frame.size();
  }
  for (const FrameGroup::Entry& entry : group.entries()) {
    const Place place{&last, starts[entry.frame] + entry.at};
    if (entry.header.kind == EntryKind::batch) {
      footer_.push_back(entry);
      footer_at_.push_back(place.at);
      footer_frame_.push_back(first_frame + entry.frame);
    }
    placed(entry, place);
  }
  return {};
}

Journal::Syncing Journal::begin_sync() const {
  if (written_ == durable_ || segments_.empty()) return {};
  return {segments_.back()->file, written_};  // older segments were synced when they were sealed
}

Result<> Journal::settle_sync(const Syncing& syncing, bool really) {
  if (const auto failed = failure()) return *failed;
  if (syncing.file == nullptr) return {};
  if (really) {
    const int64_t began = clock_.monotonic_ns();
    TRY(fail_if(syncing.file->sync()));
    figures_.syncs += 1;
    const int64_t took = clock_.monotonic_ns() - began;
    figures_.sync_ns += took;
    if (options_.sync_duration != nullptr) options_.sync_duration->observe_ns(took);
  }
  note_durable(syncing.mark, really);
  return {};
}

// Never backwards: a segment may be sealed while the one before is still being synced.
void Journal::note_durable(uint64_t mark, bool synced) {
  const auto raise = [mark](std::atomic<uint64_t>& known) {
    uint64_t before = known;
    while (before < mark && !known.compare_exchange_weak(before, mark)) {
    }
  };
  if (synced) raise(synced_);
  raise(durable_);
}

Result<> Journal::fail_if(Result<> done) {
  if (done.ok()) return done;
  const std::lock_guard lock(failure_mutex_);
  failure_ = Error{Code::io, done.error().message +
                                 "; what the disk holds is not known, so nothing more is written: "
                                 "check the disk and start again"};
  return *failure_;
}

Result<> Journal::recycle() {
  while (segments_.size() > 1 && segments_.front()->live_batches == 0 &&
         segments_.front()->file.use_count() == 1 && segments_[1]->first_frame <= synced_) {
    const std::string path = path_of(segments_.front()->number);
    if (free_files_.size() < kMostFreeFiles) {
      const std::string kept = options_.directory + "/" + kFreePrefix + std::to_string(++next_free_);
      TRY(disk_.rename(path, kept));
      free_files_.push_back(kept);
    } else {
      TRY(disk_.remove(path));
    }
    segments_.erase(segments_.begin());
    figures_.segments = static_cast<int64_t>(segments_.size());
  }
  return {};
}

}  // namespace tradewind::log
