#pragma once
// The windows of a stream or table: taken from WITH (WINDOW_TYPE, WINDOW_SIZE), or from the query that makes
// it.

#include <string>

#include "base/result.h"
#include "sql/catalog.h"
#include "sql/statement.h"

namespace tradewind::sql {

struct BoundQuery;

// A topic with windowed keys that somebody else writes, or another query. REQUIRES the columns are known.
Result<> apply_window(const Properties& with, Source& source);
// What a query makes of the windows of its source, or of its own.
void keep_windows(const Source& from, const BoundQuery& query, Source& made);

// "TUMBLING"
std::string name_of(stream::WindowSpec::Kind kind);

}  // namespace tradewind::sql
