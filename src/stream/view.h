#pragma once
// View: the committed state of a table that a query keeps, read from any thread by key, by window or as a
// scan.
//
// Threads: shared freely; a read holds the task's lock for at most kKeysPerLock rows at a time, so a scan is
// not a snapshot: it sees each row at some commit.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "data/value.h"
#include "log/log.h"

namespace tradewind::stream {

// What to read. No keys: all. Windows by start, both bounds included.
struct ViewRequest {
  std::optional<std::vector<std::vector<Value>>> keys;  // values of the view's key columns, in order
  int64_t window_from = INT64_MIN;
  int64_t window_to = INT64_MAX;
};

class View {
 public:
  virtual ~View() = default;
  // Columns of the rows: as the sink's rows are made (keys, [WINDOWSTART, WINDOWEND], values), then ROWTIME.
  virtual const Schema& schema() const = 0;
  virtual size_t key_columns() const = 0;
  virtual bool windowed() const = 0;
  // Gives batches of rows to `each` until it answers false.
  virtual Result<> read(const ViewRequest& request, const std::function<bool(const Batch&)>& each) const = 0;
  // Up to where each source partition is in this state.
  virtual log::Offsets positions() const = 0;
};

}  // namespace tradewind::stream
