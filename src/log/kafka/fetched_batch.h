#pragma once
// FetchedBatch's bytes: batches of records as Kafka stores and sends them (message format 2), read.
//
// Threads: plain values. Errors: corrupt: the bytes are not what was written. unsupported: a format of before
// Kafka 0.11, or a packing nobody knows.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "log/kafka/buffer.h"
#include "log/kafka/record_batch.h"
#include "log/record.h"

namespace tradewind::log::kafka {

// A batch from outside. It borrows from the bytes it lies in.
struct StoredBatch {
  Offset first = 0;     // of its first record
  Offset next = 0;      // one past the last it was written with: compaction may have taken some away
  int64_t writer = -1;  // producer id
  bool transactional = false;
  bool control = false;  // it holds the mark that ends a transaction, and no records
  Packing packing = Packing::none;
  int64_t first_ms = 0;                // what the times of its records count from
  std::optional<int64_t> appended_ms;  // all of them have this time
  int32_t count = 0;                   // records
  BytesView list;                      // of records, packed
};

// Takes the first batch off the bytes; its sum is checked. Nothing: no whole one is left.
Result<std::optional<StoredBatch>> take_batch(BytesView& bytes);

// Whether a control batch gives its transaction up. corrupt: it says neither.
Result<bool> gives_up(const StoredBatch& control);

// The list of records, unpacked; one that is not packed is copied. corrupt: also when it grows beyond what
// anybody would write.
Result<> unpack(const StoredBatch& batch, Buffer& to);

// Gives the records of a list one by one, from views into it.
class StoredRecords {
 public:
  // `list` is that of the batch, unpacked; it outlives what is read.
  StoredRecords(const StoredBatch& batch, BytesView list)
      : first_(batch.first),
        next_(batch.next),
        first_ms_(batch.first_ms),
        appended_ms_(batch.appended_ms),
        left_(batch.count),
        list_(list) {}

  int32_t left() const { return left_; }
  // Adds its headers to `headers`, and says in `record` how many. False: the list is broken. REQUIRES left().
  bool next(RecordView& record, std::vector<HeaderView>& headers);

 private:
  bool nullable(BytesView& from, std::optional<BytesView>& bytes);
  bool read_headers(BytesView& from, uint32_t count, std::vector<HeaderView>& headers);

  Offset first_;
  Offset next_;
  int64_t first_ms_;
  std::optional<int64_t> appended_ms_;
  int32_t left_;
  BytesView list_;
};

}  // namespace tradewind::log::kafka
