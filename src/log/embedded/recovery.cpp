// What a start makes of the files it finds.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/coding.h"
#include "base/hash.h"
#include "base/mutant.h"
#include "log/embedded/journal.h"

namespace tradewind::log {
namespace {

constexpr size_t kWindow = 1024 * 1024;
constexpr size_t kAll = SIZE_MAX;

bool read_header(BytesView bytes, FrameHeader& header) {
  if (bytes.size() < sizeof header) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  return true;
}

Result<> nothing(const EntryHeader&, Place, BytesView, uint64_t) {
  return {};
}

// The whole segment's used part, read window by window.
class SegmentReader {
 public:
  SegmentReader(File& file, uint64_t size) : file_(file), size_(size) {}

  // `length` bytes at `at`, or fewer at the end of the file.
  Result<BytesView> read(uint64_t at, size_t length) {
    length = static_cast<size_t>(std::min<uint64_t>(length, size_ > at ? size_ - at : 0));
    if (at < begin_ || at + length > begin_ + bytes_.size()) {
      bytes_.resize(std::min<uint64_t>(std::max(length, kWindow), size_ - std::min(at, size_)));
      begin_ = at;
      bytes_.resize(TRY(file_.read(at, bytes_.data(), bytes_.size())));
    }
    const BytesView all(bytes_);
    return all.substr(std::min<uint64_t>(at - begin_, all.size()), length);
  }

