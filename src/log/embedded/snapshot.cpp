#include "log/snapshot.h"

#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "log/embedded/frame.h"

namespace tradewind::log {
namespace {

// The bytes of the footer that begins at `at`; 0: there is none, and the segment is read in full at a start.
Result<uint64_t> footer_bytes(const Snapshot::Source& source) {
  FrameHeader header;
  const size_t got = TRY(source.file->read(source.used, reinterpret_cast<char*>(&header), sizeof header));
  if (got < sizeof header || header.magic != kFooterMagic || header.segment != source.number)
    return uint64_t{0};
  const uint64_t length = sizeof header + header.length;
  if (source.used + length + 16 > TRY(source.file->size())) return uint64_t{0};
  return length;
}

}  // namespace

Result<Snapshot> Snapshot::of(std::vector<Source> sources, uint64_t last_frame) {
  Snapshot made;
  made.last_frame_ = last_frame;
  for (Source& source : sources) {
    const uint64_t footer = source.sealed ? TRY(footer_bytes(source)) : 0;
    Bytes tail;
    if (footer > 0) {
      put_fixed(tail, source.used);
      put_fixed(tail, uint64_t{kFooterMagic});
    }
    made.parts_.push_back({source.number, source.used + footer + tail.size()});
    made.tails_.push_back(std::move(tail));
    made.files_.push_back(std::move(source.file));
  }
  return made;
}

uint64_t Snapshot::bytes() const {
  uint64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.bytes;
  return bytes;
}

Result<> Snapshot::read(size_t part, uint64_t at, size_t size, Bytes& out) const {
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
