#pragma once
// The five queries of the comparison workload as topologies, their recount from the events themselves, and
// the comparison of both.

#include <array>
#include <map>
#include <string>
#include <vector>

#include "log/log.h"
#include "schema/registry.h"
#include "stream/topology.h"
#include "workload.h"

namespace tradewind::bench {

constexpr int32_t kPartitions = 16;

// Q1 to Qn. REQUIRES 1 <= n <= 5.
Result<std::vector<stream::Topology>> flow_queries(int count);
const char* result_topic(int query);

// What a result row holds: count and sum (unscaled), as far as the query has them.
struct Figures {
  int64_t count = 0;
  Int128 sum = 0;
  bool operator==(const Figures&) const = default;
};
// By group key and window start.
using Results = std::map<std::pair<std::string, int64_t>, Figures>;

// Folds events the plain way.
class Recount {
 public:
  void add(const Event& event);
  const Results& results(int query) const { return results_[static_cast<size_t>(query - 1)]; }

 private:
  std::array<Results, 5> results_;
};

// The last value of each key of a result topic.
Result<Results> read_results(log::Log& log, schema::Registry& registry, const stream::Topology& topology);

}  // namespace tradewind::bench
