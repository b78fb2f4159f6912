#include <algorithm>
#include <variant>

#include "sql/binder/bind_query.h"

namespace tradewind::sql {

namespace {

// Marks the columns that give what the one at `hidden` holds, behind those that were selected. False: none
// does.
bool mark_selected(const stream::ProjectStep& project, size_t hidden, std::vector<bool>& keys) {
  bool selected = false;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!expr::same(*project.expressions[i], *project.expressions[hidden])) continue;
    keys[i] = selected = true;
  }
  return selected;
}

}  // namespace

std::vector<bool> row_keys(const BoundQuery& bound) {
  const auto selected =
      std::ranges::count_if(bound.columns, [](const BoundColumn& column) { return column.key; });
  if (!bound.table || static_cast<size_t>(selected) != bound.keys) return {};
  std::vector<bool> keys;
  for (const BoundColumn& column : bound.columns) keys.push_back(column.key);
  if (!bound.windowed) return keys;
  const auto* project = std::get_if<stream::ProjectStep>(&bound.steps.back());
  const bool whole = project != nullptr && bound.window_start &&
                     mark_selected(*project, *bound.window_start, keys) &&
                     (!bound.window_end || mark_selected(*project, *bound.window_end, keys));
  return whole ? keys : std::vector<bool>();
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
