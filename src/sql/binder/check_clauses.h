#pragma once
// Which clauses of a SELECT may stand together.

#include "sql/binder/relation.h"

namespace tradewind::sql {

// invalid: line, column and what to write instead.
Result<> check_clauses(const Query& query, const Relation& relation);

}  // namespace tradewind::sql
