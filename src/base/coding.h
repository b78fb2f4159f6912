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

// Through a pointer, which has room (10 bytes for a number); answers the place behind.
inline char* write_varint(char* at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}
// Without a call where it is short, as most texts are.
inline char* write_raw(char* at, const char* from, size_t size) {
  if (size > 128) {
    std::memcpy(at, from, size);
  } else if (size >= 16) {
    for (size_t done = 0; done + 16 <= size; done += 16) std::memcpy(at + done, from + done, 16);
    std::memcpy(at + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(at, from, 8);
    std::memcpy(at + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(at, from, 4);
    std::memcpy(at + size - 4, from + size - 4, 4);
  } else if (size > 0) {
    at[0] = from[0];
    at[size / 2] = from[size / 2];
    at[size - 1] = from[size - 1];
  }
  return at + size;
}

inline void put_varint(Bytes& out, uint64_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
    return;
  }
  char raw[10];
  out.append(raw, static_cast<size_t>(write_varint(raw, value) - raw));
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

// The same through a pointer, which it moves; most numbers take one byte.
inline bool read_varint(const char*& at, const char* end, uint64_t& value) {
  if (at < end && static_cast<uint8_t>(*at) < 0x80) {
    value = static_cast<uint8_t>(*at++);
    return true;
  }
  BytesView in(at, static_cast<size_t>(end - at));
  if (!get_varint(in, value)) return false;
  at = in.data();
  return true;
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

// Many small things in a row: gathered here, appended by the kilobyte. Appends what is left when it goes.
class Packer {
 public:
  explicit Packer(Bytes& out) : out_(out) {}
  ~Packer() { flush(); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  void varint(uint64_t value) {
    if (at_ > gathered_ + sizeof gathered_ - 10) flush();
    at_ = write_varint(at_, value);
  }
  void zigzag(int64_t value) { varint(tradewind::zigzag(value)); }
  // Length first, then the bytes.
  void bytes(BytesView bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  void raw(BytesView bytes) {
    if (bytes.size() > static_cast<size_t>(gathered_ + sizeof gathered_ - at_)) flush();
    if (bytes.size() > sizeof gathered_)
      out_.append(bytes);
    else
      at_ = write_raw(at_, bytes.data(), bytes.size());
  }

 private:
  void flush() {
    out_.append(gathered_, static_cast<size_t>(at_ - gathered_));
    at_ = gathered_;
  }

  Bytes& out_;
  char gathered_[2048];
  char* at_ = gathered_;
};

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
