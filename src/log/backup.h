#pragma once
// Backup: the blocks in which the files of an embedded log travel and lie in a file;
// docs/formats/backup.md shows each byte. A head that says what will come, pieces of segments, an end with a
// sum over all.
//
// Threads: one each. Errors: corrupt, with the byte of the backup where it is damaged or cut off; unsupported
// when another version wrote it.

#include <functional>
#include <optional>

#include "base/time.h"
#include "log/backup_source.h"

namespace tradewind::log {

constexpr size_t kBackupPiece = 1 << 20;  // bytes of a segment in one block, at most

struct BackupHead {
  int64_t taken_ms = 0;  // wall time
  uint64_t last_frame = 0;
  std::vector<BackupSource::Part> parts;

  uint64_t bytes() const;  // of all parts
};

struct BackupPiece {
  uint64_t segment = 0;
  uint64_t at = 0;
  BytesView bytes;
};

// Makes the blocks, in the order head, pieces, end.
class BackupWriter {
 public:
  // `packed`: pieces are compressed (zlib).
  explicit BackupWriter(bool packed) : packed_(packed) {}

  Bytes head(const BackupHead& head) const;
  Bytes piece(const BackupPiece& piece);
  Bytes end() const;

 private:
  const bool packed_;
  uint64_t bytes_ = 0;
  uint32_t sum_ = 0;  // CRC32C over all pieces
};

// Reads blocks as their bytes come, and checks all of them: what it gives is as it was written.
class BackupReader {
 public:
  using EachPiece = std::function<Result<>(const BackupPiece&)>;

  // Takes the next bytes. `each` gets pieces in order: part by part, each without gaps.
  Result<> take(BytesView bytes, const EachPiece& each);
  // Whether the end came. corrupt: it is cut off.
  Result<> finish() const;
  // Once the head has come.
  const std::optional<BackupHead>& head() const { return head_; }
  uint64_t bytes() const { return bytes_; }  // of segments, so far

 private:
  Result<> block(BytesView header, BytesView payload, const EachPiece& each);
  Result<> take_head(BytesView payload);
  Result<> take_piece(uint64_t segment, uint64_t at, BytesView bytes, const EachPiece& each);
  Result<> take_end(BytesView payload);
  Error damaged(const std::string& what) const;

  Bytes waiting_;
  uint64_t block_at_ = 0;  // in the backup, of the block at hand
  std::optional<BackupHead> head_;
  size_t part_ = 0;  // the next piece is of it,
  uint64_t at_ = 0;  // from here on
  uint64_t bytes_ = 0;
  uint32_t sum_ = 0;
  bool ended_ = false;
  Bytes unpacked_;
};

// A log's folder made of pieces. Until finish() they stand in a folder `restoring` inside of it, with which
// no log opens: whatever ends it leaves nothing that starts half, and beginning again begins anew.
class Restoring {
 public:
  // conflict: there is something in `directory` that is not of an earlier attempt.
  static Result<std::unique_ptr<Restoring>> begin(const std::string& directory, Disk& disk);
  // Takes away what it made, unless it was finished.
  ~Restoring();
  Result<> take(const BackupPiece& piece);
  // Makes everything durable, has the log opened and read in full, and puts it in its place.
  Result<> finish();

 private:
  Restoring(std::string directory, Disk& disk) : directory_(std::move(directory)), disk_(disk) {}
  std::string staging() const;

  const std::string directory_;
  Disk& disk_;
  bool made_directory_ = false;
  bool begun_ = false;  // what stands in staging() is its own
  std::unique_ptr<File> file_;
  uint64_t segment_ = 0;
};

}  // namespace tradewind::log
