#pragma once
// Transactions that were left open: brokers that start may forget to mark the end of one in its partitions
// ("these partitions are likely deleted already", says the log of Kafka 4.3), though they have ended it. What
// was written in it then lies there until a later transaction of the same id ends in that partition, and has
// that one's end; until then nobody reads on there.
//
// Threads: any. Errors: unavailable: it is not known of all positions.

#include <vector>

#include "log/kafka/catalog.h"

namespace tradewind::log::kafka {

// Those of the positions at which a transaction lies open and stays so, and its first offset there. Such are
// also the ones that others are busy with for longer than a moment.
Result<Offsets> left_open(Catalog& catalog, const std::vector<Position>& positions, Clock& clock,
                          Duration patience);

}  // namespace tradewind::log::kafka