 private:
  File& file_;
  uint64_t size_;
  uint64_t begin_ = 0;
  Bytes bytes_;
};

}  // namespace

Result<Journal::FoundSegments> Journal::find_segments() {
  FoundSegments found;
  for (const std::string& name : TRY(disk_.list(options_.directory))) {
    const std::string path = options_.directory + "/" + name;
    if (name.starts_with(kFreePrefix)) {
      free_files_.push_back({path, TRY(TRY(disk_.open(path, false))->size())});
      next_free_ = std::max<uint64_t>(next_free_, std::strtoull(name.c_str() + 5, nullptr, 10));
      continue;
    }
    const uint64_t number = std::strtoull(name.c_str(), nullptr, 10);
    if (path != path_of(number)) continue;  // not ours
    if (found.unborn != nullptr) return damaged(*found.unborn, 0, "its header is wrong");
    auto segment = std::make_unique<Segment>();
    segment->number = number;
    segment->file = TRY(disk_.open(path, false));
    segment->capacity = TRY(segment->file->size());
    segment->end = sizeof(SegmentHeader);
    SegmentHeader header;
    const size_t got = TRY(segment->file->read(0, reinterpret_cast<char*>(&header), sizeof header));
    const uint32_t crc =
        crc32c(BytesView(reinterpret_cast<const char*>(&header), offsetof(SegmentHeader, crc)));
    const bool whole = got == sizeof header && header.magic == kSegmentMagic && header.crc == crc;
    if (whole && (header.version == 0 || header.version > kVersion)) {
      return Error{Code::unsupported, path + " was written by another version (" +
                                          std::to_string(header.version) + ") of this program"};
    }
    if (!found.sound.empty() && number != found.sound.back()->number + 1) {
      return damaged(*segment, 0, "the segment before it is missing");
    }
    if (!whole || header.number != number || header.first_frame == 0 ||
        header.first_frame > uint64_t{kMostNumber}) {
      found.unborn = std::move(segment);
      continue;
    }
    segment->first_frame = header.first_frame;
    found.sound.push_back(std::move(segment));
  }
  const size_t count = found.sound.size();
  if (found.unborn == nullptr && count > 1 && !TRY(has_group(*found.sound.back()))) {
    found.unborn = std::move(found.sound.back());
    found.sound.pop_back();
  }
  return found;
}

Result<bool> Journal::has_group(Segment& segment) const {
  return TRY(scan(segment, 1, nothing)).end > sizeof(SegmentHeader);
}

Result<> Journal::recover(const EachEntry& each) {
  FoundSegments found = TRY(find_segments());
  if (!found.sound.empty()) written_ = found.sound.front()->first_frame - 1;
  for (size_t i = 0; i < found.sound.size(); ++i) {
    segments_.push_back(std::move(found.sound[i]));
    Segment& segment = *segments_.back();
    if (segment.first_frame != written_ + 1) {
      return damaged(*segments_[i - 1], segments_[i - 1]->end,
                     "frames " + std::to_string(written_ + 1) + " to " +
                         std::to_string(segment.first_frame - 1) + " are missing");
    }
    TRY(i + 1 == found.sound.size() ? recover_last(segment, each) : recover_sealed(segment, each));
  }
  if (found.unborn != nullptr) TRY(drop_unborn(std::move(found.unborn)));
  // What was found is about to be built upon: it must be as durable as what follows.
  if (!segments_.empty()) TRY(segments_.back()->file->sync());
  TRY(disk_.sync_directory(options_.directory));
  note_durable(written_, true);
  figures_.segments = static_cast<int64_t>(segments_.size());
  return {};
}

// A segment that was being made when the power went: nothing in it was acknowledged, unless it says
// otherwise.
Result<> Journal::drop_unborn(std::unique_ptr<Segment> segment) {
  if (segment->first_frame == 0) {
    FrameHeader header;
    char raw[sizeof header];
    const size_t got = TRY(segment->file->read(sizeof(SegmentHeader), raw, sizeof raw));
    // Header and first frame begin in one sector: they are written together or not.
    if (read_header(BytesView(raw, got), header) && header.magic == kFrameMagic &&
        header.segment == segment->number) {
      return damaged(*segment, 0, "its header is wrong");
    }
    if (segments_.empty() && segment->number > 1) return damaged(*segment, 0, "its header is wrong");
    segment->first_frame = written_ + 1;
  }
  TRY(judge_tail(*segment, sizeof(SegmentHeader), segment->first_frame));
  segment->file.reset();
  TRY(disk_.remove(path_of(segment->number)));
  return {};
}

// The other entries of old segments are in the checkpoint of the last one.
Result<> Journal::recover_sealed(Segment& segment, const EachEntry& each) {
  if (TRY(read_footer(segment, each))) return {};
  const Scanned scanned =
      TRY(scan(segment, kAll, [&](const EntryHeader& entry, Place place, BytesView payload, uint64_t frame) {
        return holds_records(entry.kind) ? each(entry, place, payload, frame) : Result<>();
      }));
  segment.end = scanned.end;
  written_ = scanned.next - 1;
  return {};
}

Result<> Journal::recover_last(Segment& segment, const EachEntry& each) {
  const Scanned scanned =
      TRY(scan(segment, kAll,
               [&](const EntryHeader& entry, Place place, BytesView payload, uint64_t frame) -> Result<> {
                 TRY(each(entry, place, payload, frame));
                 if (!holds_records(entry.kind)) return {};
                 FrameGroup::Entry known{.header = entry};
                 if (is_rewritten(entry.kind) && !get_rewritten(payload, entry, known.rewritten)) {
                   return Error{Code::corrupt, "a rewritten batch makes no sense"};
                 }
                 remember_for_footer(std::move(known), place.at, frame);
                 return {};
               }));
  segment.end = scanned.end;
  written_ = scanned.next - 1;
  if (segment.number > 1 && segments_.size() == 1 && scanned.end == sizeof(SegmentHeader)) {
    return damaged(segment, segment.end, "its checkpoint cannot be read");
  }
  const std::vector<uint64_t> stale = TRY(judge_tail(segment, scanned.end, scanned.bad));
  // Frames behind the cut must never look valid later, when others with their numbers stand before them.
  const Bytes zeros(sizeof(FrameHeader), '\0');
  for (const uint64_t at : stale) TRY(segment.file->write(at, zeros));
  return {};
}

// True when a sealed segment's footer told all its batches.
Result<bool> Journal::read_footer(Segment& segment, const EachEntry& each) {
  uint64_t trailer[2] = {0, 0};
  if (segment.capacity < sizeof(SegmentHeader) + sizeof(FrameHeader) + sizeof trailer) return false;
  const uint64_t most = segment.capacity - sizeof trailer;
  TRY(segment.file->read(most, reinterpret_cast<char*>(trailer), sizeof trailer));
  if (trailer[1] != kFooterMagic || trailer[0] > most - sizeof(FrameHeader)) return false;
  FrameHeader header;
  TRY(segment.file->read(trailer[0], reinterpret_cast<char*>(&header), sizeof header));
  const bool fits = header.length <= most - sizeof header - trailer[0];
  if (header.magic != kFooterMagic || header.segment != segment.number || !fits) return false;
  Bytes body(header.length, '\0');
  TRY(segment.file->read(trailer[0] + sizeof header, body.data(), body.size()));
  FrameHeader hashed = header;
  hashed.crc = 0;
  const uint32_t start = crc32c(BytesView(reinterpret_cast<const char*>(&hashed), sizeof hashed));
  if (crc32c(body, start) != header.crc) return false;
  BytesView in(body);
  uint64_t count = 0;
  if (!get_varint(in, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t at = 0;
    uint64_t frame = 0;
    EntryHeader entry;
    if (!get_varint(in, at) || !get_varint(in, frame) || !get_fixed(in, entry) || at > trailer[0] ||
        entry.length > trailer[0] - at || !holds_records(entry.kind)) {
      return damaged(segment, trailer[0], "its list of batches makes no sense");
    }
    Rewritten rewritten;
    const BytesView before = in;
    if (is_rewritten(entry.kind) && !get_rewritten(in, entry, rewritten)) {
      return damaged(segment, trailer[0], "its list of batches makes no sense");
    }
    const BytesView payload = before.substr(0, before.size() - in.size());
    auto taken = each(entry, {&segment, at}, payload, frame);
    if (!taken.ok()) return damaged(segment, trailer[0], taken.error().message);
  }
  if (header.number < segment.first_frame - 1 || header.number > uint64_t{kMostNumber}) return false;
  segment.end = trailer[0];
  written_ = header.number;
  return true;
}

Result<Journal::Scanned> Journal::scan(Segment& segment, size_t most_groups, const EachEntry& each) const {
  SegmentReader reader(*segment.file, segment.capacity);
  struct Waiting {
    EntryHeader header;
    uint64_t at;
    Bytes payload;
    uint64_t frame;
  };
  std::vector<Waiting> group;
  uint64_t at = sizeof(SegmentHeader);
  uint64_t number = segment.first_frame;
  Scanned scanned{.end = at, .next = number};
  for (size_t groups = 0; groups < most_groups;) {
    FrameHeader header;
    const BytesView start = TRY(reader.read(at, sizeof header));
    bool good = read_header(start, header) && header.magic == kFrameMagic && header.number == number &&
                header.segment == segment.number && at + sizeof header + header.length <= segment.capacity;
    if (good) {
      const BytesView frame = TRY(reader.read(at, sizeof header + header.length));
      good = walk_frame(frame, header, true, [&](const EntryHeader& entry, size_t offset, BytesView payload) {
        if (entry.kind == EntryKind::batch) payload = {};
        if (is_rewritten(entry.kind)) payload = payload.substr(0, kMostRewrittenBytes);
        group.push_back({entry, at + offset, Bytes(payload), header.number});
      });
    }
    if (!good) break;
    at += sizeof header + header.length;
    ++number;
    if (header.parts_left != 0 && !mutant(8)) continue;
    for (const Waiting& entry : group) {
      auto taken = each(entry.header, {&segment, entry.at}, entry.payload, entry.frame);
      if (!taken.ok()) return damaged(segment, entry.at, taken.error().message);
    }
    group.clear();
    ++groups;
    scanned.end = at;
    scanned.next = number;
  }
  scanned.bad_at = at;
  scanned.bad = number;
  return scanned;
}

// The frames end here, or seem to. A later frame of this segment that was written when frame `expected` was
// already synced proves damage; without one it is the tail of what was being written, and is cut. Answers
// where frames of this segment begin behind the cut.
Result<std::vector<uint64_t>> Journal::judge_tail(const Segment& segment, uint64_t from,
                                                  uint64_t expected) const {
  constexpr BytesView kMark("FRAM", 4);
  std::vector<uint64_t> stale;
  SegmentReader windows(*segment.file, segment.capacity);
  SegmentReader frames(*segment.file, segment.capacity);
  const uint64_t cut = from;
  while (from + sizeof(FrameHeader) <= segment.capacity) {
    const BytesView window = TRY(windows.read(from, kWindow));
    if (window.size() < sizeof(FrameHeader)) break;
    for (size_t hit = window.find(kMark); hit != BytesView::npos; hit = window.find(kMark, hit + 1)) {
      const uint64_t at = from + hit;
      FrameHeader header;
      if (!read_header(window.substr(hit), header)) break;  // the next window holds all of it
      if (header.segment != segment.number || at + sizeof header + header.length > segment.capacity) continue;
      stale.push_back(at);
      if (header.number < expected || header.synced < expected) continue;
      const BytesView frame = TRY(frames.read(at, sizeof header + header.length));
      if (walk_frame(frame, header, false, [](const EntryHeader&, size_t, BytesView) {})) {
        return damaged(segment, cut,
                       "frame " + std::to_string(expected) + " cannot be read, but frame " +
                           std::to_string(header.number) + " says it was synced");
      }
    }
    from += window.size() - (sizeof(FrameHeader) - 1);
  }
  return stale;
}

Result<> Journal::verify() {
  for (const auto& segment : segments_) {
    const Scanned scanned = TRY(scan(*segment, kAll, nothing));
    if (scanned.end < segment->end)
      return damaged(*segment, scanned.bad_at, "its bytes are not what was written");
  }
  return {};
}

}  // namespace tradewind::log
