#pragma once
// Checkup: looks at what a log needs before it is used, one finding after the other, each with its remedy.
//
// Changes nothing but where it is said. Threads: one; it may take some seconds a finding.

#include <functional>
#include <string>
#include <vector>

#include "log/open.h"

namespace tradewind::log {

enum class Grade {
  well,
  doubtful,  // works, at a price or not everywhere
  wrong,
  untried
};

struct Finding {
  Grade grade = Grade::well;
  std::string check;   // "name localhost"
  std::string found;   // one sentence
  std::string remedy;  // empty: nothing to do, or it stands in what was found
};
using Tell = std::function<void(const Finding&)>;

struct KafkaNeeds {
  std::vector<std::string> topics;
  std::string group;
  bool try_writing = false;  // makes, writes, reads and deletes the topic tw.doctor
};

void examine_kafka(const KafkaOptions& options, const KafkaNeeds& needs, const Tell& tell);
// Also writes a file of some KB into the folder and deletes it.
void examine_embedded(const EmbeddedOptions& options, const Tell& tell);

// The commands that grant a platform with these options what it needs, as kafka-acls.sh takes them and as
// Confluent's takes them.
std::vector<std::string> kafka_acl_commands(const KafkaOptions& options, const KafkaNeeds& needs);
std::vector<std::string> confluent_acl_commands(const KafkaOptions& options, const KafkaNeeds& needs);

}  // namespace tradewind::log
