// What a start makes of the files it finds.
#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "base/hash.h"
#include "log/embedded/journal.h"

namespace tradewind::log {
namespace {

constexpr size_t kWindow = 1024 * 1024;

bool read_header(BytesView bytes, FrameHeader& header) {
  if (bytes.size() < sizeof header) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  return true;
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

Result<> Journal::recover(const EachEntry& each) {
  std::vector<std::unique_ptr<Segment>> found;
  for (const std::string& name : TRY(disk_.list(options_.directory))) {
    if (name.starts_with("free-")) {
      free_files_.push_back(options_.directory + "/" + name);
      next_free_ = std::max<uint64_t>(next_free_, std::strtoull(name.c_str() + 5, nullptr, 10));
      continue;
    }
    if (!name.ends_with(".seg")) continue;
    auto segment = std::make_unique<Segment>();
    segment->number = std::strtoull(name.c_str(), nullptr, 10);
    segment->file = TRY(disk_.open(options_.directory + "/" + name, false));
    segment->capacity = TRY(segment->file->size());
    found.push_back(std::move(segment));
  }
  for (size_t i = 0; i < found.size(); ++i) {
    Segment& segment = *found[i];
    SegmentHeader header;
    const size_t got = TRY(segment.file->read(0, reinterpret_cast<char*>(&header), sizeof header));
    const uint32_t crc = crc32c(BytesView(reinterpret_cast<const char*>(&header), offsetof(SegmentHeader, crc)));
    if (got < sizeof header || header.magic != kSegmentMagic || header.crc != crc || header.number != segment.number) {
      // Being made when the power went: nothing in it was acknowledged.
      if (i + 1 == found.size()) {
        segment.file.reset();
        TRY(disk_.remove(path_of(segment.number)));
        found.pop_back();
        break;
      }
      return damaged(segment, 0, "its header is wrong");
    }
    if (header.version != kVersion) {
      return Error{Code::unsupported, path_of(segment.number) + " was written by another version (" +
                                          std::to_string(header.version) + ") of this program"};
    }
    segment.first_frame = header.first_frame;
    segment.end = sizeof header;
    if (i > 0 && segment.number != found[i - 1]->number + 1) {
      return damaged(segment, 0, "the segment before it is missing");
    }
  }
  if (!found.empty()) written_ = found.front()->first_frame - 1;
  for (size_t i = 0; i < found.size(); ++i) {
    segments_.push_back(std::move(found[i]));
    Segment& segment = *segments_.back();
    if (segment.first_frame != written_ + 1) {
      return damaged(*segments_[i - 1], segments_[i - 1]->end, "frames " + std::to_string(written_ + 1) + " to " +
                                                                   std::to_string(segment.first_frame - 1) + " are missing");
    }
    TRY(recover_segment(segment, i + 1 == found.size(), each));
  }
  // What was found is about to be built upon: it must be as durable as what follows.
  if (!segments_.empty()) TRY(segments_.back()->file->sync());
  durable_ = written_.load();
  figures_.segments = static_cast<int64_t>(segments_.size());
  return {};
}

Result<> Journal::recover_segment(Segment& segment, bool last, const EachEntry& each) {
  if (!last && TRY(read_footer(segment, each))) return {};
  return scan(segment, last, true, each);
}

// True when a sealed segment's footer told all its batches. The other entries of old segments are in the checkpoints
// of later ones.
Result<bool> Journal::read_footer(Segment& segment, const EachEntry& each) {
  uint64_t trailer[2] = {0, 0};
  if (segment.capacity < 16) return false;
  TRY(segment.file->read(segment.capacity - 16, reinterpret_cast<char*>(trailer), sizeof trailer));
  if (trailer[1] != kFooterMagic || trailer[0] + sizeof(FrameHeader) > segment.capacity) return false;
  FrameHeader header;
  TRY(segment.file->read(trailer[0], reinterpret_cast<char*>(&header), sizeof header));
  const bool fits = trailer[0] + sizeof header + header.length <= segment.capacity;
  if (header.magic != kFooterMagic || header.segment != segment.number || !fits) return false;
  Bytes body(header.length, '\0');
  TRY(segment.file->read(trailer[0] + sizeof header, body.data(), body.size()));
  FrameHeader hashed = header;
  hashed.crc = 0;
  if (crc32c(body, crc32c(BytesView(reinterpret_cast<const char*>(&hashed), sizeof hashed))) != header.crc) return false;
  BytesView in(body);
  uint64_t count = 0;
  if (!get_varint(in, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t at = 0;
    uint64_t frame = 0;
    EntryHeader entry;
    if (!get_varint(in, at) || !get_varint(in, frame) || !get_fixed(in, entry)) return false;
    each(entry, {&segment, at}, {}, frame);
  }
  segment.end = trailer[0];
  written_ = header.number;
  return true;
}

Result<> Journal::scan(Segment& segment, bool last, bool payloads, const EachEntry& each) {
  SegmentReader reader(*segment.file, segment.capacity);
  struct Waiting {
    EntryHeader header;
    uint64_t at;
    Bytes payload;
    uint64_t frame;
  };
  std::vector<Waiting> group;
  uint64_t at = segment.end;
  uint64_t number = segment.first_frame;
  while (true) {
    FrameHeader header;
    const BytesView start = TRY(reader.read(at, sizeof header));
    bool good = read_header(start, header) && header.magic == kFrameMagic && header.number == number &&
                header.segment == segment.number && at + sizeof header + header.length <= segment.capacity;
    if (good) {
      const BytesView frame = TRY(reader.read(at, sizeof header + header.length));
      good = walk_frame(frame, header, payloads, [&](const EntryHeader& entry, size_t offset, BytesView payload) {
        const bool batch = entry.kind == EntryKind::batch;
        group.push_back({entry, at + offset, batch ? Bytes() : Bytes(payload), header.number});
      });
    }
    if (!good) break;
    at += sizeof header + header.length;
    ++number;
    if (header.parts_left != 0) continue;
    for (const Waiting& entry : group) {
      each(entry.header, {&segment, entry.at}, entry.payload, entry.frame);
      if (last && entry.header.kind == EntryKind::batch) {
        footer_.push_back({.header = entry.header});
        footer_at_.push_back(entry.at);
        footer_frame_.push_back(entry.frame);
      }
    }
    group.clear();
    segment.end = at;
    written_ = number - 1;
  }
  if (last) TRY(judge_tail(segment, at, number));
  return {};
}

// The frames end here, or seem to. A later frame of this segment that was written when this place was already durable
// proves damage; without one it is the tail of what was being written, and is cut.
Result<> Journal::judge_tail(Segment& segment, uint64_t at, uint64_t expected) {
  SegmentReader reader(*segment.file, segment.capacity);
  constexpr BytesView kMark("FRAM", 4);
  for (uint64_t from = segment.end; from + sizeof(FrameHeader) <= segment.capacity;) {
    const BytesView window = TRY(reader.read(from, kWindow));
    const size_t hit = window.find(kMark);
    if (hit == BytesView::npos) {
      if (window.size() < kWindow) break;
      from += window.size() - 3;
      continue;
    }
    from += hit;
    FrameHeader header;
    const BytesView start = TRY(reader.read(from, sizeof header));
    if (read_header(start, header) && header.segment == segment.number && header.number >= expected &&
        from + sizeof header + header.length <= segment.capacity) {
      const BytesView frame = TRY(reader.read(from, sizeof header + header.length));
      const bool whole = walk_frame(frame, header, false, [](const EntryHeader&, size_t, BytesView) {});
      if (whole && header.synced >= expected) {
        return damaged(segment, at, "frame " + std::to_string(expected) + " cannot be read, but frame " +
                                        std::to_string(header.number) + " says it was synced");
      }
      rotate_next_ = true;  // stale frames of our own behind the cut must never look valid later
    }
    from += 4;
  }
  if (segment.end != at) rotate_next_ = true;  // a group that was not finished
  return {};
}

Result<> Journal::verify() {
  for (const auto& segment : segments_) {
    const uint64_t end = segment->end;
    const uint64_t written = written_;
    segment->end = sizeof(SegmentHeader);
    std::vector<FrameGroup::Entry> footer;
    auto done = scan(*segment, false, true, [](const EntryHeader&, Place, BytesView, uint64_t) {});
    const uint64_t reached = segment->end;
    segment->end = end;
    written_ = written;
    if (!done.ok()) return done;
    if (reached < end) return damaged(*segment, reached, "its bytes are not what was written");
  }
  return {};
}

}  // namespace tradewind::log
