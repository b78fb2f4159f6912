#include "log/topic_admin.h"

#include <algorithm>
#include <cstdlib>

#include "log/kafka/admin.h"
#include "log/kafka/catalog.h"
#include "log/kafka/tokens.h"
#include "log/kafka/topic_requests.h"

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
    return grow_topic(catalog_->client(), topic, partitions);
  }

  // The only way of this client's changes all settings of a topic together, so they are said again.
  Result<> set_min_insync(const std::string& topic, int min_insync) override {
    const TopicSpec spec = TRY(catalog_->topic(topic));
    const std::string doing = std::string(kMinInsync) + " of " + topic + " cannot be changed";
    if (min_insync > spec.replicas) {
      return Error{Code::invalid, doing + ": with " + copies(spec.replicas) + " " +
                                      std::to_string(min_insync) +
                                      " would let nothing be written; add copies, or ask for fewer"};
    }
    std::map<std::string, std::string> settings = TRY(settings_of_topic(catalog_->client(), topic)).own;
    settings[kMinInsync] = std::to_string(min_insync);
    return alter_settings(catalog_->client(), topic, settings, doing);
  }

  int brokers() const override { return catalog_->brokers(); }

 private:
  // How many copies must have what is acknowledged.
  Result<> describe(std::span<FoundTopic> topics) {
    std::vector<std::string> names;
    for (const FoundTopic& topic : topics) names.push_back(topic.spec.name);
    for (const TopicSettings& one : TRY(settings_of_topics(catalog_->client(), names))) {
      const auto least = one.all.find(kMinInsync);
      const auto topic =
          std::ranges::find_if(topics, [&](const FoundTopic& known) { return known.spec.name == one.topic; });
      if (least != one.all.end() && topic != topics.end())
        topic->min_insync = std::atoi(least->second.c_str());
    }
    return {};
  }

  static std::string copies(int count) { return std::to_string(count) + (count == 1 ? " copy" : " copies"); }

  const std::shared_ptr<Marks> marks_;
  const std::shared_ptr<Catalog> catalog_;
  KafkaAdmin admin_;
};

}  // namespace
}  // namespace kafka

std::vector<TopicSpec> own_kafka_topics() {
  return {kafka::producers_topic()};
}

Result<std::unique_ptr<TopicAdmin>> open_kafka_topics(const KafkaOptions& given) {
  const KafkaOptions options = TRY(kafka::ready_options(given));
  auto marks = std::make_shared<kafka::Marks>(options.clock->now());
  auto catalog = TRY(kafka::Catalog::open(options, marks));
  return std::unique_ptr<TopicAdmin>(std::make_unique<kafka::KafkaTopics>(marks, std::move(catalog)));
}

}  // namespace tradewind::log
