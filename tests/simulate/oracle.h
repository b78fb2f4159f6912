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
  std::vector<int64_t> list;
};

// The row as the input topic holds it, and back.
std::string to_json(const InputRow& row);

struct PlanChoice {
  std::string query;
  std::string output;  // its topic
  bool two_keys = false;
  bool one_worker = false;
  bool windowed = false;
  bool explodes = false;  // the list's elements are the numbers
  bool session = false;   // with a gap of window_ms
  int64_t window_ms = 0;
  int64_t advance_ms = 0;  // less than the window: hopping
  int64_t grace_ms = 0;
  bool final = false;  // a window's row comes once, when it has closed
  // Windows are kept no longer than rows may come: the state forgets them, the topic does not.
  bool forgets() const { return windowed && !session && !final && grace_ms <= 10'000; }
  int64_t least_number = INT64_MIN;  // rows below are filtered out
  int64_t least_count = 0;           // groups with fewer rows are not shown (HAVING)
  std::string over;                  // the query whose table is grouped again; empty: the input
};

// Some queries on the input and, where a table lends itself to it, one on that table.
std::vector<PlanChoice> random_plans(Random& random);
stream::Topology topology_of(const PlanChoice& choice, int32_t partitions);
size_t value_columns(const PlanChoice& choice);

// Result rows by key text ("group" or "group|key", then "@start" if windowed, "@start~end" for sessions): the
// columns' texts.
using Table = std::map<std::string, std::vector<std::string>>;

struct Expected {
  Table rows;   // of the state
  Table given;  // of the topic
  int64_t late = 0;
};

// Folds what durably lies in the topic, into the result of a query on the input.
Expected fold(log::Log& log, const PlanChoice& choice, int32_t partitions);
// Folds a table that fold() gave, as a query over it groups it.
Table fold_again(const Table& rows);

inline constexpr const char* kInput = "in";

}  // namespace tradewind::simulate
