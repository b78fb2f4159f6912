#pragma once
// HealthReport: what /v1/health told, for people and for programs.
//
// Pure functions of one or two looks at the platform; the second tells who catches up.

#include <optional>
#include <string>

#include "base/json.h"

namespace tradewind::cli {

struct HealthLooks {
  std::string url;
  Json first;
  std::optional<Json> second;  // a while later
};

// Whether some query is behind by a second or more, so that a second look is worth it.
bool somebody_is_behind(const Json& health);
// Aligned columns; `colours`: with the sequences of a terminal.
std::string health_report(const HealthLooks& looks, bool colours);
// The last look, each query with its "trend".
Json health_json(const HealthLooks& looks);

}  // namespace tradewind::cli
