#pragma once
// Hashes: Kafka's murmur2 (partitioning must equal the Java client's byte for byte), CRC32C (RFC 3720, three
// interleaved streams on x86), and a fast 64-bit hash for tables (folded multiply; not for adversaries).

#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace tradewind {

// As org.apache.kafka.common.utils.Utils.murmur2 computes it (seed 0x9747b28c), result as Java's int.
int32_t murmur2(BytesView bytes);

// CRC32C of `bytes`, continuing from `crc` (0 to start).
uint32_t crc32c(BytesView bytes, uint32_t crc = 0);

inline uint64_t mix64(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ULL) * (b ^ 0xe7037ed1a0b428dbULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash64(BytesView bytes) {
  const char* data = bytes.data();
  size_t left = bytes.size();
  uint64_t hash = left;
  while (left > 16) {
    uint64_t a, b;
    std::memcpy(&a, data, 8);
    std::memcpy(&b, data + 8, 8);
    hash = mix64(a ^ hash, b);
    data += 16;
    left -= 16;
  }
  uint64_t a = 0, b = 0;
  if (left >= 8) {
    std::memcpy(&a, data, 8);
    std::memcpy(&b, data + left - 8, 8);
  } else if (left >= 4) {
    uint32_t low, high;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + left - 4, 4);
    a = low;
    b = high;
  } else if (left > 0) {
    a = static_cast<uint64_t>(static_cast<uint8_t>(data[0])) << 16 |
        static_cast<uint64_t>(static_cast<uint8_t>(data[left / 2])) << 8 |
        static_cast<uint8_t>(data[left - 1]);
  }
  return mix64(a ^ hash, b ^ bytes.size());
}

}  // namespace tradewind
