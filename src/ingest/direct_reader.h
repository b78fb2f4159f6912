#pragma once
// DirectReader: JSON of events straight into Avro, in one pass, without a value in between. It takes only
// what is plain: known names as they are written, numbers that are numbers, all that must be there. At
// anything else it gives up, and the body is read carefully; what it does take comes out the same.
//
// Threads: one at a time.

#include <memory>
#include <string>

#include "ingest/event_plan.h"
#include "ingest/events.h"

namespace tradewind::ingest {

class DirectReader {
 public:
  DirectReader();
  ~DirectReader();

  // False: this is not for it; `events` is as it was.
  bool read(const EventPlan& plan, const std::string& body, Shape shape, size_t most, Events& events);
  // It has read events of this plan last, and knows how they are written: it is the fastest at the next.
  bool knows(const EventPlan& plan) const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace tradewind::ingest
