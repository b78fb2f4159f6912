#pragma once
// Opening a log, and what an embedded one tells about itself.

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "log/disk.h"
#include "log/log.h"

namespace tradewind {
class Options;
}
namespace tradewind::telemetry {
class Registry;
}

namespace tradewind::log {

// fsync: acknowledged means on the disk. os: acknowledged means handed to the operating system, which
// survives the end of the process but not of the machine.
enum class Durability { fsync, os };

struct EmbeddedOptions {
  std::string directory;
  Durability durability = Durability::fsync;
  Disk* disk = nullptr;    // null: the real one
  Clock* clock = nullptr;  // null: the real one; only measures
  bool own_thread = true;  // false: whoever waits for durability syncs, all in one thread
  Duration group_wait{0};  // own_thread: how long a sync lets more gather behind it
  uint64_t first_segment_bytes = 16ULL << 20;
  uint64_t most_segment_bytes = 256ULL << 20;
  telemetry::Registry* metrics = nullptr;  // outlives the log; null: nobody looks

  void fields(Options& options);
};

struct LogFigures {
  int64_t bytes_written = 0;
  int64_t payload_bytes = 0;  // keys and values appended
  int64_t records = 0;
  int64_t syncs = 0;
  int64_t sync_ns = 0;
  int64_t segments = 0;
  Durability durability = Durability::fsync;
};

class EmbeddedLog : public Log {
 public:
  virtual LogFigures figures() const = 0;
  // Reads every byte again and checks it.
  virtual Result<> verify() = 0;
  // Why it no longer takes anything; the process should end.
  virtual std::optional<Error> failure() const = 0;
  // Why it takes nothing for now (a full disk), looking whether there is room again; nothing when it takes.
  virtual std::optional<Error> refusing() = 0;
};

// conflict: another process has the directory. corrupt: damage, with the place and the remedy.
Result<std::unique_ptr<EmbeddedLog>> open_embedded(const EmbeddedOptions& options);

}  // namespace tradewind::log
