#pragma once
// LateRows: keeps rows that came too late in the side topic of their query, as JSON: the columns that the
// query reads, EVENT_TIME, and STREAM_TIME when they came (ms). One can read them as a stream
// (Topology::late_columns).
//
// Threads: its operator's.

#include <memory>
#include <vector>

#include "schema/serde.h"
#include "stream/ops/event_time.h"

namespace tradewind::stream {

class LateRows {
 public:
  Result<> keep(Context& context, const Batch& rows, const std::vector<LateRow>& late);
  int64_t count() const { return count_; }
  // Rows that are told but not kept, for only what they added up to is known.
  void add(int64_t rows) { count_ += rows; }

 private:
  Result<> open(const Batch& rows);

  std::unique_ptr<schema::Encoder> encoder_;
  std::vector<size_t> columns_;  // of the rows
  schema::Encoded encoded_;
  int64_t count_ = 0;
};

}  // namespace tradewind::stream
