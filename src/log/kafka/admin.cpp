#include "log/kafka/admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "log/kafka/request.h"
#include "log/kafka/topic_requests.h"

namespace tradewind::log::kafka {
Result<> KafkaAdmin::alter_topic(const TopicSpec& spec) {
  const TopicSpec known = TRY(catalog_->topic(spec.name));
  if (known.partitions != spec.partitions || known.replicas != spec.replicas) {
    return Error{Code::conflict, "topic " + spec.name + " has " + std::to_string(known.partitions) +
                                     " partitions in " + std::to_string(known.replicas) +
                                     " copies, which stay"};
  }
  std::map<std::string, std::string> settings = TRY(settings_of_topic(catalog_->client(), spec.name)).own;
  for (const auto& [name, value] : settings_of(spec)) settings[name] = value;
  TRY(alter_settings(catalog_->client(), spec.name, settings,
                     "the settings of " + spec.name + " cannot be changed"));
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
