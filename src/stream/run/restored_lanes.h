#pragma once
// RestoredLanes: what the state topic says of lanes, as it is restored.
//
// Threads: plain values.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "log/record.h"

namespace tradewind::stream {

// What one partition of the state topic says of a lane: workers that were more or fewer then may have
// grouped their queries differently.
struct LaneKey {
  std::string topic;
  int32_t id = 0;
  int32_t state_partition = 0;
  auto operator<=>(const LaneKey&) const = default;
};
struct RestoredLane {
  std::vector<std::string> members;
  std::map<int32_t, log::Offset> next;
};
using RestoredLanes = std::map<LaneKey, RestoredLane>;

}  // namespace tradewind::stream
