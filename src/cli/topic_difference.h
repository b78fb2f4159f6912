#pragma once
// What a topic that is there has otherwise than it is declared, and what of that may be changed: nothing that
// would take records away.
//
// Pure functions.

#include <string>
#include <vector>

#include "cli/declared.h"
#include "log/topic_admin.h"

namespace tradewind::cli {

struct Difference {
  std::string setting;  // Kafka's name: "retention.ms"
  std::string from;
  std::string to;
  enum class Change { alter, grow, insync, never } change = Change::never;
  std::string remark;  // why it is never done, or what doing it means
};

struct Copies {
  int replicas = -1;    // of each partition; -1: the cluster's choice
  int min_insync = -1;  // of them that must have what is acknowledged; -1: the cluster's choice
};

std::vector<Difference> differences(const log::FoundTopic& there, const DeclaredTopic& declared,
                                    const Copies& copies);
// The topic with the differences that Change::alter names taken over.
log::TopicSpec altered(const log::TopicSpec& there, const DeclaredTopic& declared,
                       const std::vector<Difference>& differences);

}  // namespace tradewind::cli
