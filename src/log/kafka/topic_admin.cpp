#include "log/topic_admin.h"

#include <librdkafka/rdkafka.h>

#include "log/kafka/admin.h"
#include "log/kafka/catalog.h"
#include "log/kafka/request.h"
#include "log/kafka/tokens.h"

namespace tradewind::log {
namespace kafka {
namespace {

constexpr const char* kMinInsync = "min.insync.replicas";
constexpr size_t kMostAtOnce = 200;

class KafkaTopics final : public TopicAdmin {
 public:
  KafkaTopics(std::shared_ptr<Marks> marks, std::shared_ptr<Catalog> catalog)
      : marks_(std::move(marks)), catalog_(std::move(catalog)), admin_(catalog_) {}

  Result<std::vector<FoundTopic>> topics() override {
    std::vector<FoundTopic> found;
    for (TopicSpec& spec : TRY(catalog_->topics())) found.push_back({.spec = std::move(spec)});
    for (size_t from = 0; from < found.size(); from += kMostAtOnce)
      TRY(describe(std::span(found).subspan(from, std::min(kMostAtOnce, found.size() - from))));
    return found;
  }

  Result<> create(const TopicSpec& spec) override { return catalog_->create(spec); }
  Result<> alter(const TopicSpec& spec) override { return admin_.alter_topic(spec); }

  Result<> grow(const std::string& topic, int32_t partitions) override {
    char why[256];
    rd_kafka_NewPartitions_t* more =
        rd_kafka_NewPartitions_new(topic.c_str(), static_cast<size_t>(partitions), why, sizeof why);
    const std::string doing = "topic " + topic + " cannot get " + std::to_string(partitions) + " partitions";
    if (more == nullptr) return Error{Code::invalid, doing + ": " + why};
    Client& client = catalog_->client();
    auto asked = ask(client, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, doing,
                     [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                       rd_kafka_CreatePartitions(client.handle(), &more, 1, options, queue);
                     });
    rd_kafka_NewPartitions_destroy(more);
    const Answer answer = TRY(std::move(asked));
    size_t count = 0;
    const rd_kafka_topic_result_t** results =
        rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(answer.get()), &count);
    const auto code = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    const char* told = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : nullptr;
    return client.error(code, told == nullptr ? doing : doing + " (" + told + ")");
  }

  // The only way of this client's changes all settings of a topic together, so they are said again.
  Result<> set_min_insync(const std::string& topic, int min_insync) override {
    const TopicSpec spec = TRY(catalog_->topic(topic));
    std::map<std::string, std::string> settings = settings_of(spec);
    settings[kMinInsync] = std::to_string(min_insync);
    rd_kafka_ConfigResource_t* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
    for (const auto& [name, value] : settings)
      rd_kafka_ConfigResource_set_config(wanted, name.c_str(), value.c_str());
    Client& client = catalog_->client();
    const std::string doing = std::string(kMinInsync) + " of " + topic + " cannot be changed";
    auto asked = ask(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, doing,
                     [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                       rd_kafka_AlterConfigs(client.handle(), &wanted, 1, options, queue);
                     });
    rd_kafka_ConfigResource_destroy(wanted);
    const Answer answer = TRY(std::move(asked));
    size_t count = 0;
    const rd_kafka_ConfigResource_t** resources =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(answer.get()), &count);
    for (size_t i = 0; i < count; ++i) {
      const auto code = rd_kafka_ConfigResource_error(resources[i]);
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client.error(code, doing);
    }
    return {};
  }

 private:
  // How many copies must have what is acknowledged.
  Result<> describe(std::span<FoundTopic> topics) {
    std::vector<rd_kafka_ConfigResource_t*> wanted;
    for (const FoundTopic& topic : topics)
      wanted.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.spec.name.c_str()));
    Client& client = catalog_->client();
    auto asked =
        ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "the settings of topics cannot be read",
            [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
              rd_kafka_DescribeConfigs(client.handle(), wanted.data(), wanted.size(), options, queue);
            });
    rd_kafka_ConfigResource_destroy_array(wanted.data(), wanted.size());
    const Answer answer = TRY(std::move(asked));
    size_t count = 0;
    const rd_kafka_ConfigResource_t** resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
    std::map<std::string, int> known;
    for (size_t i = 0; i < count; ++i) {
      size_t entries = 0;
      const rd_kafka_ConfigEntry_t** settings = rd_kafka_ConfigResource_configs(resources[i], &entries);
      for (size_t e = 0; e < entries; ++e) {
        const char* text = rd_kafka_ConfigEntry_value(settings[e]);
        if (text != nullptr && std::string_view(rd_kafka_ConfigEntry_name(settings[e])) == kMinInsync)
          known[rd_kafka_ConfigResource_name(resources[i])] = std::atoi(text);
      }
    }
    for (FoundTopic& topic : topics) {
      if (const auto at = known.find(topic.spec.name); at != known.end()) topic.min_insync = at->second;
    }
    return {};
  }

  const std::shared_ptr<Marks> marks_;
  const std::shared_ptr<Catalog> catalog_;
  KafkaAdmin admin_;
};

}  // namespace
}  // namespace kafka

Result<std::unique_ptr<TopicAdmin>> open_kafka_topics(const KafkaOptions& given) {
  const KafkaOptions options = TRY(kafka::ready_options(given));
  auto marks = std::make_shared<kafka::Marks>(options.clock->now());
  auto catalog = TRY(kafka::Catalog::open(options, marks));
  return std::unique_ptr<TopicAdmin>(std::make_unique<kafka::KafkaTopics>(marks, std::move(catalog)));
}

}  // namespace tradewind::log
