#pragma once
// The comparison workload in topics of Kafka, what its five queries must come to, and what a reader of their
// result topics has found so far.
//
// Threads: one each. Errors: unavailable; conflict, with the remedy.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kafka_client.h"
#include "log/open.h"
#include "workload.h"

namespace tradewind::bench {

inline constexpr int32_t kPartitions = 16;
inline constexpr const char* kViewsTopic = "bench.page_views";
inline constexpr const char* kOrdersTopic = "bench.orders";
inline constexpr const char* kLiveViewsTopic = "bench.live.page_views";
inline constexpr const char* kLiveOrdersTopic = "bench.live.orders";

struct WorkloadSpec {
  int64_t events = 0;
  uint64_t seed = 1;
};

// The rows of one query: for each group and window a count and a sum, unscaled. What has none has nought.
class Rows {
 public:
  // The names of groups are `prefix` and a number of `digits`, or, where there is no prefix, event types.
  struct Shape {
    int query = 0;
    std::string prefix;
    uint32_t groups = 0;
    int64_t window_ms = 0;
    bool has_count = true;
    bool has_sum = false;
  };
  explicit Rows(const Shape& shape);

  void add(uint32_t group, int64_t time_ms, int64_t count, int64_t sum);
  // A row as a result topic tells it; the one before of that group and window is forgotten. False: there can
  // be no such row.
  bool put(BytesView key, BytesView value, bool nullable);
  // What all counts (where there are none, all sums) come to.
  int64_t total() const { return total_; }
  int64_t rows() const { return rows_; }
  // "" when they are equal; else the first row that differs and how many do.
  std::string difference(const Rows& wanted) const;
  const Shape& shape() const { return shape_; }

 private:
  struct Row {
    int64_t count = 0;
    int64_t sum = 0;
    bool operator==(const Row&) const = default;
  };
  std::string name(size_t index) const;

  const Shape shape_;
  size_t windows_;
  std::vector<Row> all_;  // window by window
  int64_t total_ = 0;
  int64_t rows_ = 0;
};

using QueryRows = std::array<Rows, 5>;  // Q1 to Q5
QueryRows no_rows();

// Folds the events of a workload the plain way.
QueryRows recounted(const WorkloadSpec& spec);

struct SchemaIds {
  int32_t views = 0;
  int32_t orders = 0;
  std::array<int32_t, 5> results{};  // of what another program than Tradewind writes
};
void set_schema_id(Bytes& value, int32_t id);

// Registers the schemas and writes the events into their topics, unless they lie there as they were written
// before. conflict: the cluster is a platform's.
Result<SchemaIds> prepare_workload(const std::string& servers, const WorkloadSpec& spec);
// The schemas alone, for events that are written later.
Result<SchemaIds> prepare_schemas(const std::string& servers);
// Deletes what earlier runs left, but for the workload, and makes empty result topics of a side; with `live`,
// empty topics for events that are written while the queries run.
Result<> prepare_run(const std::string& servers, const std::string& side, bool live);
std::string result_topic(const std::string& side, int query);

// Opens the log with an instance name of its own, so that it takes over from nobody.
Result<std::unique_ptr<log::WatchedLog>> open_bench_log(const std::string& servers);

}  // namespace tradewind::bench
