#pragma once
// Batch: up to a few thousand rows of one schema as columns, each row with an event time and a change.
//
// Immutable once built; cheap to copy; one thread at a time. Columns that nobody asked for are null pointers:
// the indexes of a schema stay what they are. Filtering shares the columns and remembers the rows that are
// left; a column is brought together (gathered) when it is first asked for.

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "data/column.h"
#include "data/type.h"

namespace tradewind {

// What functions of the clock and of chance are told.
struct Moment {
  int64_t now_ms = 0;   // wall time, as whoever works on the rows sees it
  uint64_t chance = 0;  // drawn anew for each batch
};

// Where the rows of a batch came from, and when they are worked on.
struct Origin {
  int32_t partition = 0;
  int64_t first_offset = 0;
  Moment moment = {};
};

class Batch {
 public:
  Batch() = default;
  // REQUIRES one column per field of the schema (or null), each of times.size() rows.
  Batch(SchemaPtr schema, std::vector<ColumnPtr> columns, std::vector<int64_t> times_ms);

  size_t rows() const { return rows_; }
  const SchemaPtr& schema() const { return schema_; }
  // Dense over the rows that are left. REQUIRES has(i).
  const ColumnPtr& column(size_t i) const;
  bool has(size_t i) const { return columns_[i] != nullptr; }
  const std::vector<int64_t>& times_ms() const { return *times_; }
  // Null when every row is an insert.
  const Change* changes() const { return changes_ == nullptr ? nullptr : changes_->data(); }
  Change change(size_t row) const { return changes_ == nullptr ? Change::insert : (*changes_)[row]; }
  // Each row's own offset in its source; null when the source did not say (then rows are not records any
  // more).
  const std::vector<int64_t>* offsets() const { return offsets_.get(); }
  const Origin& origin() const { return origin_; }
  // Of records that had some: ARRAY<STRUCT<KEY STRING, VALUE BYTES>>, dense over the rows that are left.
  // Null: no row has any. They stay with the rows where a step makes rows of rows, and are lost where it
  // groups.
  const ColumnPtr& headers() const { return headers_; }

  Batch& with_changes(std::vector<Change> changes);
  // The same rows at that moment; for those who ask the clock or chance.
  Batch at_moment(Moment moment) const;
  Batch& with_origin(Origin origin, std::shared_ptr<const std::vector<int64_t>> offsets = nullptr);

  Batch& with_headers(ColumnPtr headers);

  // The rows named by `rows` (ascending), sharing the columns.
  Batch filtered(std::vector<uint32_t> rows) const;
  // Rows [from, to).
  Batch slice(size_t from, size_t to) const;
  // Other columns for the same rows: times, changes and origin stay. REQUIRES columns of rows() rows.
  Batch with_columns(SchemaPtr schema, std::vector<ColumnPtr> columns) const;
  // As with_columns, for rows made from these: row i came from row parents[i] and takes its time and change.
  Batch expanded(SchemaPtr schema, std::vector<ColumnPtr> columns,
                 const std::vector<uint32_t>& parents) const;

 private:
  SchemaPtr schema_;
  mutable std::vector<ColumnPtr> columns_;
  mutable std::vector<uint8_t> gathered_;                   // per column, when selection_ is set
  std::shared_ptr<const std::vector<uint32_t>> selection_;  // rows of the underlying columns that are left
  std::shared_ptr<const std::vector<int64_t>> times_ = std::make_shared<const std::vector<int64_t>>();
  std::shared_ptr<const std::vector<Change>> changes_;
  std::shared_ptr<const std::vector<int64_t>> offsets_;
  ColumnPtr headers_;
  Origin origin_;
  size_t rows_ = 0;
};

}  // namespace tradewind
