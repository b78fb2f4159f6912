#pragma once
// TableView: a View over the tasks of one query, in however many workers they run.

#include <memory>
#include <vector>

#include "stream/run/worker.h"
#include "stream/view.h"

namespace tradewind::stream {

// Null when the topology keeps no table (a stream without memory).
std::shared_ptr<const View> make_table_view(std::shared_ptr<const Topology> topology,
                                            std::vector<Worker*> workers);

}  // namespace tradewind::stream
