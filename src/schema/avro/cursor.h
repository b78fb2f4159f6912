#pragma once
// Reading and skipping Avro's encodings at a pointer, within bounds. Each answers where the value ends, or
// null when the bytes end early or are no such value.

#include <cstdint>
#include <cstring>

#ifdef __BMI2__
#include <immintrin.h>
#endif

#include "base/bytes.h"
#include "base/planted.h"

namespace tradewind::schema::avro {

using Cursor = const uint8_t*;

// Byte by byte; for the last few bytes of a payload and for numbers of more than 56 bits.
inline Cursor read_varint_slowly(Cursor at, Cursor end, uint64_t& raw) {
  raw = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at == end) return nullptr;
    const uint8_t byte = *at++;
    if (shift == 63 && byte > 1) return nullptr;
    raw |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return at;
  }
  return nullptr;
}

// A varint that is likely to be long, such as a timestamp.
inline Cursor read_long_varint(Cursor at, Cursor end, uint64_t& raw) {
#ifdef __BMI2__
  if (__builtin_expect(end - at >= 8, 1)) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    const uint64_t stops = ~word & 0x8080808080808080ULL;
    if (__builtin_expect(stops != 0, 1)) {
      const uint64_t mask = stops ^ (stops - 1);  // up to and with the first byte that ends
      raw = _pext_u64(word & mask, 0x7f7f7f7f7f7f7f7fULL);
      return at + (__builtin_ctzll(stops) + 1) / 8;
    }
  }
#endif
  return read_varint_slowly(at, end, raw);
}

// A varint that is likely to be one byte, such as a length.
inline Cursor read_varint(Cursor at, Cursor end, uint64_t& raw) {
  if (__builtin_expect(at < end && *at < 0x80, 1)) {
    raw = *at;
    return at + 1;
  }
  return read_long_varint(at, end, raw);
}

// The length of text or bytes that lie within the payload.
inline Cursor read_length(Cursor at, Cursor end, size_t& length) {
  uint64_t raw = 0;
  at = read_varint(at, end, raw);
  if (__builtin_expect(at == nullptr, 0)) return nullptr;
  length = raw >> 1;
  const size_t left = static_cast<size_t>(end - at) + (planted() ? 1 : 0);
  if (__builtin_expect((raw & 1) != 0 || length > left, 0)) return nullptr;
  return at;
}

inline Cursor skip_varint(Cursor at, Cursor end) {
  uint64_t raw = 0;
  return read_varint(at, end, raw);
}

inline Cursor skip_text(Cursor at, Cursor end) {
  size_t length = 0;
  at = read_length(at, end, length);
  return __builtin_expect(at == nullptr, 0) ? nullptr : at + length;
}

inline Cursor skip_bytes(Cursor at, Cursor end, size_t count) {
  return __builtin_expect(count > static_cast<size_t>(end - at), 0) ? nullptr : at + count;
}

inline BytesView view_of(Cursor at, size_t length) {
  return {reinterpret_cast<const char*>(at), length};
}

}  // namespace tradewind::schema::avro
