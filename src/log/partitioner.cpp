#include "log/partitioner.h"

#include "base/check.h"
#include "base/hash.h"

namespace tradewind::log {

int32_t partition_of(BytesView key, int32_t partitions) {
  CHECK(partitions > 0);
  return (murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace tradewind::log
