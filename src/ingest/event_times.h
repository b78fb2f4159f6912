#pragma once
// Event times that cannot be: before 1970, or far ahead. One event of next month would close all windows up
// to then, and whatever happens until then would be late.

#include <string_view>

#include "ingest/events.h"

namespace tradewind::ingest {

// Moves events whose time is below 0 or above `latest_ms` to the rejected ones. `field`: the time's name.
void leave_out_impossible(std::string_view field, int64_t latest_ms, Events& events);

}  // namespace tradewind::ingest
