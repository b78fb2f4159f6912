#include "sql/binder/check_clauses.h"

#include "sql/binder/bind_window.h"

namespace tradewind::sql {
namespace {

Error wrong(Place place, const std::string& message) {
  return {Code::invalid, at(place, message)};
}

bool is_null(const Node& node) {
  return node.form == Node::Form::literal && node.value.is_null();
}

Result<> check_partition_by(const Query& query, const Relation& relation) {
  const Place place = query.partition_by[0]->place;
  if (relation.table)
    return wrong(place, "a table is partitioned by its PRIMARY KEY; PARTITION BY works on streams");
  if (!query.group_by.empty()) return wrong(place, "GROUP BY makes the key already; leave PARTITION BY out");
  for (const NodePtr& node : query.partition_by) {
    if (contains(*node, is_aggregate)) return wrong(node->place, "an aggregate cannot be partitioned by");
    if (is_null(*node) && query.partition_by.size() > 1)
      return wrong(node->place, "NULL stands alone: it takes the key away");
  }
  return {};
}

Result<> check_deduplicate(const DeduplicateClause& clause, const Relation& relation) {
  if (relation.table) return wrong(clause.place, "a table has each row once; DEDUPLICATE works on a stream");
  if (relation.joined())
    return wrong(clause.place,
                 "DEDUPLICATE works on one stream; leave the doubles out in a stream of its own "
                 "and join that");
  for (const NodePtr& node : clause.by) {
    if (contains(*node, is_aggregate))
      return wrong(node->place,
                   "DEDUPLICATE looks at rows, before they are grouped; no aggregate can stand here");
  }
  return {};
}

}  // namespace

Result<> check_clauses(const Query& query, const Relation& relation) {
  if (!query.partition_by.empty()) TRY(check_partition_by(query, relation));
  if (query.emit == Query::Emit::final && (!query.window || query.group_by.empty())) {
    return wrong(query.emit_place,
                 "EMIT FINAL gives a window's rows when it closes; without a WINDOW and a GROUP BY use EMIT "
                 "CHANGES");
  }
  if (query.window && query.group_by.empty()) return wrong(query.window->place, "a WINDOW needs a GROUP BY");
  if (query.having != nullptr && query.group_by.empty()) {
    return wrong(query.having->place, "HAVING needs a GROUP BY; filter rows with WHERE");
  }
  if (query.deduplicate) TRY(check_deduplicate(*query.deduplicate, relation));
  if (query.enter) TRY(check_enter(query, relation.table));
  if (query.window && relation.table)
    return wrong(query.window->place, "a table has no windows; its rows are the last values");
  return {};
}

}  // namespace tradewind::sql
