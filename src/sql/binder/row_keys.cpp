#include <algorithm>

#include "sql/binder/bind_query.h"

namespace tradewind::sql {

std::vector<bool> row_keys(const BoundQuery& bound) {
  const auto selected =
      std::ranges::count_if(bound.columns, [](const BoundColumn& column) { return column.key; });
  if (!bound.table || static_cast<size_t>(selected) != bound.keys) return {};
  if (bound.windowed && !bound.window_start) return {};
  std::vector<bool> keys;
  for (size_t i = 0; i < bound.columns.size(); ++i)
    keys.push_back(bound.columns[i].key || bound.window_start == i || bound.window_end == i);
  return keys;
}

}  // namespace tradewind::sql
