#include "base/hash.h"

#include <array>
#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace tradewind {

int32_t murmur2(BytesView bytes) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const size_t size = bytes.size();
  uint32_t hash = 0x9747b28cU ^ static_cast<uint32_t>(size);
  size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    uint32_t word;
    std::memcpy(&word, data + i, 4);
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  switch (size - i) {
    case 3: hash ^= static_cast<uint32_t>(data[i + 2]) << 16; [[fallthrough]];
    case 2: hash ^= static_cast<uint32_t>(data[i + 1]) << 8; [[fallthrough]];
    case 1:
      hash ^= data[i];
      hash *= kMultiplier;
      break;
    default: break;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;

constexpr std::array<uint32_t, 256> make_byte_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ kPolynomial : crc >> 1;
    table[i] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kByteTable = make_byte_table();

#ifdef __SSE4_2__

constexpr size_t kLane = 1024;  // bytes per interleaved stream

// What appending `kLane` zero bytes does to a CRC, as four tables indexed by its bytes.
struct ShiftTables {
  std::array<std::array<uint32_t, 256>, 4> byte;
};

uint32_t append_zeros(uint32_t crc, size_t count) {
  for (size_t i = 0; i < count; ++i) crc = (crc >> 8) ^ kByteTable[crc & 255];
  return crc;
}

ShiftTables make_shift_tables() {
  ShiftTables tables;
  std::array<uint32_t, 32> column;
  for (int bit = 0; bit < 32; ++bit) column[bit] = append_zeros(1U << bit, kLane);
  for (int part = 0; part < 4; ++part) {
    for (uint32_t value = 0; value < 256; ++value) {
      uint32_t sum = 0;
      for (int bit = 0; bit < 8; ++bit) {
        if ((value >> bit & 1) != 0) sum ^= column[part * 8 + bit];
      }
      tables.byte[part][value] = sum;
    }
  }
  return tables;
}

uint32_t shift_lane(uint32_t crc) {
  static const ShiftTables tables = make_shift_tables();
  return tables.byte[0][crc & 255] ^ tables.byte[1][crc >> 8 & 255] ^ tables.byte[2][crc >> 16 & 255] ^
         tables.byte[3][crc >> 24];
}

uint64_t load64(const char* data) {
  uint64_t word;
  std::memcpy(&word, data, 8);
  return word;
}

uint32_t crc_update(const char* data, size_t size, uint32_t crc) {
  while (size >= 3 * kLane) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < kLane; i += 8) {
      a = _mm_crc32_u64(a, load64(data + i));
      b = _mm_crc32_u64(b, load64(data + kLane + i));
      c = _mm_crc32_u64(c, load64(data + 2 * kLane + i));
    }
    crc = shift_lane(shift_lane(static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b)) ^
          static_cast<uint32_t>(c);
    data += 3 * kLane;
    size -= 3 * kLane;
  }
  uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) wide = _mm_crc32_u64(wide, load64(data));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) crc = _mm_crc32_u8(crc, static_cast<uint8_t>(*data));
  return crc;
}

#else

uint32_t crc_update(const char* data, size_t size, uint32_t crc) {
  for (size_t i = 0; i < size; ++i)
    crc = (crc >> 8) ^ kByteTable[(crc ^ static_cast<uint8_t>(data[i])) & 255];
  return crc;
}

#endif

}  // namespace

uint32_t crc32c(BytesView bytes, uint32_t crc) {
  return ~crc_update(bytes.data(), bytes.size(), ~crc);
}

}  // namespace tradewind
