#include "apps/shop/topics.h"

#include <map>

#include "schema/refusal.h"
#include "shop_schemas.h"  // made from schemas/*.avsc by the build

namespace tradewind::shop {

const std::vector<ShopTopic>& shop_topics() {
  static const std::vector<ShopTopic> topics = {{"customer-events", "visitor_id", false, int64_t{128} << 20},
                                                {"orders", "customer_id", false, int64_t{32} << 20},
                                                {"inventory", "product_id", false, int64_t{16} << 20},
                                                {"user-profiles", "customer_id", true, -1}};
  return topics;
}

std::vector<log::TopicSpec> topic_specs(Keeping keeping) {
  std::vector<log::TopicSpec> specs;
  for (const ShopTopic& topic : shop_topics()) {
    specs.push_back({.name = topic.name,
                     .partitions = kShopPartitions,
                     .cleanup = topic.compacted ? log::Cleanup::compact : log::Cleanup::remove,
                     .retention = Duration(-1),
                     .retention_bytes = keeping == Keeping::demo ? topic.demo_bytes : -1});
  }
  return specs;
}

std::string subject_of(const ShopTopic& topic) {
  return std::string(topic.name) + "-value";
}

const char* schema_text(const std::string& name) {
  static const std::map<std::string, const char*> texts = {{"customer-events", kCustomerEventsSchema},
                                                           {"orders", kOrdersSchema},
                                                           {"inventory", kInventorySchema},
                                                           {"user-profiles", kUserProfilesSchema},
                                                           {"simulated-truth", kSimulatedTruthSchema}};
  const auto found = texts.find(name);
  return found == texts.end() ? nullptr : found->second;
}

Result<> declare_shop(log::Log& log, schema::Registry& registry, Keeping keeping) {
  for (const log::TopicSpec& spec : topic_specs(keeping)) {
    if (!log.topic(spec.name).ok()) TRY(log.create_topic(spec));
  }
  for (const ShopTopic& topic : shop_topics()) {
    const std::string subject = subject_of(topic);
    const auto latest = registry.latest(subject);
    if (latest.ok()) continue;
    if (latest.error().code != Code::not_found) return latest.error();
    const auto level = registry.set_compatibility(subject, schema::Compatibility::full_transitive);
    // Somebody deleted the subject and made the registry read-only: that is to be respected, not mended.
    if (!level.ok() && level.error().number == schema::kNotPermitted) continue;
    TRY(level);
    TRY(registry.register_schema(subject, schema::SchemaKind::avro, schema_text(topic.name)));
  }
  return {};
}

}  // namespace tradewind::shop
