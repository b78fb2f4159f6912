#pragma once
// RecordBatch: records of one partition as Kafka stores them, one batch of a transaction, packed.
//
// Threads: plain functions.

#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "log/record.h"

namespace tradewind::log::kafka {

enum class Packing : int16_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };
// As the setting log.kafka.compression names it; nothing: there is no such.
std::optional<Packing> packing_of(const std::string& name);

// Who writes, and the number of the batch's first record among all it wrote to the partition.
struct Writer {
  int64_t id = -1;
  int16_t epoch = -1;
  int32_t sequence = 0;
};

// How many of the first records make a batch that brokers take by default (1 MB unpacked), one at least; adds
// their bytes, about. REQUIRES records.
size_t batch_size(std::span<const RecordView> records, size_t& bytes);
// REQUIRES records.
Bytes batch_of(std::span<const RecordView> records, const Writer& writer, Packing packing);

}  // namespace tradewind::log::kafka
