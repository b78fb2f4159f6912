#pragma once
// UsualMember: the member of an object that came behind a certain field the last time. Producers write their objects
// alike: what stands between two values is compared as a whole, not read again.
//
// Threads: one at a time.

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace tradewind::ingest {

// What stands in front of a member's value: bracket or comma, name, colon, and the blanks between them.
class Opening {
 public:
  static constexpr size_t kMostBytes = 32;

  // Longer ones are never met again.
  void set(std::string_view written) {
    *this = {};
    if (written.size() > kMostBytes) return;
    size_ = static_cast<uint32_t>(written.size());
    std::memcpy(words_.data(), written.data(), size_);
    std::memset(mask_.data(), 0xff, size_);
  }
  // 0: nothing is known.
  uint32_t size() const { return size_; }
  // REQUIRES that kMostBytes may be read there.
  bool stands_at(const char* at) const {
    uint64_t differ = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      uint64_t word = 0;
      std::memcpy(&word, at + 8 * i, 8);
      differ |= (word & mask_[i]) ^ words_[i];
    }
    return differ == 0;
  }

 private:
  uint32_t size_ = 0;
  std::array<uint64_t, kMostBytes / 8> words_{};
  std::array<uint64_t, kMostBytes / 8> mask_{};
};

struct UsualMember {
  // What is read without asking what else it may be.
  enum class Kind : uint8_t { other, text, noted_text, symbol };

  Opening opening;
  Kind kind = Kind::other;
  size_t field = 0;
  Bytes lead;            // what stands in for the fields it passed, and the value's branch
  size_t stand_ins = 0;  // bytes of `lead` in front of the branch
  size_t symbol = 0;     // the last one
};

}  // namespace tradewind::ingest
