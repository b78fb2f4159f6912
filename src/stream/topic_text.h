#pragma once
// Topic text: records of a topic as lines of cells, both ways, in the formats and columns of its source; for
// tests and tools.
//
// Feeding, a line is: event time, then a cell per column (keys, [window start, [session end]], values).
// "tombstone" in place of the values is a record without a value, null in place of a single key one without a
// key. What is read back has the same cells. Pure but for the log that is handed in.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/log.h"
#include "schema/registry.h"
#include "stream/topology.h"

namespace tradewind::stream {

// A record that owns its bytes, and where it goes.
struct TextRecord {
  int32_t partition = 0;
  Timestamp time;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
};

// invalid: the line (from 1) and the cell that is wrong.
Result<std::vector<TextRecord>> records_of(const std::vector<std::string>& lines, const SourceSpec& source,
                                           int32_t partitions, schema::Registry& registry);
// Lines of: event time, key, value, as plain text; null where there is none.
Result<std::vector<TextRecord>> raw_records_of(const std::vector<std::string>& lines, int32_t partitions);

// Appends them, in order.
Result<> append(log::Log& log, const std::string& topic, const std::vector<TextRecord>& records);

using Cells = std::vector<std::vector<std::string>>;

// What lies in the topic: of a table the last row of each key, of a stream every row. Ordered by partition
// and offset (streams) or by cells (tables).
Result<Cells> rows_in(log::Log& log, schema::Registry& registry, const SourceSpec& source);
// Key and value of each record as plain text.
Result<Cells> raw_rows_in(log::Log& log, const std::string& topic);

}  // namespace tradewind::stream
