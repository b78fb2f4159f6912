#include <algorithm>

#include "sql/binder/bind_query.h"

namespace tradewind::sql {

std::vector<bool> row_keys(const BoundQuery& bound, const Query& query, const Source& source) {
  const auto is_key = [](const auto& column) { return column.key; };
  const auto wanted = bound.aggregates ? static_cast<std::ptrdiff_t>(query.group_by.size())
                                       : std::ranges::count_if(source.columns, is_key);
  const bool windowed = bound.window || source.window_type;
  if (!bound.table || wanted != std::ranges::count_if(bound.columns, is_key)) return {};
  if (windowed && !bound.window_start) return {};
  std::vector<bool> keys;
  for (size_t i = 0; i < bound.columns.size(); ++i)
    keys.push_back(bound.columns[i].key || bound.window_start == i || bound.window_end == i);
  return keys;
}

}  // namespace tradewind::sql
