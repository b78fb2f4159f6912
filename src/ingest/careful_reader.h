#pragma once
// CarefulReader: events of any kind into records, or what is wrong with them by index, field and what was
// expected.
//
// Pure. It takes its time; DirectReader reads what is as most are.

#include <string_view>

#include "base/result.h"
#include "ingest/event_plan.h"
#include "ingest/events.h"

namespace tradewind::ingest {

// Appends to `events`. invalid: the body as a whole is no JSON, or has more than `most` events.
Result<> read_carefully(const EventPlan& plan, std::string_view body, Shape shape, size_t most,
                        Events& events);

}  // namespace tradewind::ingest
