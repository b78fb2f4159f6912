#pragma once
// Last rows: of rows of a table that come as updates, those that stand in the end.

#include <deque>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "sql/plan.h"
#include "stream/subscription.h"

namespace tradewind::engine {

// Keeps the last row of each key, also one that says that it is gone; `keys` says which columns are it. How
// many are left.
size_t keep_last_rows(std::deque<Batch>& batches, const std::vector<bool>& keys);

// A SELECT with aggregates over a stream up to now: each group once, as it stands when all is read.
// REQUIRES plan.until_now and plan.identity. Threads: one.
std::unique_ptr<RowStream> look_at_groups(sql::PushPlan plan,
                                          std::unique_ptr<stream::Subscription> subscription);

}  // namespace tradewind::engine
