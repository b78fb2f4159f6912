#pragma once
// Joins as operators: process() takes rows of the left side, process_right() those of the further input.
//
// What both sides know of a join is in JoinParts; JoinedRows collects pairs of rows and gives them out as
// batches of the joined columns. Threads: as operators.

#include <memory>
#include <string>
#include <vector>

#include "expr/evaluate.h"
#include "stream/operator.h"
#include "stream/ops/group_keys.h"
#include "stream/ops/join_row.h"
#include "stream/ops/merged_rows.h"
#include "stream/topology.h"

namespace tradewind::stream {

class JoinOperator : public Operator {
 public:
  virtual Result<> process_right(const Batch& rows, Collector& out) = 0;
  // Rows of both sides as they come from their topics. Rows of a stream that are retracts (they have no
  // value) are passed over.
  virtual Result<> process_merged(const MergedRows& rows, Collector& out) = 0;
  virtual int64_t late_rows() const { return 0; }
  // About what a commit will write of its state.
  virtual size_t changed_bytes() const = 0;
  // Unmatched rows have closed since the last flush, without a row that came.
  virtual bool closing_due() const { return false; }
};

struct JoinParts {
  JoinStep step;
  Schema left;
  Schema right;
  Schema output;
  std::vector<bool> left_kept;  // which columns there are
  std::vector<bool> right_kept;
  std::string name;  // of its state within the query
};

std::unique_ptr<JoinOperator> make_join(JoinParts parts);
std::unique_ptr<JoinOperator> make_stream_table_join(JoinParts parts);
std::unique_ptr<JoinOperator> make_table_join(JoinParts parts);
std::unique_ptr<JoinOperator> make_foreign_key_join(JoinParts parts);
std::unique_ptr<JoinOperator> make_stream_join(JoinParts parts);

// The join keys of rows as ids of the join's dictionary.
class JoinKeys {
 public:
  explicit JoinKeys(const JoinStep& step);
  void open(Context& context, const std::string& name);
  // kNone where a part of the key is null; valid until the next call.
  const uint32_t* left(const Batch& rows) { return intern(step_.left_keys, rows); }
  const uint32_t* right(const Batch& rows) { return intern(step_.right_keys, rows); }
  // Those of each part.
  std::vector<std::vector<uint32_t>> all(const MergedRows& rows);
  Dictionary& dictionary() { return keys_->dictionary(); }
  // Appends copies of the key columns of these ids; nulls for kNone.
  void columns(const std::vector<uint32_t>& ids, std::vector<ColumnPtr>& out) const;

 private:
  const uint32_t* intern(const std::vector<expr::ExpressionPtr>& keys, const Batch& rows);

  const JoinStep& step_;
  RowKey row_key_;
  Context* context_ = nullptr;
  std::unique_ptr<GroupKeys> keys_;
  std::vector<ColumnPtr> columns_;
};

class JoinedRows {
 public:
  static constexpr size_t kRowsPerBatch = 1024;

  JoinedRows(const JoinParts& parts, JoinKeys& keys);
  RowCodec& left() { return left_; }
  RowCodec& right() { return right_; }

  // One row of the result; an empty view is a side that is not there. What they view lives until emit().
  // Its time is the later one of the two rows', and not before `least_ms`, when the change came.
  void add(BytesView left, BytesView right, uint32_t key, Change change = Change::insert,
           int64_t least_ms = INT64_MIN);
  // Keeps what was replaced alive until emit().
  BytesView keep(RowBytes row);
  bool full() const { return times_.size() >= kRowsPerBatch; }
  // Gives out what was added, if anything.
  Result<> emit(Collector& out);

 private:
  SchemaPtr schema_;
  RowCodec left_;
  RowCodec right_;
  JoinKeys& keys_;
  std::vector<BytesView> left_rows_;
  std::vector<BytesView> right_rows_;
  std::vector<uint32_t> ids_;
  std::vector<int64_t> times_;
  std::vector<Change> changes_;
  bool retracts_ = false;
  std::vector<RowBytes> kept_;
};

// Lets the codec of each side begin with a part where that is another one than before.
class MergedCodecs {
 public:
  explicit MergedCodecs(JoinedRows& joined) : joined_(joined) {}
  void begin(const MergedRows& rows, uint32_t part) {
    const bool left = rows.parts[part].input == 0;
    std::optional<uint32_t>& begun = left ? left_ : right_;
    if (begun == part) return;
    begun = part;
    (left ? joined_.left() : joined_.right()).begin(rows.parts[part].rows);
  }

 private:
  JoinedRows& joined_;
  std::optional<uint32_t> left_;
  std::optional<uint32_t> right_;
};

// A column of the rows' times.
ColumnPtr time_column(const std::vector<int64_t>& times);

}  // namespace tradewind::stream
