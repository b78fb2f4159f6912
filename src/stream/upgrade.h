#pragma once
// Whether a query that runs can go on as another one, with its state and its places: CREATE OR REPLACE.
//
// Threads: pure.

#include "stream/topology.h"

namespace tradewind::stream {

// invalid: what of the state or of the results would no longer fit, in words of the statement. Filters,
// projections and explodes may change; new value columns of the results come behind those that are there.
Result<> check_upgrade(const Topology& from, const Topology& to);

}  // namespace tradewind::stream
