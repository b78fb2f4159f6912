#include "log/backup.h"

#include <zlib.h>

#include <cstring>

#include "base/coding.h"
#include "base/hash.h"

namespace tradewind::log {
namespace {

constexpr uint32_t kMagic = 0x4b425754;  // "TWBK"
constexpr uint32_t kVersion = 1;
constexpr size_t kMostBlock = 64 << 20;  // of a payload; a head names every segment
constexpr size_t kMostParts = 1 << 20;

enum class BlockKind : uint32_t { head = 1, piece = 2, packed = 3, end = 4 };

struct BlockHeader {
  uint32_t magic = kMagic;
  BlockKind kind = BlockKind::head;
  uint32_t length = 0;   // of the payload behind this header
  uint32_t content = 0;  // of what it stands for: more than `length` if it is packed
  uint64_t segment = 0;
  uint64_t at = 0;
  uint32_t reserved = 0;
  uint32_t crc = 0;  // of this header, with 0 here, and the payload
};
static_assert(sizeof(BlockHeader) == 40);

BytesView bytes_of(const BlockHeader& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

Bytes block_of(BlockHeader header, BytesView payload) {
  header.length = static_cast<uint32_t>(payload.size());
  header.crc = crc32c(payload, crc32c(bytes_of(header)));
  Bytes made(bytes_of(header));
  made += payload;
  return made;
}

// What zlib makes of the bytes; nothing when that is not less.
std::optional<Bytes> packed(BytesView bytes) {
  Bytes out(compressBound(bytes.size()), '\0');
  uLongf size = out.size();
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                bytes.size(), Z_BEST_SPEED) != Z_OK ||
      size >= bytes.size())
    return std::nullopt;
  out.resize(size);
  return out;
}

bool unpack(BytesView bytes, size_t content, Bytes& out) {
  out.resize(content);
  uLongf size = content;
  return uncompress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                    bytes.size()) == Z_OK &&
         size == content;
}

}  // namespace

uint64_t BackupHead::bytes() const {
  uint64_t bytes = 0;
  for (const BackupSource::Part& part : parts) bytes += part.bytes;
  return bytes;
}

Bytes BackupWriter::head(const BackupHead& head) const {
  Bytes payload;
  put_varint(payload, kVersion);
  put_zigzag(payload, head.taken_ms);
  put_varint(payload, head.last_frame);
  put_varint(payload, head.parts.size());
  for (const BackupSource::Part& part : head.parts) {
    put_varint(payload, part.number);
    put_varint(payload, part.bytes);
  }
  return block_of({.kind = BlockKind::head}, payload);
}

Bytes BackupWriter::piece(const BackupPiece& piece) {
  bytes_ += piece.bytes.size();
  sum_ = crc32c(piece.bytes, sum_);
  BlockHeader header{.kind = BlockKind::piece, .segment = piece.segment, .at = piece.at};
  header.content = static_cast<uint32_t>(piece.bytes.size());
  const auto small = packed_ ? packed(piece.bytes) : std::nullopt;
  if (!small) return block_of(header, piece.bytes);
  header.kind = BlockKind::packed;
  return block_of(header, *small);
}

Bytes BackupWriter::end() const {
  Bytes payload;
  put_fixed(payload, bytes_);
  put_fixed(payload, sum_);
  return block_of({.kind = BlockKind::end}, payload);
}

Error BackupReader::damaged(const std::string& what) const {
  return {Code::corrupt,
          "the backup is damaged at byte " + std::to_string(block_at_) + ": " + what + "; take another one"};
}

