#include "log/kafka/topic_requests.h"

#include <librdkafka/rdkafka.h>

#include "log/kafka/request.h"

namespace tradewind::log::kafka {
namespace {

// Of a request about one topic.
Result<> the_one_result(Client& client, const rd_kafka_topic_result_t** results, size_t count,
                        const std::string& doing, const Right& right) {
  const auto code = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const char* told = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : nullptr;
  const bool denied = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
  return client.error(code, told == nullptr || denied ? doing : doing + " (" + told + ")", &right);
}

Error settings_unread(Client& client, const std::string& topic, int code) {
  const Right right{"DescribeConfigs", "topic", topic};
  return client.error(code, "the settings of " + topic + " cannot be read", &right);
}

TopicSettings taken(const rd_kafka_ConfigResource_t* resource) {
  TopicSettings one{.topic = rd_kafka_ConfigResource_name(resource),
                    .code = rd_kafka_ConfigResource_error(resource)};
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value == nullptr) continue;
    const char* name = rd_kafka_ConfigEntry_name(entries[i]);
    one.all[name] = value;
    if (rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
      one.own[name] = value;
  }
  return one;
}

}  // namespace

Result<> create_topic(Client& client, const NewTopic& topic) {
  char why[256] = "";
  rd_kafka_NewTopic_t* wanted =
      rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, topic.copies, why, sizeof why);
  if (wanted == nullptr) return Error{Code::invalid, "topic " + topic.name + ": " + why};
  for (const auto& [name, value] : topic.settings)
    rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str());
  const std::string doing = "topic " + topic.name + " cannot be created";
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, doing,
                   [&](rd_kafka_AdminOptions_t* how, rd_kafka_queue_t* queue) {
                     if (topic.only_ask) rd_kafka_AdminOptions_set_validate_only(how, 1, why, sizeof why);
                     rd_kafka_CreateTopics(client.handle(), &wanted, 1, how, queue);
                   });
  rd_kafka_NewTopic_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.get()), &count);
  auto done = the_one_result(client, results, count, doing, {"Create", "topic", topic.name});
  if (!done.ok() && done.error().code == Code::conflict) return {};
  return done;
}

Result<> delete_topic(Client& client, const std::string& name) {
  rd_kafka_DeleteTopic_t* wanted = rd_kafka_DeleteTopic_new(name.c_str());
  const std::string doing = "topic " + name + " cannot be deleted";
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, doing,
                   [&](rd_kafka_AdminOptions_t* how, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteTopics(client.handle(), &wanted, 1, how, queue);
                   });
  rd_kafka_DeleteTopic_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(answer.get()), &count);
  return the_one_result(client, results, count, doing, {"Delete", "topic", name});
}

Result<> grow_topic(Client& client, const std::string& name, int32_t partitions) {
  char why[256] = "";
  rd_kafka_NewPartitions_t* wanted =
      rd_kafka_NewPartitions_new(name.c_str(), static_cast<size_t>(partitions), why, sizeof why);
  const std::string doing = "topic " + name + " cannot get " + std::to_string(partitions) + " partitions";
  if (wanted == nullptr) return Error{Code::invalid, doing + ": " + why};
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, doing,
                   [&](rd_kafka_AdminOptions_t* how, rd_kafka_queue_t* queue) {
                     rd_kafka_CreatePartitions(client.handle(), &wanted, 1, how, queue);
                   });
  rd_kafka_NewPartitions_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(answer.get()), &count);
  return the_one_result(client, results, count, doing, {"Alter", "topic", name});
}

Result<std::vector<TopicSettings>> settings_of_topics(Client& client,
                                                      const std::vector<std::string>& topics) {
  std::vector<TopicSettings> found;
  if (topics.empty()) return found;
  std::vector<rd_kafka_ConfigResource_t*> wanted;
  for (const std::string& topic : topics)
    wanted.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "the settings of topics cannot be read",
                   [&](rd_kafka_AdminOptions_t* how, rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConfigs(client.handle(), wanted.data(), wanted.size(), how, queue);
                   });
  rd_kafka_ConfigResource_destroy_array(wanted.data(), wanted.size());
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
  for (size_t i = 0; i < count; ++i) found.push_back(taken(resources[i]));
  return found;
}

Result<TopicSettings> settings_of_topic(Client& client, const std::string& topic) {
  std::vector<TopicSettings> found = TRY(settings_of_topics(client, {topic}));
  if (found.size() != 1) return settings_unread(client, topic, RD_KAFKA_RESP_ERR__FAIL);
  if (found[0].code != 0) return settings_unread(client, topic, found[0].code);
  return std::move(found[0]);
}

Result<> alter_settings(Client& client, const std::string& topic,
                        const std::map<std::string, std::string>& settings, const std::string& doing) {
  rd_kafka_ConfigResource_t* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  for (const auto& [name, value] : settings)
    rd_kafka_ConfigResource_set_config(wanted, name.c_str(), value.c_str());
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, doing,
                   [&](rd_kafka_AdminOptions_t* how, rd_kafka_queue_t* queue) {
                     rd_kafka_AlterConfigs(client.handle(), &wanted, 1, how, queue);
                   });
  rd_kafka_ConfigResource_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(answer.get()), &count);
  const auto code = count == 1 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR__FAIL;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const Right right{"AlterConfigs", "topic", topic};
  return client.error(code, doing, &right);
}

}  // namespace tradewind::log::kafka
