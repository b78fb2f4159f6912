#pragma once
// ResultWatch: reads the result topics of a side while they are written, committed records only.
//
// Threads: one. Errors: unavailable; io, when a record is no result of its query.

#include <memory>
#include <string>
#include <vector>

#include "kafka_workload.h"

namespace tradewind::bench {

class ResultWatch {
 public:
  static Result<std::unique_ptr<ResultWatch>> open(const std::string& servers, const std::string& side,
                                                   bool nullable);
  // Waits up to `wait`; how many records came.
  Result<size_t> read(Duration wait);

  // All groups of all queries have their last values, as far as sums tell.
  bool complete(const QueryRows& wanted) const;
  // How much of its input the query that is last has counted.
  double share(const QueryRows& wanted) const;
  std::vector<std::string> differences(const QueryRows& wanted) const;
  int64_t records() const { return records_; }
  int64_t total(int query) const { return found_[static_cast<size_t>(query - 1)].total(); }

 private:
  explicit ResultWatch(bool nullable) : nullable_(nullable) {}

  const bool nullable_;
  std::unique_ptr<RecordReader> reader_;
  QueryRows found_ = no_rows();
  int64_t records_ = 0;
};

}  // namespace tradewind::bench
