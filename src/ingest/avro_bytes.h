#pragma once
// AvroBytes: values of Avro as they are written, one behind the other, in memory that is kept for the next.
//
// Threads: one at a time.

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/coding.h"

namespace tradewind::ingest {

class AvroBytes {
 public:
  AvroBytes() = default;
  AvroBytes(AvroBytes&& other) noexcept { swap(other); }
  AvroBytes& operator=(AvroBytes&& other) noexcept {
    AvroBytes gone(std::move(other));
    swap(gone);
    return *this;
  }
  size_t size() const { return static_cast<size_t>(at_ - bytes_.get()); }
  BytesView view(size_t from = 0) const { return {bytes_.get() + from, size() - from}; }
  size_t capacity() const { return static_cast<size_t>(end_ - bytes_.get()); }
  void clear() { shrink_to(0); }
  // REQUIRES that there are as many.
  void shrink_to(size_t size) { at_ = bytes_.get() + size; }
  void set(size_t at, char byte) { bytes_[at] = byte; }

  void byte(char byte) {
    char* at = room(1);
    *at = byte;
    at_ = at + 1;
  }
  void raw(BytesView bytes) { at_ = write_raw(room(bytes.size()), bytes.data(), bytes.size()); }
  void text(BytesView text) {
    char* at = write_varint(room(text.size() + 10), text.size() * 2);
    at_ = write_raw(at, text.data(), text.size());
  }
  // The same behind bytes that stand in front of it.
  void text(BytesView lead, BytesView text) {
    char* at = room(lead.size() + text.size() + 10);
    at = write_varint(write_raw(at, lead.data(), lead.size()), text.size() * 2);
    at_ = write_raw(at, text.data(), text.size());
  }
  void number(int64_t value) { at_ = write_varint(room(10), zigzag(value)); }
  // Of a decimal: bytes, the highest first, no more than it takes.
  void unscaled(int64_t value) {
    const auto bits = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(value ^ (value >> 63))));
    const size_t size = bits / 8 + 1;
    const uint64_t word = __builtin_bswap64(static_cast<uint64_t>(value) << (64 - 8 * size));
    char* at = room(1 + sizeof word);
    *at = static_cast<char>(size * 2);
    std::memcpy(at + 1, &word, sizeof word);
    at_ = at + 1 + size;
  }

 private:
  void swap(AvroBytes& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(at_, other.at_);
    std::swap(end_, other.end_);
  }
  char* room(size_t more) {
    if (static_cast<size_t>(end_ - at_) < more) grow(more);
    return at_;
  }
  void grow(size_t more) {
    const size_t used = size();
    const size_t capacity = std::max<size_t>(4096, (used + more) * 2);
    std::unique_ptr<char[]> larger(new char[capacity]);  // not filled with zeros
    if (used > 0) std::memcpy(larger.get(), bytes_.get(), used);
    bytes_ = std::move(larger);
    at_ = bytes_.get() + used;
    end_ = bytes_.get() + capacity;
  }

  std::unique_ptr<char[]> bytes_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace tradewind::ingest
