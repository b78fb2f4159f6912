// What SET may name: ksqlDB's names, as its clients send them, and our own.
#include <algorithm>

#include "engine/engine.h"

namespace tradewind::engine {

const std::vector<KnownProperty>& known_properties() {
  static const std::vector<KnownProperty> kKnown = {
      {"auto.offset.reset", "latest", true},
      {"ksql.query.pull.table.scan.enabled", "true", true},
      {"ksql.streams.auto.offset.reset", "latest", true},
      {"ksql.streams.processing.guarantee", "exactly_once_v2", false},
      {"processing.guarantee", "exactly_once_v2", false},
      {"ksql.service.id", "tradewind", false},
      {"ksql.persistence.default.format.key", "KAFKA", false},
      {"ksql.persistence.wrap.single.values", "true", false},
      {"ksql.fail.on.deserialization.error", "false", false},
      {"tradewind.pull.wait.ms", "5000", true},
      {"tradewind.command.wait.ms", "5000", true},
  };
  return kKnown;
}

bool is_property(const std::string& name) {
  const auto& known = known_properties();
  return std::any_of(known.begin(), known.end(), [&](const KnownProperty& p) { return name == p.name; }) ||
         name.starts_with("ksql.streams.");
}

}  // namespace tradewind::engine
