#pragma once
// Planning a SELECT of what a table holds now.

#include "sql/plan.h"

namespace tradewind::sql {

Result<PullPlan> plan_pull(const Query& query, const Source& table);

}  // namespace tradewind::sql
