#pragma once
// RowCodec: rows of one side of a join as bytes that its state keeps, and back into columns.
//
// A row: its event time (8 bytes), then each kept column: a byte 0 for null or 1 and the value (numbers as
// they lie in memory; texts and nested values behind their length). Threads: one; decoding is const.

#include <memory>
#include <span>
#include <vector>

#include "data/batch.h"
#include "data/row_key.h"

namespace tradewind::stream {

// Bytes that stay where they are when they are moved.
class RowBytes {
 public:
  RowBytes() = default;
  explicit RowBytes(BytesView bytes);
  BytesView view() const { return {data_.get(), size_}; }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<char[]> data_;
  uint32_t size_ = 0;
};

class RowCodec {
 public:
  // Columns that are not kept are left out, and null pointers when rows are read back.
  RowCodec(const Schema& schema, std::vector<bool> kept);

  // The rows that encode() is asked for. REQUIRES the batch has every kept column.
  void begin(const Batch& rows);
  RowBytes encode(size_t row);

  static int64_t time_of(BytesView row);
  // Appends the columns of these rows to `out`; an empty view is a row of nulls.
  void columns(std::span<const BytesView> rows, std::vector<ColumnPtr>& out) const;

 private:
  using Cursors = std::vector<const char*>;
  void append(const Column& column, size_t row);
  ColumnPtr flat_column(const Type& type, Cursors& at) const;
  ColumnPtr nested_column(const Type& type, const RowKey& key, Cursors& at) const;

  std::vector<Type> types_;
  std::vector<bool> kept_;
  std::vector<RowKey> nested_;  // by column; used where it is nested
  std::vector<ColumnPtr> columns_;
  const std::vector<int64_t>* times_ = nullptr;
  Batch batch_;
  Bytes scratch_;
};

}  // namespace tradewind::stream
