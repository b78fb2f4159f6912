#pragma once
// BoundQuery: a SELECT as the steps of a topology, with what each of its columns is.

#include <string>
#include <vector>

#include "sql/plan.h"

namespace tradewind::sql {

struct BoundColumn {
  std::string name;
  Type type;
  bool key = false;
};

struct BoundQuery {
  stream::SourceSpec source;
  std::vector<stream::Step> steps;
  bool table = false;  // the result is a table
  bool aggregates = false;
  bool rekeyed = false;                // PARTITION BY: the columns that are keys, maybe none, are the new key
  std::vector<BoundColumn> columns;    // of the last step, in its order
  std::optional<size_t> window_start;  // index of the column that holds it, if windowed
  std::optional<size_t> window_end;    // the same, of sessions
  std::optional<stream::WindowSpec> window;
};

// REQUIRES the query's source is known. `persistent`: the rules of CREATE ... AS hold (keys in the
// projection, ...).
Result<BoundQuery> bind_query(const Query& query, const Source& source, bool persistent);
// Which columns tell the rows of a table apart; empty: it is no table, or not all of them are selected.
std::vector<bool> row_keys(const BoundQuery& bound, const Query& query, const Source& source);

}  // namespace tradewind::sql
