#pragma once
// Opening a log: our own on this machine, or Kafka's; and what each tells about itself.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/admin.h"
#include "log/backup_source.h"
#include "log/disk.h"
#include "log/kafka_security.h"
#include "log/log.h"

namespace tradewind::telemetry {
class Registry;
}

namespace tradewind::log::kafka {
class Tokens;
}

namespace tradewind::log {

// fsync: acknowledged means on the disk. os: acknowledged means handed to the operating system, which
// survives the end of the process but not of the machine.
enum class Durability { fsync, os };

struct EmbeddedOptions {
  std::string directory;
  Durability durability = Durability::fsync;
  Disk* disk = nullptr;    // null: the real one
  Clock* clock = nullptr;  // null: the real one; measures, and tells how old segments are
  bool own_thread = true;  // false: whoever waits for durability syncs, keep() keeps, all in one thread
  Duration group_wait{0};  // own_thread: how long a sync lets more gather behind it
  uint64_t first_segment_bytes = 16ULL << 20;
  uint64_t most_segment_bytes = 256ULL << 20;
  int spare_percent = 50;                            // dead bytes that may lie about, of the live ones
  int dirty_percent = 50;                            // of a partition's bytes, before it is compacted
  Duration tombstone_retention{24LL * 3600 * 1000};  // since it was appended
  uint64_t compaction_memory = 32ULL << 20;          // for the keys of one pass
  uint64_t keeper_rate = 32ULL << 20;                // bytes a second read for moving and compacting
  telemetry::Registry* metrics = nullptr;            // outlives the log; null: nobody looks

  void fields(Options& options);
};

struct LogFigures {
  int64_t bytes_written = 0;
  int64_t payload_bytes = 0;  // keys and values appended
  int64_t records = 0;
  int64_t syncs = 0;
  int64_t sync_ns = 0;
  int64_t segments = 0;
  int64_t bytes = 0;       // of the journal's files
  int64_t live_bytes = 0;  // of batches that may still be read
  int64_t reclaimed_bytes = 0;
  int64_t moved_bytes = 0;
  int64_t compacted_records = 0;
  int64_t expired_records = 0;
  double sync_waiting_seconds = 0;  // how long the sync under way has taken so far; 0: none is
  // Commits whose outcome was in doubt, and which then were found to have gone through, or not.
  int64_t doubts_committed = 0;
  int64_t doubts_given_up = 0;
  int64_t left_open_closed = 0;  // partitions in which a transaction was left open by brokers
  bool keeper_failed = false;    // the last time, for another reason than want of room
  Durability durability = Durability::fsync;
};

struct TopicFigures {
  std::string name;
  int64_t records = 0;  // appended since the process began
  int64_t bytes = 0;    // of their keys and values
  int64_t ends = 0;  // the sum over its partitions of the offset that comes next: all that were ever appended
  int64_t held_bytes = 0;  // of its batches in the journal
};

// A log that tells how it is. What only our own has is `unsupported` on Kafka.
class WatchedLog : public Log {
 public:
  // On Kafka: what this process appended; the brokers know the rest.
  virtual LogFigures figures() const = 0;
  virtual Admin& admin() = 0;
  // Its files as they are now, between two commits.
  virtual Result<BackupSource> backup_source() = 0;
  // Of every topic, by name; on Kafka of none.
  virtual std::vector<TopicFigures> topic_figures() const = 0;
  // Of the file system that it lies on.
  virtual Result<Room> room() const = 0;
  // Why it no longer takes anything; the process should end.
  virtual std::optional<Error> failure() const = 0;
  // Why it takes nothing while the disk is full, looking whether there is room again, or while brokers do not
  // answer; nothing when it takes.
  virtual std::optional<Error> refusing() = 0;
};

class EmbeddedLog : public WatchedLog {
 public:
  // One step of keeping the space of the journal small: batches expire, are compacted by key, are moved out
  // of the oldest segments, segments are given back. False: there is nothing to do. With own_thread a
  // thread does this; else whoever owns the log calls it. unavailable: there is no room for it on the disk.
  virtual Result<bool> keep() = 0;
  // Reads every byte again and checks it.
  virtual Result<> verify() = 0;
};

inline constexpr int64_t kMostKafkaRecord = 8 << 20;  // bytes; what hosted clusters take at most
inline constexpr int64_t kMostKafkaPayload = kMostKafkaRecord - 1024;  // the rest is what packs it
inline constexpr int64_t kMostKafkaTransaction = 64 << 20;             // bytes

struct KafkaOptions {
  std::string servers;                 // HOST:PORT[,HOST:PORT]...: some of the cluster's brokers; no setting
  std::string instance = "tradewind";  // transactional ids begin with it; one process has it at a time
  bool beside = false;                 // a tool, beside the platform of another instance; no setting
  Duration patience{15'000};           // without an answer a call ends as unavailable
  Duration start_patience{12'000};     // the same, for the first answer of all
  Duration fetch_wait{50};             // how long a broker waits for records before it says there are none
  int64_t fetch_bytes = 128 << 10;     // of one partition in one answer of a broker, packed
  int replicas = -1;                   // of topics made here; -1: what the cluster is set to
  std::string compression = "lz4";
  Clock* clock = nullptr;  // null: the real one
  KafkaSecurity security;
  std::shared_ptr<kafka::Tokens> tokens;  // made by open_kafka, where the brokers want tokens

  void fields(Options& options);
  // What works here, but not everywhere or not safely: for the one who starts.
  std::vector<std::string> notes() const;
};

// invalid: the servers or a setting. unavailable: no broker answered in time; it says what to check.
Result<std::unique_ptr<WatchedLog>> open_kafka(const KafkaOptions& options);

// conflict: another process has the directory. corrupt: damage, with the place and the remedy.
Result<std::unique_ptr<EmbeddedLog>> open_embedded(const EmbeddedOptions& options);

// The brokers of "kafka:HOST:PORT[,HOST:PORT]...", as KafkaOptions wants them. invalid: something else; it
// says which broker has what wrong.
Result<std::string> kafka_servers(const std::string& which);

// "embedded", or "kafka:HOST:PORT[,HOST:PORT]...". invalid: something else.
Result<std::unique_ptr<WatchedLog>> open_log(const std::string& which, const EmbeddedOptions& embedded,
                                             KafkaOptions kafka);

}  // namespace tradewind::log
