#pragma once
// TopicSpec: what a topic is declared with. Kafka's words and defaults.

#include <cstdint>
#include <map>
#include <string>

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

  bool operator==(const TopicSpec&) const = default;
};

// Kafka's rule: 1 to 249 of [A-Za-z0-9._-], not "." or "..".
Result<> check_topic_name(const std::string& name);

}  // namespace tradewind::log
