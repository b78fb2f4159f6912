#include "log/backup_source.h"

#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "log/embedded/frame.h"

namespace tradewind::log {
namespace {

// The bytes of the footer that begins at `at`; 0: there is none, and the segment is read in full at a start.
Result<uint64_t> footer_bytes(const BackupSource::Held& held) {
  FrameHeader header;
  const size_t got = TRY(held.file->read(held.used, reinterpret_cast<char*>(&header), sizeof header));
  if (got < sizeof header || header.magic != kFooterMagic || header.segment != held.number)
    return uint64_t{0};
  const uint64_t length = sizeof header + header.length;
  if (held.used + length + 16 > TRY(held.file->size())) return uint64_t{0};
  return length;
}

}  // namespace

Result<BackupSource> BackupSource::of(std::vector<Held> segments, uint64_t last_frame) {
  BackupSource made;
  made.last_frame_ = last_frame;
  for (Held& held : segments) {
    const uint64_t footer = held.sealed ? TRY(footer_bytes(held)) : 0;
    Bytes tail;
    if (footer > 0) {
      put_fixed(tail, held.used);
      put_fixed(tail, uint64_t{kFooterMagic});
    }
    made.parts_.push_back({held.number, held.used + footer + tail.size()});
    made.tails_.push_back(std::move(tail));
    made.files_.push_back(std::move(held.file));
  }
  return made;
}

uint64_t BackupSource::bytes() const {
  uint64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.bytes;
  return bytes;
}

Result<> BackupSource::read(size_t part, uint64_t at, size_t size, Bytes& out) const {
  const Bytes& tail = tails_[part];
  const uint64_t body = parts_[part].bytes - tail.size();
  const uint64_t end = std::min(at + size, parts_[part].bytes);
  out.clear();
  if (at < body) {
    out.resize(std::min(end, body) - at);
    const size_t got = TRY(files_[part]->read(at, out.data(), out.size()));
    if (got < out.size()) {
      return Error{Code::io, "segment " + std::to_string(parts_[part].number) + " ends at byte " +
                                 std::to_string(at + got) + "; it should go on"};
    }
  }
  if (end > body) {
    const uint64_t from = std::max(at, body) - body;
    out.append(tail, from, end - body - from);
  }
  return {};
}

}  // namespace tradewind::log
