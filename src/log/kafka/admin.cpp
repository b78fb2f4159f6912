#include "log/kafka/admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "log/kafka/request.h"

namespace tradewind::log::kafka {
namespace {

// What was set for this topic alone: a change replaces all of it, so it is said again.
Result<std::map<std::string, std::string>> own_settings(Client& client, const std::string& topic) {
  rd_kafka_ConfigResource_t* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "the settings of " + topic + " cannot be read",
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConfigs(client.handle(), &wanted, 1, options, queue);
                   });
  rd_kafka_ConfigResource_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
  std::map<std::string, std::string> settings;
  for (size_t i = 0; i < count; ++i) {
    const Right right{"DescribeConfigs", "topic", topic};
    if (const auto code = rd_kafka_ConfigResource_error(resources[i]); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return client.error(code, "the settings of " + topic + " cannot be read", &right);
    size_t entries = 0;
    const rd_kafka_ConfigEntry_t** entry = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (size_t e = 0; e < entries; ++e) {
      const char* text = rd_kafka_ConfigEntry_value(entry[e]);
      const bool own = rd_kafka_ConfigEntry_source(entry[e]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
      if (own && text != nullptr) settings[rd_kafka_ConfigEntry_name(entry[e])] = text;
    }
  }
  return settings;
}

}  // namespace

Result<> KafkaAdmin::alter_topic(const TopicSpec& spec) {
  const TopicSpec known = TRY(catalog_->topic(spec.name));
  if (known.partitions != spec.partitions || known.replicas != spec.replicas) {
    return Error{Code::conflict, "topic " + spec.name + " has " + std::to_string(known.partitions) +
                                     " partitions in " + std::to_string(known.replicas) +
                                     " copies, which stay"};
  }
  Client& client = catalog_->client();
  std::map<std::string, std::string> settings = TRY(own_settings(client, spec.name));
  for (const auto& [name, value] : settings_of(spec)) settings[name] = value;
  rd_kafka_ConfigResource_t* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, spec.name.c_str());
  for (const auto& [name, value] : settings)
    rd_kafka_ConfigResource_set_config(wanted, name.c_str(), value.c_str());
  const std::string doing = "the settings of " + spec.name + " cannot be changed";
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, doing,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_AlterConfigs(client.handle(), &wanted, 1, options, queue);
                   });
  rd_kafka_ConfigResource_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(answer.get()), &count);
  const Right right{"AlterConfigs", "topic", spec.name};
  for (size_t i = 0; i < count; ++i) {
    if (const auto code = rd_kafka_ConfigResource_error(resources[i]); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return client.error(code, doing, &right);
  }
  catalog_->altered(spec);
  return {};
}

Result<int64_t> KafkaAdmin::bytes(const Position& position) {
  TRY(catalog_->check(position));
  return Error{Code::unsupported,
               "how many bytes a partition has only the brokers of Kafka know; ask its tools"};
}

Result<std::vector<std::string>> KafkaAdmin::groups() {
  Client& client = catalog_->client();
  const rd_kafka_group_list* list = nullptr;
  const auto code = rd_kafka_list_groups(client.handle(), nullptr, &list, client.patience_ms());
  if (list == nullptr) return client.error(code, "the groups cannot be listed");
  std::vector<std::string> names;
  for (int i = 0; i < list->group_cnt; ++i) names.emplace_back(list->groups[i].group);
  rd_kafka_group_list_destroy(list);
  std::sort(names.begin(), names.end());
  return names;
}

Result<> KafkaAdmin::set_group_offsets(const std::string& group, const Offsets& offsets) {
  if (offsets.empty()) return Error{Code::invalid, "no place is given for group " + group};
  for (const auto& [position, offset] : offsets) {
    TRY(catalog_->check(position));
    if (offset < 0) return Error{Code::invalid, "there is no offset " + std::to_string(offset)};
  }
  Client& client = catalog_->client();
  const Partitions list = list_of(offsets);
  rd_kafka_AlterConsumerGroupOffsets_t* wanted =
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get());
  const std::string doing = "the places of group " + group + " cannot be set";
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, doing,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_AlterConsumerGroupOffsets(client.handle(), &wanted, 1, options, queue);
                   });
  rd_kafka_AlterConsumerGroupOffsets_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_group_result_t** groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(answer.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[i]))
      return client.error(rd_kafka_error_code(error), doing);
    const rd_kafka_topic_partition_list_t* places = rd_kafka_group_result_partitions(groups[i]);
    for (int p = 0; places != nullptr && p < places->cnt; ++p) {
      if (places->elems[p].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client.error(places->elems[p].err, doing);
    }
  }
  return {};
}

Result<> KafkaAdmin::delete_group(const std::string& group) {
  Client& client = catalog_->client();
  rd_kafka_DeleteGroup_t* wanted = rd_kafka_DeleteGroup_new(group.c_str());
  const std::string doing = "group " + group + " cannot be deleted";
  auto asked = ask(client, RD_KAFKA_ADMIN_OP_DELETEGROUPS, doing,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteGroups(client.handle(), &wanted, 1, options, queue);
                   });
  rd_kafka_DeleteGroup_destroy(wanted);
  const Answer answer = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_group_result_t** groups =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(answer.get()), &count);
  const Right right{"Delete", "group", group};
  for (size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[i]))
      return client.error(rd_kafka_error_code(error), doing, &right);
  }
  return {};
}

}  // namespace tradewind::log::kafka
