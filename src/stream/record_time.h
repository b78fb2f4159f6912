#pragma once
// RecordTime: the event time that a column holds (TIMESTAMP, TIMESTAMP_FORMAT).
//
// Threads: one.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/column.h"
#include "expr/expression.h"

namespace tradewind::stream {

class RecordTime {
 public:
  // invalid: a column that cannot hold a time, or a pattern that is none. `format` is Java's, and only for
  // STRING.
  static Result<RecordTime> make(const Type& type, const std::string& format);

  // Milliseconds per row; nothing where there is no time, or one before 1970.
  std::vector<std::optional<int64_t>> read(const ColumnPtr& column) const;

 private:
  expr::ExpressionPtr parse_;  // of a STRING, over a schema of this one column; null: it is a number
};

}  // namespace tradewind::stream
