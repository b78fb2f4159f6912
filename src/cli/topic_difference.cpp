#include "cli/topic_difference.h"

#include <algorithm>

namespace tradewind::cli {
namespace {

using Change = Difference::Change;
using log::Cleanup;

constexpr const char* kPartitions = "partitions";
constexpr const char* kReplicas = "replicas";
constexpr const char* kMinInsync = "min.insync.replicas";
constexpr const char* kCleanup = "cleanup.policy";
constexpr const char* kRetention = "retention.ms";
constexpr const char* kRetentionBytes = "retention.bytes";

// Negative: without end.
bool keeps_less(int64_t declared, int64_t there) {
  return declared >= 0 && (there < 0 || declared < there);
}

Difference partitions(int32_t there, const DeclaredTopic& declared) {
  Difference found{kPartitions, std::to_string(there), std::to_string(declared.spec.partitions)};
  if (declared.internal) {
    found.remark = "what lies in it belongs to its partitions; begin with another, empty log";
  } else if (there > declared.spec.partitions) {
    found.remark = "partitions do not become fewer; it works with more, too";
  } else {
    found.change = Change::grow;
    found.remark =
        "records of a key lie in another partition from then on, so that their order and joins by "
        "it do not reach back before; asked for by --add-partitions";
  }
  return found;
}

Difference kept(const char* setting, int64_t there, int64_t declared) {
  Difference found{setting, std::to_string(there), std::to_string(declared), Change::alter, ""};
  if (!keeps_less(declared, there)) return found;
  found.change = Change::never;
  found.remark = "records would go; tradewind topics alter does it";
  return found;
}

Difference min_insync(const log::FoundTopic& there, int wanted) {
  Difference found{kMinInsync, std::to_string(*there.min_insync), std::to_string(wanted), Change::insync, ""};
  if (wanted <= there.spec.replicas) return found;
  found.change = Change::never;
  found.remark = "there are fewer copies: nothing could be written any more";
  return found;
}

Difference cleanup(Cleanup there, Cleanup declared) {
  Difference found{kCleanup, name_of(there), name_of(declared), Change::alter, ""};
  if (declared == Cleanup::remove || there == Cleanup::compact_and_remove) return found;
  found.change = Change::never;
  found.remark = "older records of a key would go; tradewind topics alter does it";
  return found;
}

}  // namespace

std::vector<Difference> differences(const log::FoundTopic& there, const DeclaredTopic& declared,
                                    const Copies& copies) {
  std::vector<Difference> found;
  const log::TopicSpec& is = there.spec;
  const log::TopicSpec& wanted = declared.spec;
  if (is.partitions != wanted.partitions) found.push_back(partitions(is.partitions, declared));
  if (copies.replicas > 0 && is.replicas != copies.replicas)
    found.push_back({kReplicas, std::to_string(is.replicas), std::to_string(copies.replicas), Change::never,
                     "copies are moved by Kafka's own tools"});
  if (copies.min_insync > 0 && there.min_insync && *there.min_insync != copies.min_insync)
    found.push_back(min_insync(there, copies.min_insync));
  if (is.cleanup != wanted.cleanup) found.push_back(cleanup(is.cleanup, wanted.cleanup));
  if (wanted.cleanup == Cleanup::compact) return found;  // what it keeps no age bounds
  const auto end = [](int64_t value) { return std::max<int64_t>(value, -1); };
  const int64_t is_ms = end(is.retention.count());
  const int64_t wanted_ms = end(wanted.retention.count());
  if (is_ms != wanted_ms) found.push_back(kept(kRetention, is_ms, wanted_ms));
  if (end(is.retention_bytes) != end(wanted.retention_bytes))
    found.push_back(kept(kRetentionBytes, end(is.retention_bytes), end(wanted.retention_bytes)));
  return found;
}

log::TopicSpec altered(const log::TopicSpec& there, const DeclaredTopic& declared,
                       const std::vector<Difference>& differences) {
  log::TopicSpec spec = there;
  for (const Difference& difference : differences) {
    if (difference.change != Change::alter) continue;
    if (difference.setting == kCleanup) spec.cleanup = declared.spec.cleanup;
    if (difference.setting == kRetention) spec.retention = declared.spec.retention;
    if (difference.setting == kRetentionBytes) spec.retention_bytes = declared.spec.retention_bytes;
  }
  return spec;
}

}  // namespace tradewind::cli
