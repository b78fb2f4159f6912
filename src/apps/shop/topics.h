#pragma once
// The shop's topics: which there are, their keys, and the schemas that are registered for them at a start.

#include <string>
#include <vector>

#include "base/result.h"
#include "log/log.h"
#include "schema/registry.h"

namespace tradewind::shop {

struct ShopTopic {
  const char* name;
  const char* key_field;
  bool compacted;
  int64_t demo_bytes;  // of a partition, where the demo's are bounded
};

// How much of the shop's events topics that are made keep: all; or so much that a demo can run for months in
// about a gigabyte.
enum class Keeping { all, demo };

inline constexpr int32_t kShopPartitions = 4;

const std::vector<ShopTopic>& shop_topics();
// The same as they are created.
std::vector<log::TopicSpec> topic_specs(Keeping keeping);
std::string subject_of(const ShopTopic& topic);
// Creates what is missing and registers the shipped schemas, FULL_TRANSITIVE.
Result<> declare_shop(log::Log& log, schema::Registry& registry, Keeping keeping = Keeping::all);
// The text of schemas/<name>.avsc, which is built into the program.
const char* schema_text(const std::string& name);

}  // namespace tradewind::shop
