#pragma once
// Numbers <-> bytes: little-endian fixed width, varint, zigzag; big-endian and order-preserving forms for
// keys.
//
// Writers append. Readers take from the front of a view and answer false, leaving it unchanged, when it is
// too short or not canonical enough to be a number.

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace tradewind {

inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

template <typename T>
inline void put_fixed(Bytes& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

template <typename T>
inline bool get_fixed(BytesView& in, T& value) {
  if (in.size() < sizeof(T)) return false;
  std::memcpy(&value, in.data(), sizeof(T));
  in.remove_prefix(sizeof(T));
  return true;
}

inline void put_varint(Bytes& out, uint64_t value) {
  char raw[10];
  int size = 0;
  while (value >= 0x80) {
    raw[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  raw[size++] = static_cast<char>(value);
  out.append(raw, static_cast<size_t>(size));
}

inline bool get_varint(BytesView& in, uint64_t& value) {
  uint64_t result = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(in[i]);
    if (i == 9 && byte > 1) return false;
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      value = result;
      return true;
    }
  }
  return false;
}

inline void put_zigzag(Bytes& out, int64_t value) {
  put_varint(out, zigzag(value));
}
inline bool get_zigzag(BytesView& in, int64_t& value) {
  uint64_t raw = 0;
  if (!get_varint(in, raw)) return false;
  value = unzigzag(raw);
  return true;
}

// Length first, then the bytes.
inline void put_bytes(Bytes& out, BytesView bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}
inline bool get_bytes(BytesView& in, BytesView& bytes) {
  BytesView rest = in;
  uint64_t size = 0;
  if (!get_varint(rest, size) || size > rest.size()) return false;
  bytes = rest.substr(0, size);
  in = rest.substr(size);
  return true;
}

inline void put_big32(Bytes& out, uint32_t value) {
  put_fixed(out, __builtin_bswap32(value));
}
inline void put_big64(Bytes& out, uint64_t value) {
  put_fixed(out, __builtin_bswap64(value));
}
inline bool get_big32(BytesView& in, uint32_t& value) {
  if (!get_fixed(in, value)) return false;
  value = __builtin_bswap32(value);
  return true;
}
inline bool get_big64(BytesView& in, uint64_t& value) {
  if (!get_fixed(in, value)) return false;
  value = __builtin_bswap64(value);
  return true;
}

// Bytes that sort (memcmp) like the signed number.
inline void put_ordered64(Bytes& out, int64_t value) {
  put_big64(out, static_cast<uint64_t>(value) ^ (1ULL << 63));
}
inline bool get_ordered64(BytesView& in, int64_t& value) {
  uint64_t raw = 0;
  if (!get_big64(in, raw)) return false;
  value = static_cast<int64_t>(raw ^ (1ULL << 63));
  return true;
}

}  // namespace tradewind
