#pragma once
// Disk: the few things the journal asks of a file system, so that tests can put one below it that tears,
// forgets what was not synced, fills up, is slow or fails.
//
// Threads: shared freely. Errors: io with the file and the reason; unavailable when the disk is full
// (full_disk()).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace tradewind::log {

class File {
 public:
  virtual ~File() = default;
  virtual Result<> write(uint64_t at, BytesView bytes) = 0;
  // Fills `out[0, size)`; the number of bytes that were there.
  virtual Result<size_t> read(uint64_t at, char* out, size_t size) = 0;
  // Makes everything written so far survive a power cut.
  virtual Result<> sync() = 0;
  // Sets blocks aside up to `size` and makes the file that long.
  virtual Result<> preallocate(uint64_t size) = 0;
  // Gives back the blocks behind `size`.
  virtual Result<> truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

// What a file system has, in bytes.
struct Room {
  int64_t free = 0;  // for this process
  int64_t total = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<> make_directory(const std::string& path) = 0;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, bool create) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& path) = 0;
  virtual Result<> sync_directory(const std::string& path) = 0;
  // Held until the File goes. conflict: another process has it.
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
  // Of the file system that `path` lies on.
  virtual Result<Room> room(const std::string& path) = 0;
};

std::unique_ptr<Disk> make_posix_disk();

// The error of a full disk at `path`: unavailable, for what is refused now is taken when there is room.
Error full_disk(const std::string& path);

}  // namespace tradewind::log
