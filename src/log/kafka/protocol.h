#pragma once
// Kafka's protocol as far as transactions and reading need it: numbers big-endian, texts and lists behind
// their length. Only versions of requests from before lengths became varints; brokers of 3.9 and of 4 take
// them.
//
// Threads: plain values.

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace tradewind::log::kafka {

enum class Api : int16_t {
  produce = 0,
  fetch = 1,
  metadata = 3,
  find_coordinator = 10,
  sasl_handshake = 17,
  init_producer_id = 22,
  add_partitions_to_txn = 24,
  add_offsets_to_txn = 25,
  end_txn = 26,
  txn_offset_commit = 28,
  sasl_authenticate = 36,
};

// The body of a request.
class Asked {
 public:
  Asked& number8(int8_t value) { return put(1, value); }
  Asked& number16(int16_t value) { return put(2, value); }
  Asked& number32(int32_t value) { return put(4, value); }
  Asked& number64(int64_t value) { return put(8, value); }
  Asked& text(BytesView text) {
    number16(static_cast<int16_t>(text.size()));
    bytes_.append(text);
    return *this;
  }
  Asked& bytes(BytesView bytes) {
    number32(static_cast<int32_t>(bytes.size()));
    bytes_.append(bytes);
    return *this;
  }
  Asked& raw(BytesView bytes) {
    bytes_.append(bytes);
    return *this;
  }
  const Bytes& body() const { return bytes_; }

 private:
  Asked& put(int size, int64_t value) {
    for (int at = size - 1; at >= 0; --at) bytes_.push_back(static_cast<char>((value >> (8 * at)) & 0xFF));
    return *this;
  }

  Bytes bytes_;
};

// Reads the body of an answer. Behind its end all is 0 and empty, and broken() tells.
class Told {
 public:
  explicit Told(BytesView bytes) : left_(bytes) {}

  int8_t number8() { return static_cast<int8_t>(get(1)); }
  int16_t number16() { return static_cast<int16_t>(get(2)); }
  int32_t number32() { return static_cast<int32_t>(get(4)); }
  int64_t number64() { return static_cast<int64_t>(get(8)); }
  std::string text() {  // null is empty
    const int16_t size = number16();
    if (size <= 0) return "";
    if (static_cast<size_t>(size) > left_.size()) return cut();
    std::string made(left_.substr(0, static_cast<size_t>(size)));
    left_.remove_prefix(static_cast<size_t>(size));
    return made;
  }
  Bytes bytes() { return Bytes(view()); }  // null is empty
  // The same, where it lies.
  BytesView view() {
    const int32_t size = number32();
    if (size <= 0) return {};
    if (static_cast<size_t>(size) > left_.size()) {
      cut();
      return {};
    }
    const BytesView found = left_.substr(0, static_cast<size_t>(size));
    left_.remove_prefix(static_cast<size_t>(size));
    return found;
  }
  // Of the versions in which lengths are varints: a number, a text behind its length and one, and what
  // later versions may have added.
  uint64_t compact() {
    uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const uint64_t byte = get(1);
      value |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  }
  std::string compact_text() {
    const uint64_t size = compact();
    if (size <= 1) return "";
    if (size - 1 > left_.size()) return cut();
    std::string made(left_.substr(0, size - 1));
    left_.remove_prefix(size - 1);
    return made;
  }
  void pass_over(uint64_t size) {
    if (size > left_.size())
      cut();
    else
      left_.remove_prefix(size);
  }
  void skip_tags() {
    for (uint64_t left = compact(); left > 0 && !broken_; --left) {
      compact();
      pass_over(compact());
    }
  }
  // How many follow, each of `least` bytes or more; 0 where there cannot be so many.
  int32_t count(size_t least) {
    const int32_t count = number32();
    if (count <= 0) return 0;
    if (static_cast<size_t>(count) <= left_.size() / least) return count;
    cut();
    return 0;
  }
  bool broken() const { return broken_; }

 private:
  uint64_t get(size_t size) {
    if (size > left_.size()) {
      cut();
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(left_[i]);
    left_.remove_prefix(size);
    return value;
  }
  std::string cut() {
    left_ = {};
    broken_ = true;
    return "";
  }

  BytesView left_;
  bool broken_ = false;
};

}  // namespace tradewind::log::kafka
