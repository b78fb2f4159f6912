#pragma once
// TopicSpec: what a topic is declared with. Kafka's words and defaults.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tradewind::log {

enum class Cleanup { remove, compact, compact_and_remove };  // Kafka's delete, compact, compact,delete

struct TopicSpec {
  std::string name;
  int32_t partitions = 1;
  int16_t replicas = 1;
  Cleanup cleanup = Cleanup::remove;
  Duration retention = Duration(7LL * 24 * 3600 * 1000);  // negative: for ever
  int64_t retention_bytes = -1;                           // per partition; negative: no bound
  std::optional<Duration> tombstone_retention = {};       // of a compacted one; nothing: the log's

  bool operator==(const TopicSpec&) const = default;
};

// Kafka's names for what may be set after a topic was made: cleanup.policy, retention.ms, retention.bytes,
// delete.retention.ms; their values as text, as in Kafka's tools. delete.retention.ms stands only where it is
// set.
std::vector<std::pair<std::string, std::string>> config_of(const TopicSpec& spec);
// invalid: no such name, or the value is none of it, with what would be.
Result<> set_config(TopicSpec& spec, const std::string& name, const std::string& value);
// As Kafka writes it: "compact,delete".
const char* name_of(Cleanup cleanup);

// Kafka's rule: 1 to 249 of [A-Za-z0-9._-], not "." or "..".
Result<> check_topic_name(const std::string& name);

}  // namespace tradewind::log
