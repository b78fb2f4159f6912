#pragma once
// PushQueries: SELECT ... EMIT CHANGES for many readers: those that ask for the same rows from now on share
// one computation. There is no thread for it: whichever reader finds its queue empty reads on for all.
//
// A reader that falls behind gets the last row of each key where the rows are a table's, and is cut off with
// an error where they are a stream's. Threads: open() by any; each RowStream belongs to one thread.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/engine.h"
#include "sql/plan.h"
#include "stream/subscription.h"

namespace tradewind::engine {

class PushQueries {
 public:
  using Subscribe = std::function<Result<std::unique_ptr<stream::Subscription>>()>;

  // Not shared: queries that read what was there before, and those whose results hang on when they began
  // (aggregates). The rows a reader may be behind: `most_rows`.
  Result<std::unique_ptr<RowStream>> open(sql::PushPlan plan, bool earliest, const Subscribe& subscribe,
                                          size_t most_rows);
  // Computations that run now.
  size_t running();

 private:
  class Computation;
  class Reader;

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Computation>> shared_;
};

}  // namespace tradewind::engine
