#pragma once
// What brokers are asked to do with topics and their settings: one request, one answer, each.
//
// Threads: plain functions. Errors: invalid with the right to grant, not_found, conflict, unavailable.

#include <map>
#include <string>
#include <vector>

#include "log/kafka/client.h"

namespace tradewind::log::kafka {

struct NewTopic {
  std::string name;
  int32_t partitions = 1;
  int copies = -1;  // -1: what the cluster is set to
  std::map<std::string, std::string> settings = {};
  bool only_ask = false;  // whether it could be made
};
// Well, too, when a topic of that name is there.
Result<> create_topic(Client& client, const NewTopic& topic);
Result<> delete_topic(Client& client, const std::string& name);
Result<> grow_topic(Client& client, const std::string& name, int32_t partitions);

struct TopicSettings {
  std::string topic;
  int code = 0;  // librdkafka's, why they cannot be read; 0: they were
  std::map<std::string, std::string> all = {};
  std::map<std::string, std::string> own = {};  // of them, those set for this topic alone
};
Result<std::vector<TopicSettings>> settings_of_topics(Client& client, const std::vector<std::string>& topics);
// The same for one. invalid, not_found: it cannot be read.
Result<TopicSettings> settings_of_topic(Client& client, const std::string& topic);
// All that was set for this topic alone is replaced; `doing` is for the error.
Result<> alter_settings(Client& client, const std::string& topic,
                        const std::map<std::string, std::string>& settings, const std::string& doing);

}  // namespace tradewind::log::kafka
