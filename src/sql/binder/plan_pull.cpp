#include "sql/binder/plan_pull.h"

#include <algorithm>

#include "base/time.h"
#include "expr/function.h"
#include "sql/binder/scope.h"

namespace tradewind::sql {
namespace {

// The conditions that AND joins.
void split_conjunction(const NodePtr& node, std::vector<NodePtr>& parts) {
  if (node == nullptr) return;
  if (node->form == Node::Form::call && node->text == "AND") {
    for (const NodePtr& child : node->children) split_conjunction(child, parts);
    return;
  }
  parts.push_back(node);
}

// "column = literal" or "column IN (literals)": the values, as the column's type.
std::optional<std::vector<Value>> values_of(const Node& node, const Field& column) {
  const bool equal = node.form == Node::Form::call && (node.text == "=" || node.text == "IN");
  if (!equal || node.children[0]->form != Node::Form::name || node.children[0]->text != column.name)
    return std::nullopt;
  std::vector<Value> values;
  for (size_t i = 1; i < node.children.size(); ++i) {
    const Node& child = *node.children[i];
    if (child.form != Node::Form::literal || child.value.is_null()) return std::nullopt;
    auto value = expr::cast_value(child.value, child.type, column.type);
    if (!value.ok() || value->is_null()) return std::nullopt;
    if (std::find(values.begin(), values.end(), *value) == values.end()) values.push_back(std::move(*value));
  }
  return values;
}

void bound_windows(const Node& node, std::optional<int64_t> size_ms, PullPlan& plan) {
  if (node.form != Node::Form::call || node.children.size() != 2) return;
  const Node& name = *node.children[0];
  const Node& literal = *node.children[1];
  if (name.form != Node::Form::name || literal.form != Node::Form::literal || literal.value.is_null()) return;
  if (name.text != "WINDOWSTART" && (name.text != "WINDOWEND" || !size_ms)) return;
  int64_t time = 0;
  if (literal.type.kind() == Kind::string) {
    const auto read = from_iso(literal.value.text());
    if (!read) return;
    time = read->ms;
  } else if (literal.type.kind() == Kind::integer || literal.type.kind() == Kind::bigint) {
    time = literal.value.number();
  } else {
    return;
  }
  if (name.text == "WINDOWEND") time -= *size_ms;
  if (node.text == "=" || node.text == ">=" || node.text == ">")
    plan.window_from = std::max(plan.window_from, time);
  if (node.text == "=" || node.text == "<=" || node.text == "<")
    plan.window_to = std::min(plan.window_to, time);
}

// Every combination of the key columns' values.
void cross(const std::vector<std::vector<Value>>& choices, std::vector<Value>& one,
           std::vector<std::vector<Value>>& all) {
  if (one.size() == choices.size()) {
    all.push_back(one);
    return;
  }
  for (const Value& value : choices[one.size()]) {
    one.push_back(value);
    cross(choices, one, all);
    one.pop_back();
  }
}

// Whether a look at what a table holds can answer it at all.
Result<> looked_up(const Query& query, const Source& table) {
  if (table.query_id.empty()) {
    return Error{
        Code::invalid,
        at(query.from_place,
           table.name + " is read straight from its topic and keeps no rows to look "
                        "up; query a table made with CREATE TABLE ... AS SELECT, or add EMIT CHANGES")};
  }
  if (!query.group_by.empty() || query.window || query.having != nullptr) {
    return Error{Code::unsupported,
                 at(query.from_place, "a SELECT of what a table holds has no GROUP BY, WINDOW or HAVING")};
  }
  if (query.deduplicate) {
    return Error{Code::invalid,
                 at(query.deduplicate->place, "a table has each row once; DEDUPLICATE works on a stream")};
  }
  if (!query.partition_by.empty() || query.enter) {
    const Place place = query.enter ? query.enter->place : query.partition_by[0]->place;
    return Error{Code::invalid,
                 at(place, std::string("a look at what a table holds has no ") +
                               (query.enter ? "ON ENTER" : "PARTITION BY") +
                               "; leave it out, or make a stream with it (CREATE STREAM ... AS SELECT)")};
  }
  for (const SelectItem& item : query.items) {
    if (item.expression == nullptr || !contains(*item.expression, is_aggregate)) continue;
    return Error{
        Code::unsupported,
        at(item.expression->place,
           "a look at what a table holds adds nothing up; make a table that does (CREATE TABLE ... AS "
           "SELECT ... GROUP BY), or count over the stream behind it")};
  }
  return {};
}

}  // namespace

Result<PullPlan> plan_pull(const Query& query, const Source& table) {
  TRY(looked_up(query, table));
  PullPlan plan;
  plan.table = table.name;
  plan.limit = query.limit;
  Scope scope;
  scope.schema = view_schema(table);
  scope.alias = query.alias.empty() ? query.from : query.alias;
  if (query.where != nullptr) {
    plan.where = TRY(bind(*query.where, scope));
    if (plan.where->type.kind() != Kind::boolean)
      return Error{Code::invalid, at(query.where->place, "WHERE needs a condition")};
  }
  std::vector<NodePtr> conditions;
  split_conjunction(query.where, conditions);
  std::vector<std::vector<Value>> choices;
  for (const SourceColumn& column : table.columns) {
    if (!column.key) continue;
    for (const NodePtr& condition : conditions) {
      if (auto values = values_of(*condition, {column.name, column.type})) {
        choices.push_back(std::move(*values));
        break;
      }
    }
  }
  const auto keys =
      std::count_if(table.columns.begin(), table.columns.end(), [](const auto& c) { return c.key; });
  if (choices.size() == static_cast<size_t>(keys)) {
    std::vector<Value> one;
    cross(choices, one, plan.keys.emplace());
  }
  if (!plan.keys && table.window_type == stream::WindowSpec::Kind::session) {
    return Error{Code::invalid, at(query.from_place, "sessions are looked up by key; say which in WHERE")};
  }
  for (const NodePtr& condition : conditions) bound_windows(*condition, table.window_size_ms, plan);
  std::vector<SelectItem> items;
  for (const SelectItem& item : query.items) TRY(expand_fields(item, scope, items));
  ItemNames names(items);
  for (const SelectItem& item : items) {
    if (item.expression == nullptr) {
      for (size_t i = 0; i + 1 < scope.schema.size(); ++i) {  // all but ROWTIME
        plan.columns.push_back(scope.schema[i]);
        plan.expressions.push_back(expr::column(i, scope.schema[i].type));
        plan.keys_out.push_back(i < static_cast<size_t>(keys));
      }
      continue;
    }
    auto bound = TRY(bind(*item.expression, scope));
    plan.keys_out.push_back(bound->node == expr::Node::column && bound->index < static_cast<size_t>(keys));
    plan.columns.push_back({names.name_of(item), bound->type});
    plan.expressions.push_back(std::move(bound));
  }
  return plan;
}

}  // namespace tradewind::sql
