#include "log/embedded/journal.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/mutant.h"

namespace tradewind::log {
namespace {

constexpr size_t kMostFreeFiles = 2;
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
    auto file = TRY(disk_.open(free_files_.back().path, false));
    const uint64_t size = TRY(file->size());
    if (size < capacity) TRY(file->preallocate(capacity));
    TRY(disk_.rename(free_files_.back().path, path));
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
Result<> Journal::seal_last(bool early) {
  Segment& last = *segments_.back();
  Bytes body;
  put_varint(body, footer_.size());
  for (size_t i = 0; i < footer_.size(); ++i) {
    put_varint(body, footer_at_[i]);
    put_varint(body, footer_frame_[i]);
    body.append(reinterpret_cast<const char*>(&footer_[i].header), sizeof(EntryHeader));
    if (is_rewritten(footer_[i].header.kind)) put_rewritten(body, footer_[i].rewritten);
  }
  FrameHeader header;
  header.magic = kFooterMagic;
  header.length = static_cast<uint32_t>(body.size());
  header.number = written_;
  header.segment = last.number;
  header.crc = crc32c(body, crc32c(BytesView(reinterpret_cast<const char*>(&header), sizeof header)));
  Bytes bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += body;
  const uint64_t needed = last.end + bytes.size() + 16;
  if (early && needed < last.capacity) {
    TRY(last.file->truncate(needed));
    last.capacity = needed;
  }
  if (needed <= last.capacity) {  // else the segment is read in full at a start
    TRY(last.file->write(last.end, bytes));
    Bytes trailer;
    put_fixed(trailer, last.end);
    put_fixed(trailer, uint64_t{kFooterMagic});
    TRY(last.file->write(last.capacity - 16, trailer));
    figures_.bytes_written += static_cast<int64_t>(bytes.size() + trailer.size());
  }
  return fail_if(last.file->sync());
}

// A segment holds no more than half of what is live: the journal of a small log stays small.
uint64_t Journal::next_capacity() const {
  if (segments_.empty()) return options_.first_segment_bytes;
  const auto half = static_cast<uint64_t>(std::max<int64_t>(live_bytes(), 0)) / 2;
  return std::min(std::max(half, options_.first_segment_bytes), options_.most_segment_bytes);
}

Result<> Journal::rotate(uint64_t least_bytes, bool early) {
  const uint64_t capacity = std::max(next_capacity(), (least_bytes + 64 * 1024) * 5 / 4);
  auto made = std::make_unique<Segment>();
  made->number = segments_.empty() ? 1 : segments_.back()->number + 1;
  made->first_frame = written_ + 1;
  made->capacity = capacity;
  made->begun_ms = clock_.now().ms;
  if (!segments_.empty()) made->begun_ms = std::max(made->begun_ms, segments_.back()->begun_ms);
  const uint64_t whole = segments_.empty() ? 0 : segments_.back()->capacity;
  if (!segments_.empty()) {  // before the next one has a name, so that only the last one can be unfinished
    TRY(seal_last(early));
    note_durable(written_, true);
  }
  auto file = file_for(made->number, made->capacity);
  if (!file.ok()) {
    // It goes on in the old one, which must not have become smaller for nothing.
    if (early && segments_.back()->file->preallocate(whole).ok()) segments_.back()->capacity = whole;
    return file.error();
  }
  made->file = std::move(*file);
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

Result<> Journal::rotate_early(const std::function<void(FrameGroup&)>& checkpoint) {
  if (const auto failed = failure()) return *failed;
  FrameGroup first;
  checkpoint(first);
  TRY(rotate(first.bytes(), true));
  return make_room(0, checkpoint);
}

bool Journal::fits(uint64_t bytes) const {
  if (segments_.empty()) return false;
  const Segment& last = *segments_.back();
  return last.end > sizeof(SegmentHeader) && last.end + bytes <= last.capacity;
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
    TRY(rotate(bytes + first.bytes(), false));
  }
  Segment& last = *segments_.back();
  if (last.end > sizeof(SegmentHeader)) return {};
  FrameGroup first;  // also when writing it failed the last time
  checkpoint(first);
  if (!first.empty()) TRY(write_frames(last, first));
  last.overhead = last.end;
  return {};
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
    if (holds_records(entry.header.kind)) remember_for_footer(entry, place.at, first_frame + entry.frame);
    placed(entry, place);
  }
  return {};
}

void Journal::remember_for_footer(FrameGroup::Entry entry, uint64_t at, uint64_t frame) {
  footer_.push_back(std::move(entry));
  footer_at_.push_back(at);
  footer_frame_.push_back(frame);
}

Journal::Syncing Journal::begin_real_sync() const {
  if (written_ == synced_ || segments_.empty()) return {};
  return {segments_.back()->file, written_};
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
         segments_.front()->file.use_count() == 1 && segments_[1]->first_frame <= synced_ &&
         (segments_.front()->emptied_by <= synced_ || mutant(12))) {
    const Segment& oldest = *segments_.front();
    const std::string path = path_of(oldest.number);
    if (free_files_.size() < kMostFreeFiles) {
      const std::string kept = options_.directory + "/" + kFreePrefix + std::to_string(++next_free_);
      TRY(disk_.rename(path, kept));
      free_files_.push_back({kept, oldest.capacity});
    } else {
      TRY(disk_.remove(path));
    }
    figures_.reclaimed += static_cast<int64_t>(oldest.capacity);
    segments_.erase(segments_.begin());
    figures_.segments = static_cast<int64_t>(segments_.size());
  }
  return {};
}

uint64_t Journal::bytes() const {
  uint64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment->capacity;
  for (const FreeFile& free : free_files_) bytes += free.bytes;
  return bytes;
}

uint64_t Journal::dead_bytes(const Segment& segment) {
  const uint64_t needed = segment.overhead + static_cast<uint64_t>(segment.live_bytes);
  return segment.end - std::min(segment.end, needed);
}

int64_t Journal::live_bytes() const {
  int64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment->live_bytes;
  return bytes;
}

Segment* Journal::segment(uint64_t number) const {
  if (segments_.empty() || number < segments_.front()->number || number > segments_.back()->number)
    return nullptr;
  return segments_[number - segments_.front()->number].get();
}

int64_t Journal::ended_ms(const Segment& segment, int64_t now_ms) const {
  const Segment* next = this->segment(segment.number + 1);
  return next == nullptr ? now_ms : next->begun_ms;
}

}  // namespace tradewind::log
