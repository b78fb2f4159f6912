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
};

inline constexpr int32_t kShopPartitions = 4;

const std::vector<ShopTopic>& shop_topics();
// Creates what is missing and registers the shipped schemas, FULL_TRANSITIVE.
Result<> declare_shop(log::Log& log, schema::Registry& registry);
// The text of schemas/<name>.avsc, which is built into the program.
const char* schema_text(const std::string& name);

}  // namespace tradewind::shop
