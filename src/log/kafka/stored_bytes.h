#pragma once
// Stored bytes: batches as they lie in a partition, for tests of reading.

#include <span>

#include "base/coding.h"
#include "base/hash.h"
#include "log/kafka/protocol.h"
#include "log/kafka/record_batch.h"

namespace tradewind::log::kafka {

inline constexpr int16_t kOfATransaction = 1 << 4;
inline constexpr int16_t kOfControl = 1 << 5;

// The batch with other bits (those of packing stay), beginning at `first`, its sum right again.
inline Bytes stored(Bytes batch, Offset first, int16_t bits) {
  constexpr size_t kCrcAt = 17;
  constexpr size_t kBitsAt = 21;
  Bytes head;
  put_big64(head, static_cast<uint64_t>(first));
  batch.replace(0, head.size(), head);
  batch[kBitsAt] = static_cast<char>(bits >> 8);
  batch[kBitsAt + 1] = static_cast<char>((batch[kBitsAt + 1] & 7) | (bits & 0xF8));
  Asked sum;
  sum.number32(static_cast<int32_t>(crc32c(BytesView(batch).substr(kBitsAt))));
  batch.replace(kCrcAt, sum.body().size(), sum.body());
  return batch;
}

inline Bytes stored(std::span<const RecordView> records, Offset first, int64_t writer = -1,
                    Packing packing = Packing::none) {
  return stored(batch_of(records, {.id = writer}, packing), first, writer < 0 ? int16_t{0} : kOfATransaction);
}

// The mark that ends a writer's transaction.
inline Bytes mark_of(bool commit, Offset at, int64_t writer) {
  Asked key;
  key.number16(0).number16(commit ? 1 : 0);
  const RecordView mark{.key = key.body(), .value = BytesView("\0\0\0\0\0\0", 6), .time = {1}};
  return stored(batch_of({&mark, 1}, {.id = writer}, Packing::none), at, kOfATransaction | kOfControl);
}

}  // namespace tradewind::log::kafka
