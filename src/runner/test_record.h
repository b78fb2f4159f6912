#pragma once
// TestRecord: one record of a topic as the files of a test say it, and those files read.
//
// Pure. Errors: `invalid` with the record (from 1) and what is wrong with it.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace tradewind::runner {

// The window in a record's key. Milliseconds; the end is not a part of a time window, and one of a session.
struct TestWindow {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  bool session = false;
  bool operator==(const TestWindow&) const = default;
};

using TestHeader = std::pair<std::string, std::optional<Bytes>>;

struct TestRecord {
  std::string topic;
  Json key;
  Json value;
  std::optional<int64_t> time_ms;
  std::optional<TestWindow> window;
  std::vector<TestHeader> headers;
  std::string unreadable;  // why key or value cannot be shown; of records that were written only
};

// The list `member` ("inputs" or "outputs") of a file. An empty list is one.
Result<std::vector<TestRecord>> read_records(const std::string& text, const std::string& member);
Result<std::vector<TestRecord>> records_in(const Json& file, const std::string& member);

}  // namespace tradewind::runner
