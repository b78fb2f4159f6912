#pragma once
// Transactions that were left open: brokers that start may forget to mark the end of one in its partitions
// ("these partitions are likely deleted already", says the log of Kafka 4.3), though they have ended it. What
// was written in it then lies there until a later transaction of the same id ends in that partition, and has
// that one's end; until then nobody reads on there.
//
// Threads: any. Errors: unavailable: it is not known of all positions that matter.

#include <set>

#include "log/kafka/catalog.h"

namespace tradewind::log::kafka {

struct LeftOpen {
  // Where a transaction lies open and stays so, and its first offset there. Such are also the positions that
  // others are busy with for longer than a moment.
  Offsets open;
  std::set<Position> unknown;  // nobody leads them now
};
// Of the positions. Those that matter are waited for; they are among them.
Result<LeftOpen> left_open(Catalog& catalog, const std::set<Position>& positions,
                           const std::set<Position>& that_matter, Clock& clock, Duration patience);

}  // namespace tradewind::log::kafka
