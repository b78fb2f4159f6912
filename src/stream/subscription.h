#pragma once
// Subscription: one topology run for one reader (a push query): from a place in the log, without a sink,
// keeping nothing. What it gives is computed from durable records only.
//
// Threads: one.

#include <memory>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "log/log.h"
#include "schema/registry.h"
#include "stream/topology.h"

namespace tradewind::stream {

class Subscription {
 public:
  virtual ~Subscription() = default;
  // The columns of the rows.
  virtual const Schema& schema() const = 0;
  // The next rows; none after `wait`.
  virtual Result<std::vector<Batch>> poll(Duration wait) = 0;
  // Whether all that lay in the topic when it was subscribed to has been polled.
  virtual bool read_out() const = 0;
};

Result<std::unique_ptr<Subscription>> subscribe(log::Log& log, schema::Registry& registry, Clock& clock,
                                                Topology topology, bool earliest);

}  // namespace tradewind::stream
