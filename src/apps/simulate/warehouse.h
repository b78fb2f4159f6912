#pragma once
// Warehouse: what happens to goods without an order: some break, counts find more or less than was thought,
// and what lies at one place is carried to another that runs low.
//
// Threads: one.

#include "apps/simulate/stage.h"

namespace tradewind::simulate {

// When somebody will next find such a thing to tell; the more is sold, the more often.
int64_t next_finding_ms(Stage& stage);
// One of these things happens, somewhere.
void find_something(Stage& stage);
// What was carried arrives. REQUIRES a supply that came from another place.
void take_in(Stage& stage, const Supply& supply);

}  // namespace tradewind::simulate
