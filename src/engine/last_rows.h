#pragma once
// Last rows: of rows of a table that come as updates, those that stand in the end; and rows that wait long,
// in little memory.

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

// Where there are many small batches they are put together with their neighbours, in memory of their own: a
// row that is left of a batch would keep all of it alive, and what it was read from.
void gather_small(std::deque<Batch>& batches);

// A SELECT with aggregates over a stream up to now: each group once, as it stands when all is read.
// REQUIRES plan.until_now and plan.identity. Threads: one.
std::unique_ptr<RowStream> look_at_groups(sql::PushPlan plan,
                                          std::unique_ptr<stream::Subscription> subscription);

}  // namespace tradewind::engine
