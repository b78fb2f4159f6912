#pragma once
// BackupSource: the files of an embedded log as they were at one moment, between two commits: what a start
// would find if the process had ended then. While it is held no file of it is used again, so the log needs
// more room as time goes on.
//
// Threads: one at a time; it may outlive its log. Errors: io.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "log/disk.h"

namespace tradewind::log {

class BackupSource {
 public:
  struct Part {
    uint64_t number = 0;  // of the segment
    uint64_t bytes = 0;
  };

  // Of each segment the bytes in [0, used); then, of a sealed one, its footer, whose place the trailer tells.
  struct Held {
    uint64_t number = 0;
    uint64_t used = 0;
    bool sealed = false;
    std::shared_ptr<File> file;
  };

  // `last_frame`: the number of the last frame in it. io: a footer cannot be read.
  static Result<BackupSource> of(std::vector<Held> segments, uint64_t last_frame);

  const std::vector<Part>& parts() const { return parts_; }
  uint64_t bytes() const;
  uint64_t last_frame() const { return last_frame_; }
  // Fills `out` with up to `size` bytes of part `part` from `at`; fewer only at its end.
  Result<> read(size_t part, uint64_t at, size_t size, Bytes& out) const;

 private:
  std::vector<Part> parts_;
  std::vector<std::shared_ptr<File>> files_;
  std::vector<Bytes> tails_;  // trailers, which lie elsewhere in the files
  uint64_t last_frame_ = 0;
};

}  // namespace tradewind::log
