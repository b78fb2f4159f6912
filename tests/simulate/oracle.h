#pragma once
// Random plans, and what they must give: plain folds over the rows of the input topic, one row after the
// other, with none of the platform's operators, stores or batches.

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "log/log.h"
#include "stream/topology.h"

namespace tradewind::simulate {

struct InputRow {
  std::string key;
  std::string group;
  int64_t number = 0;
  int64_t money = 0;  // four decimals
  int64_t time_ms = 0;
  bool null_group = false;
  bool null_number = false;
};

// The row as the input topic holds it, and back.
std::string to_json(const InputRow& row);

struct PlanChoice {
  bool two_keys = false;
  bool windowed = false;
  int64_t window_ms = 0;
  int64_t grace_ms = 0;
  int64_t least_number = INT64_MIN;  // rows below are filtered out
  int64_t least_count = 0;           // groups with fewer rows are not shown (HAVING)
};

PlanChoice random_plan(Random& random);
stream::Topology topology_of(const PlanChoice& choice, int32_t partitions);

// Result rows by key text ("group" or "group|key", then "@start" if windowed): the columns' texts.
using Table = std::map<std::string, std::vector<std::string>>;

struct Expected {
  Table rows;
  int64_t late = 0;
};

// Folds what durably lies in the topic.
Expected fold(log::Log& log, const PlanChoice& choice, int32_t partitions);

inline constexpr const char* kInput = "in";
inline constexpr const char* kOutput = "out";
inline constexpr const char* kQuery = "Q";

}  // namespace tradewind::simulate
