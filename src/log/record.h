#pragma once
// Record: what lies in a log: bytes, a time and an offset. No schema, no meaning.
//
// Threads: plain values. A RecordView borrows from the FetchedBatch (or the caller) that it came from.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace tradewind::log {

// Position: one partition of one topic.
struct Position {
  std::string topic;
  int32_t partition = 0;

  auto operator<=>(const Position&) const = default;
};

// The number of a record in its partition, from 0, without gaps for readers to rely on.
using Offset = int64_t;

struct HeaderView {
  std::string_view name;
  std::optional<BytesView> value;
};

// A record as it is written or read. No value means a tombstone.
struct RecordView {
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  Timestamp time;
  Offset offset = 0;  // set by the log; ignored when appending
  const HeaderView* headers = nullptr;
  uint32_t header_count = 0;
};

// Of its key, value and headers.
int64_t payload_bytes(const RecordView& record);

// Records of one partition in offset order, as one fetch gave them; the bytes live as long as `buffer`.
struct FetchedBatch {
  Position position;
  std::vector<RecordView> records;
  std::vector<HeaderView> headers;  // what the records' headers point into
  std::shared_ptr<const void> buffer;
  Offset next = 0;     // where reading goes on (offsets of records that are no longer there are skipped)
  Offset end = 0;      // one past the last record visible when this was read; end - next is the lag
  Offset gone = 0;     // so many offsets before it were given to nobody: their records are no longer there
  Timestamp appended;  // of the first record, as Log::appended()

  // It has no records, and says that the partition ends before the place where it is read: the topic was made
  // anew, or its brokers lost records.
  bool beyond_end() const { return end < next; }
};

}  // namespace tradewind::log
