#pragma once
// TopicAdmin: the topics of a log as somebody sees them who prepares it for the platform: what is there,
// made, changed, grown. It takes nothing over from a platform that runs.
//
// Threads: one. Errors: as Log's; `unsupported` for what only Kafka has.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/open.h"

namespace tradewind::log {

struct FoundTopic {
  TopicSpec spec;
  std::optional<int> min_insync;  // copies that must have what is acknowledged; Kafka's
};

class TopicAdmin {
 public:
  virtual ~TopicAdmin() = default;
  // By name; with those that the log keeps for itself.
  virtual Result<std::vector<FoundTopic>> topics() = 0;
  virtual Result<> create(const TopicSpec& spec) = 0;
  // Cleanup and retention become those of `spec`.
  virtual Result<> alter(const TopicSpec& spec) = 0;
  // Records of a key may lie in another partition from then on.
  virtual Result<> grow(const std::string& topic, int32_t partitions) = 0;
  // invalid, too: the topic has fewer copies.
  virtual Result<> set_min_insync(const std::string& topic, int min_insync) = 0;
  // More copies than these a topic cannot have.
  virtual int brokers() const = 0;
};

// The topics that a log on Kafka keeps for itself, as it makes them.
std::vector<TopicSpec> own_kafka_topics();

// The log outlives it.
std::unique_ptr<TopicAdmin> topic_admin_of(WatchedLog& log);
// invalid, unavailable: as open_kafka().
Result<std::unique_ptr<TopicAdmin>> open_kafka_topics(const KafkaOptions& options);

}  // namespace tradewind::log
