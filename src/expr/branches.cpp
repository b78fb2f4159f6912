#include "expr/branches.h"

#include <algorithm>
#include <cstring>

namespace tradewind::expr {
namespace {

// Puts the values of `from` (one per entry of `rows`) into their places.
void scatter(const Column& from, const std::vector<uint32_t>& rows, Column& to) {
  const size_t width = width_of(from.type().layout());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (from.is_null(i)) {
      to.set_null(rows[i]);
      continue;
    }
    std::memcpy(to.data<char>() + rows[i] * width, from.data<char>() + i * width, width);
  }
  for (const auto& owner : from.owners()) to.keep(owner);
}

}  // namespace

ColumnPtr assemble(const Type& type, size_t rows, const std::vector<Branch>& branches) {
  if (!type.is_nested()) {
    auto out = std::make_shared<Column>(type, rows);
    if (type.layout() == Layout::view) std::fill_n(out->data<BytesView>(), rows, BytesView());
    std::vector<uint8_t> covered(rows, 0);
    for (const Branch& branch : branches) {
      scatter(*branch.values, branch.rows, *out);
      for (const uint32_t row : branch.rows) covered[row] = 1;
    }
    for (size_t i = 0; i < rows; ++i) {
      if (covered[i] == 0) out->set_null(i);
    }
    return out;
  }
  std::vector<Value> values(rows);
  for (const Branch& branch : branches) {
    for (size_t i = 0; i < branch.rows.size(); ++i) values[branch.rows[i]] = value_at(*branch.values, i);
  }
  ColumnBuilder builder(type);
  for (const Value& value : values) builder.append(value);
  return builder.finish();
}

}  // namespace tradewind::expr
