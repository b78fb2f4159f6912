#include "base/options.h"
#include "log/open.h"

namespace tradewind::log {

void EmbeddedOptions::fields(Options& options) {
  options.text("log.path", directory, "The folder where everything lies; --data gives it too.");
  options.choice(
      "log.durability", durability, {{"fsync", Durability::fsync}, {"os", Durability::os}},
      "fsync: acknowledged means on the disk. os: handed to the operating system, which survives the "
      "end of the process but not of the machine.");
  options.duration("log.group_wait", group_wait, {Duration(0), Duration(1'000)},
                   "How long a sync waits for more to gather behind it.");
  options.bytes("log.first_segment_bytes", first_segment_bytes, {int64_t{1} << 20, int64_t{1} << 30},
                "The size of a new journal's first segment, and the least of later ones.");
  options.bytes("log.most_segment_bytes", most_segment_bytes, {int64_t{1} << 20, int64_t{1} << 30},
                "Segments are half of what is live in the log, and do not grow beyond this.");
  options.number("log.spare_percent", spare_percent, {5, 1'000},
                 "How many dead bytes may lie in the log, in percent of those that may still be read: beyond "
                 "that the oldest segments are emptied and used again.");
  options.number("log.dirty_percent", dirty_percent, {1, 100},
                 "How much of a partition of a compacted topic must be new, in percent of its bytes, before "
                 "it is compacted.");
  options.duration("log.tombstone_retention", tombstone_retention,
                   {Duration(0), Duration(366LL * 86'400'000)},
                   "How long a tombstone of a compacted topic stays for readers, since it was appended.");
  options.bytes("log.compaction_memory", compaction_memory, {int64_t{64} << 10, int64_t{1} << 30},
                "Memory for the keys of one pass of compaction; a partition with more takes several passes.");
  options.bytes("log.keeper_rate", keeper_rate, {int64_t{64} << 10, int64_t{4} << 30},
                "Bytes read in a second for compacting and for emptying old segments.");
}

void KafkaOptions::fields(Options& options) {
  options.text(
      "log.kafka.instance", instance,
      "What transactional ids begin with. A process that starts with the name of a running one takes over "
      "from it; on one cluster all have the same name, for under another one everything would be computed "
      "a second time.");
  options.duration("log.kafka.patience", patience, {Duration(1'000), Duration(300'000)},
                   "How long the brokers may be silent before a request fails.");
  options.duration(
      "log.kafka.start_patience", start_patience, {Duration(1'000), Duration(300'000)},
      "How long a start waits for the first answer of the brokers; what is plainly wrong ends it "
      "sooner.");
  options.duration("log.kafka.fetch_wait", fetch_wait, {Duration(1), Duration(5'000)},
                   "How long a broker may wait for records before it answers that there are none.");
  options.bytes(
      "log.kafka.fetch_bytes", fetch_bytes, {int64_t{16} << 10, int64_t{8} << 20},
      "How much a broker sends of one partition at once. Little keeps memory small and the caches of the "
      "processor warm; more is for brokers far away.");
  options.number("log.kafka.replicas", replicas, {-1, 1'000},
                 "Copies of the partitions of topics made here; -1: what the cluster is set to.");
  options.choice(
      "log.kafka.compression", compression,
      std::vector<std::pair<const char*, std::string>>{
          {"none", "none"}, {"gzip", "gzip"}, {"snappy", "snappy"}, {"lz4", "lz4"}, {"zstd", "zstd"}},
      "How records are packed.");
  security.fields(options);
}

}  // namespace tradewind::log
