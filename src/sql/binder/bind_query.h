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
  std::vector<stream::SourceSpec> inputs;
  std::vector<stream::Step> steps;
  std::vector<std::string> reads;  // the names of the sources
  bool table = false;              // the result is a table
  size_t keys = 0;                 // how many columns tell its rows apart, windows aside
  bool windowed = false;
  bool rekeyed = false;                // PARTITION BY: the columns that are keys, maybe none, are the new key
  std::vector<BoundColumn> columns;    // of the last step, in its order
  std::optional<size_t> window_start;  // index of the column that holds it, if windowed
  std::optional<size_t> window_end;    // the same, of sessions
  std::optional<stream::WindowSpec> window;
  std::vector<bool> identity;  // of groups: which columns of the last step tell them apart
};

// `persistent`: the rules of CREATE ... AS hold (keys in the projection, ...).
Result<BoundQuery> bind_query(const Query& query, const Catalog& catalog, bool persistent);
// Which columns tell the rows of a table apart; empty: it is no table, or not all of them are selected.
std::vector<bool> row_keys(const BoundQuery& bound);
// Adds the keys of groups that nothing selects (their place in `key_items` is empty) to what is given out of
// them. Which columns of that tell the groups apart: keys, and the `bounds` of their windows behind those.
std::vector<bool> add_unselected_keys(const stream::AggregateStep& step,
                                      const std::vector<std::string>& key_items, size_t bounds,
                                      stream::ProjectStep& project);

}  // namespace tradewind::sql
