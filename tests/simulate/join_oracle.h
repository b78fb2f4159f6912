#pragma once
// Random joins, and what they must give: each row of one topic beside each row of the other, by brute force,
// with none of the platform's operators, stores or batches.

#include <string>
#include <vector>

#include "base/random.h"
#include "log/log.h"
#include "stream/topology.h"
#include "stream/view.h"

namespace tradewind::simulate {

inline constexpr const char* kLeft = "left";
inline constexpr const char* kRight = "right";
// So far at most a row's time lies behind the greatest one before it.
inline constexpr int64_t kDisorderMs = 20'000;

struct JoinChoice {
  std::string query;
  std::string output;  // its topic
  stream::JoinStep::Kind kind = stream::JoinStep::Kind::inner;
  stream::JoinStep::Form form = stream::JoinStep::Form::tables;
  int64_t before_ms = 0;
  int64_t after_ms = 0;
  int64_t grace_ms = 0;  // less than kDisorderMs: rows can be late
  bool grouped = false;  // the rows of tables are counted by a column of the right side
};

std::vector<JoinChoice> random_joins(Random& random);
stream::Topology topology_of(const JoinChoice& choice, int32_t partitions);

// A record of either topic, in the partition of its key.
struct JoinRecord {
  std::string key;
  std::string value;
  bool tombstone = false;
  int64_t time_ms = 0;
  int32_t partition = 0;
};
class JoinInput {
 public:
  std::vector<JoinRecord> more(Random& random, bool left, int32_t partitions);
  // A row so late in time that every window before it closes.
  JoinRecord last(bool left, int32_t partitions);

 private:
  int64_t event_ms_ = 100'000;
  int64_t next_id_ = 1;
};

// What is wrong with the results of a join that has read everything; empty when nothing is. `view` may be
// null. `seen` grows by how many results there were to compare.
std::string join_trouble(log::Log& log, const JoinChoice& choice, int32_t partitions,
                         const stream::View* view, size_t& seen);

}  // namespace tradewind::simulate
