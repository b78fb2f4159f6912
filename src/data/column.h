#pragma once
// Column: the values of one type for the rows of a batch, contiguous in memory, with the rows that are null.
//
// Built by one thread, then immutable and shared by pointer; the interned ids beside it belong to the thread
// that holds the batch. Strings and bytes are views into memory that `keep` holds alive.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "data/type.h"

namespace tradewind {

using Int128 = __int128;

// Streams only insert, but for records without a value: these are retracts. An update of a table is a retract
// of the old row followed at once by an insert of the new.
enum class Change : uint8_t { insert, retract };

class Column;
using ColumnPtr = std::shared_ptr<const Column>;

class Column {
 public:
  explicit Column(Type type, size_t rows = 0);

  const Type& type() const { return type_; }
  size_t size() const { return rows_; }

  // The values, by layout: u8 uint8_t, i32 int32_t, i64 int64_t, i128 Int128, f64 double, view BytesView.
  // Values at null rows are unspecified (views: empty). Lists and records have none.
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(data_.get());
  }
  template <typename T>
  T* data() {
    return reinterpret_cast<T*>(data_.get());
  }

  // Null rows. `valid()` is null when no row is null; else one byte a row, 1 = has a value.
  const uint8_t* valid() const { return valid_.empty() ? nullptr : valid_.data(); }
  bool is_null(size_t row) const { return !valid_.empty() && valid_[row] == 0; }
  uint8_t* make_valid();  // all rows valid, then yours to clear
  void set_null(size_t row) { (valid_.empty() ? make_valid() : valid_.data())[row] = 0; }
  void drop_valid() { valid_.clear(); }

  // Lists (arrays and maps): row i holds elements offsets()[i] to offsets()[i + 1] of children[0] (maps: keys
  // in children[0], values in children[1]). Records: one child per field, each of size() rows.
  const uint32_t* offsets() const { return offsets_.data(); }
  uint32_t* offsets() { return offsets_.data(); }
  std::vector<ColumnPtr>& children() { return children_; }
  const std::vector<ColumnPtr>& children() const { return children_; }  // a child nobody asked for is null

  // Makes room for `rows`, keeping what is there; new values are unspecified.
  void resize(size_t rows);
  // Keeps memory alive that views point into.
  void keep(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
  const std::vector<std::shared_ptr<const void>>& owners() const { return owners_; }
  // A copy of `bytes` in memory this column owns; the view stays valid for the column's life.
  BytesView store(BytesView bytes);

  // The column of the rows named, in that order (a row may be named often); views are shared, not copied.
  ColumnPtr gather(const uint32_t* rows, size_t count) const;

  // Dense ids of this column's values in some dictionary, kept beside the column so that several readers of
  // one batch look each value up once. Owned by the thread that holds the batch.
  struct Interned {
    const void* dictionary = nullptr;
    std::vector<uint32_t> ids;
  };
  Interned& interned() const { return interned_; }

 private:
  Type type_;
  size_t rows_ = 0;
  size_t capacity_ = 0;
  size_t width_ = 0;
  std::unique_ptr<char[]> data_;
  std::vector<uint8_t> valid_;
  std::vector<uint32_t> offsets_;
  std::vector<ColumnPtr> children_;
  std::vector<std::shared_ptr<const void>> owners_;
  std::shared_ptr<std::vector<std::unique_ptr<char[]>>> arena_;
  char* arena_at_ = nullptr;
  size_t arena_left_ = 0;
  mutable Interned interned_;
};

// Bytes of one value of a layout; 0 for lists and records.
size_t width_of(Layout layout);

}  // namespace tradewind
