#pragma once
// Value: one dynamic value of a known type; for edges (literals, JSON, INSERT VALUES, results) and tests,
// never for hot loops.
//
// Threads: plain values.

#include <string>
#include <variant>
#include <vector>

#include "data/column.h"
#include "data/type.h"

namespace tradewind {

struct Value {
  // monostate: null. int64_t: boolean (0/1), integer, bigint, time, date, timestamp. Int128: decimal,
  // unscaled. Vector: array elements; struct fields in order; map: key, value, key, value ...
  std::variant<std::monostate, int64_t, double, Int128, std::string, std::vector<Value>> is;

  Value() = default;
  Value(int64_t number) : is(number) {}                      // NOLINT
  Value(double number) : is(number) {}                       // NOLINT
  Value(Int128 unscaled) : is(unscaled) {}                   // NOLINT
  Value(std::string text) : is(std::move(text)) {}           // NOLINT
  Value(std::vector<Value> parts) : is(std::move(parts)) {}  // NOLINT

  bool is_null() const { return is.index() == 0; }
  int64_t number() const { return std::get<int64_t>(is); }
  double real() const { return std::get<double>(is); }
  Int128 decimal() const { return std::get<Int128>(is); }
  const std::string& text() const { return std::get<std::string>(is); }
  const std::vector<Value>& parts() const { return std::get<std::vector<Value>>(is); }
  bool operator==(const Value&) const = default;
};

// The value at `row`.
Value value_at(const Column& column, size_t row);

// Collects values of one type into a column.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type);
  // REQUIRES a value that belongs to the type (or null).
  void append(const Value& value);
  void append_null() { append(Value()); }
  size_t size() const { return column_->size(); }
  // The column; the builder starts again.
  ColumnPtr finish();

 private:
  Type type_;
  std::shared_ptr<Column> column_;
  std::vector<ColumnBuilder> children_;
};

// A column of `rows` times the same value.
ColumnPtr constant_column(const Type& type, const Value& value, size_t rows);

// As people read it: null, true, 12.50, 'text' without quotes, [1, 2], {A=1}; timestamps as ISO.
std::string value_text(const Type& type, const Value& value);

}  // namespace tradewind
