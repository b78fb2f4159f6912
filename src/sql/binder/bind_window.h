#pragma once
// What a WINDOW clause means, what FUNNEL and ON ENTER are made of, and what steps read.

#include <vector>

#include "sql/binder/scope.h"
#include "sql/statement.h"
#include "stream/topology.h"

namespace tradewind::sql {

// invalid: what does not fit, with its place. `final`: EMIT FINAL, which waits for no late rows unless told.
Result<stream::WindowSpec> window_of(const WindowClause& clause, bool final);

// FUNNEL(person, time, 'within', 'ORDERED', 'BEST' or 'FIRST', condition, condition ...) over the rows of
// `scope`; its groups are not set. invalid: which argument is wrong.
Result<stream::FunnelStep> bind_funnel(const Node& call, Scope& scope);
bool same_funnel(const stream::FunnelStep& a, const stream::FunnelStep& b);
// The window in which funnels are counted: tries are found until their time and the grace are over.
Result<> widen_for_funnel(const WindowClause* clause, stream::FunnelStep& funnel,
                          std::optional<stream::WindowSpec>& window);

// The expression with the aliases of the select list replaced by what they stand for.
NodePtr without_aliases(const NodePtr& node, const std::vector<SelectItem>& items);
// Whether ON ENTER may stand in the query. invalid: why not.
Result<> check_enter(const Query& query, bool table);
// What is read by the steps up to the first that has columns of its own.
void add_read(const std::vector<stream::Step>& steps, Usage& usage);

}  // namespace tradewind::sql
