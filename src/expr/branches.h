#pragma once
// Branches: parts of a batch that were evaluated by themselves, and the column they make together.

#include <vector>

#include "data/batch.h"
#include "data/value.h"

namespace tradewind::expr {

struct Branch {
  std::vector<uint32_t> rows;
  ColumnPtr values;  // one per entry of `rows`
};

// A column of `rows` rows out of parts that cover them; rows in no part are null.
ColumnPtr assemble(const Type& type, size_t rows, const std::vector<Branch>& branches);

}  // namespace tradewind::expr
