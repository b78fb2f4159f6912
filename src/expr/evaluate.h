#pragma once
// Evaluate: (Expression, Batch) -> Column, one value per row that is left in the batch.
//
// Cannot fail: a row's error becomes null and a note. Comparisons are two-valued as in ksqlDB (a null operand
// gives false, never null). CASE, AND, OR and COALESCE note errors only of the branch that a row takes.

#include <string>
#include <vector>

#include "data/batch.h"
#include "expr/expression.h"

namespace tradewind::expr {

struct Note {
  uint32_t row = 0;
  std::string reason;
};
using Notes = std::vector<Note>;

ColumnPtr evaluate(const Expression& expression, const Batch& batch, Notes& notes);

// The rows where a BOOLEAN expression is true; null and failing rows are out (failing ones noted).
std::vector<uint32_t> rows_where(const Expression& condition, const Batch& batch, Notes& notes);

}  // namespace tradewind::expr
