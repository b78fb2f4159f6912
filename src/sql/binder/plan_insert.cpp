// Planning INSERT INTO ... VALUES.
#include <algorithm>

#include "expr/function.h"
#include "sql/binder/scope.h"
#include "sql/plan.h"

namespace tradewind::sql {
namespace {

// Whether a number lost digits on its way to another exact type.
bool rounded(const ColumnPtr& value, const Type& from, const Type& to, const ColumnPtr& original) {
  const bool exact =
      from.is_number() && to.is_number() && from.kind() != Kind::real && to.kind() != Kind::real;
  if (!exact || value->is_null(0)) return false;
  const auto back = expr::cast_value(value_at(*value, 0), to, from);
  return !back.ok() || !(*back == value_at(*original, 0));
}

}  // namespace

Result<InsertPlan> plan_insert(const InsertValues& statement, const Catalog& catalog, const Moment& moment) {
  const Source* target = catalog.find(statement.target);
  if (target == nullptr) return Error{Code::not_found, "no stream or table is called " + statement.target};
  if (target->read_only) return Error{Code::invalid, statement.target + " is read-only"};
  if (target->window_type)
    return Error{Code::invalid, "rows cannot be inserted into the windowed " + statement.target};
  std::vector<std::string> columns = statement.columns;
  for (size_t i = 0; columns.empty() && i < target->columns.size(); ++i) {
    for (const SourceColumn& column : target->columns) {
      if (!column.headers) columns.push_back(column.name);
    }
  }
  if (columns.size() != statement.values.size()) {
    return Error{Code::invalid, std::to_string(columns.size()) + " columns, but " +
                                    std::to_string(statement.values.size()) + " values"};
  }
  InsertPlan plan;
  plan.target = target->name;
  plan.values.resize(target->columns.size());
  const Batch one = Batch(std::make_shared<const Schema>(), {}, {0}).at_moment(moment);
  for (size_t i = 0; i < columns.size(); ++i) {
    Scope nothing;
    nothing.alias = target->name;
    const auto bound = TRY(bind(*statement.values[i], nothing));
    const auto column = std::find_if(target->columns.begin(), target->columns.end(),
                                     [&](const auto& c) { return c.name == columns[i]; });
    const bool time = columns[i] == "ROWTIME";
    if (column == target->columns.end() && !time) {
      return Error{Code::invalid,
                   at(statement.values[i]->place, target->name + " has no column " + columns[i])};
    }
    if (!time && column->headers) {
      return Error{Code::invalid,
                   at(statement.values[i]->place,
                      columns[i] + " is read from the headers of records and cannot be inserted")};
    }
    const auto cast = expr::checked_cast(bound, time ? Type(Kind::bigint) : column->type);
    if (!cast.ok())
      return Error{Code::invalid, at(statement.values[i]->place, columns[i] + ": " + cast.error().message)};
    expr::Notes notes;
    const ColumnPtr value = expr::evaluate(**cast, one, notes);
    if (!notes.empty())
      return Error{Code::invalid, at(statement.values[i]->place, columns[i] + ": " + notes[0].reason)};
    if (rounded(value, bound->type, (*cast)->type, expr::evaluate(*bound, one, notes))) {
      return Error{Code::invalid,
                   at(statement.values[i]->place, columns[i] + ": " + bound->type.text() + " does not fit " +
                                                      (*cast)->type.text() + " without rounding; CAST it")};
    }
    if (time)
      plan.time_ms = value_at(*value, 0).number();
    else
      plan.values[static_cast<size_t>(column - target->columns.begin())] = value_at(*value, 0);
  }
  for (size_t i = 0; i < target->columns.size(); ++i) {
    if (target->table && target->columns[i].key && plan.values[i].is_null()) {
      return Error{Code::invalid, "the key " + target->columns[i].name + " of a table cannot be null"};
    }
  }
  return plan;
}

}  // namespace tradewind::sql