Result<> BackupReader::take(BytesView bytes, const EachPiece& each) {
  waiting_ += bytes;
  size_t done = 0;
  while (waiting_.size() - done >= sizeof(BlockHeader)) {
    const BytesView rest = BytesView(waiting_).substr(done);
    BlockHeader header;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.magic != kMagic && block_at_ == 0)
      return Error{Code::corrupt, "this is no backup: it does not begin as one"};
    if (header.magic != kMagic || header.length > kMostBlock || header.content > kBackupPiece)
      return damaged("no block begins here");
    if (ended_) return damaged("something follows its end");
    if (rest.size() < sizeof header + header.length) break;
    TRY(block(rest.substr(0, sizeof header), rest.substr(sizeof header, header.length), each));
    done += sizeof header + header.length;
    block_at_ += sizeof header + header.length;
  }
  waiting_.erase(0, done);
  return {};
}

Result<> BackupReader::block(BytesView header_bytes, BytesView payload, const EachPiece& each) {
  BlockHeader header;
  std::memcpy(&header, header_bytes.data(), sizeof header);
  const uint32_t crc = std::exchange(header.crc, 0);
  if (crc32c(payload, crc32c(bytes_of(header))) != crc) return damaged("its checksum is wrong");
  if ((header.kind == BlockKind::head) == head_.has_value()) return damaged("its blocks are out of order");
  switch (header.kind) {
    case BlockKind::head: return take_head(payload);
    case BlockKind::piece: return take_piece(header.segment, header.at, payload, each);
    case BlockKind::packed:
      if (!unpack(payload, header.content, unpacked_)) return damaged("it cannot be unpacked");
      return take_piece(header.segment, header.at, unpacked_, each);
    case BlockKind::end: return take_end(payload);
  }
  return damaged("a block of an unknown kind");
}

Result<> BackupReader::take_head(BytesView in) {
  uint64_t version = 0;
  if (!get_varint(in, version)) return damaged("its head makes no sense");
  if (version != kVersion) {
    return Error{Code::unsupported, "the backup was written by another version (" + std::to_string(version) +
                                        ") of this program"};
  }
  BackupHead head;
  uint64_t count = 0;
  bool good = get_zigzag(in, head.taken_ms) && get_varint(in, head.last_frame) && get_varint(in, count) &&
              count <= kMostParts;
  for (uint64_t i = 0; good && i < count; ++i) {
    BackupSource::Part part;
    good = get_varint(in, part.number) && get_varint(in, part.bytes) && part.bytes > 0;
    head.parts.push_back(part);
  }
  if (!good || !in.empty()) return damaged("its head makes no sense");
  head_ = std::move(head);
  return {};
}

Result<> BackupReader::take_piece(uint64_t segment, uint64_t at, BytesView bytes, const EachPiece& each) {
  const bool due = part_ < head_->parts.size() && head_->parts[part_].number == segment && at == at_ &&
                   !bytes.empty() && bytes.size() <= head_->parts[part_].bytes - at_;
  if (!due) return damaged("a piece is missing before this one");
  bytes_ += bytes.size();
  sum_ = crc32c(bytes, sum_);
  at_ += bytes.size();
  if (at_ == head_->parts[part_].bytes) {
    ++part_;
    at_ = 0;
  }
  return each({segment, at, bytes});
}

Result<> BackupReader::take_end(BytesView in) {
  uint64_t bytes = 0;
  uint32_t sum = 0;
  if (!get_fixed(in, bytes) || !get_fixed(in, sum) || part_ != head_->parts.size() || bytes != bytes_ ||
      sum != sum_)
    return damaged("its end does not fit what came before");
  ended_ = true;
  return {};
}

Result<> BackupReader::finish() const {
  if (ended_ && waiting_.empty()) return {};
  if (ended_) return damaged("something follows its end");
  const uint64_t all = head_ ? head_->bytes() : 0;
  return Error{Code::corrupt, "the backup is cut off at byte " + std::to_string(block_at_ + waiting_.size()) +
                                  ": " + std::to_string(bytes_) + " of " +
                                  (head_ ? std::to_string(all) : "unknown") +
                                  " bytes of the log are in it; take another one"};
}

}  // namespace tradewind::log
