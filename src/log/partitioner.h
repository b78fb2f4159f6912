#pragma once
// The partition of a key, byte-identical to Kafka's default partitioner (murmur2 of the key, sign bit
// dropped).

#include <cstdint>

#include "base/bytes.h"

namespace tradewind::log {

// REQUIRES partitions > 0.
int32_t partition_of(BytesView key, int32_t partitions);

}  // namespace tradewind::log
