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

std::vector<bool> add_unselected_keys(const stream::AggregateStep& step,
                                      const std::vector<std::string>& key_items, size_t bounds,
                                      stream::ProjectStep& project) {
  for (size_t i = 0; i < step.keys.size(); ++i) {
    if (!key_items[i].empty()) continue;
    project.names.push_back(step.key_names[i]);
    project.expressions.push_back(expr::column(i, step.keys[i]->type));
  }
  std::vector<bool> telling;
  for (const expr::ExpressionPtr& one : project.expressions)
    telling.push_back(one->node == expr::Node::column && one->index < step.keys.size() + bounds);
  return telling;
}

}  // namespace tradewind::sql
