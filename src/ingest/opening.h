#pragma once
// Opening: what stands in front of a member's value, to be compared as a whole with what stands there the
// next time.
//
// Threads: plain values.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tradewind::ingest {

// Bracket or comma, name, colon, and the blanks between them.
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
  // REQUIRES at <= end, behind which nothing is read.
  bool stands_at(const char* at, const char* end) const {
    if (end - at >= static_cast<ptrdiff_t>(kMostBytes)) [[likely]]
      return is_in(at);
    std::array<char, kMostBytes> rest{};
    std::memcpy(rest.data(), at, static_cast<size_t>(end - at));
    return is_in(rest.data());
  }

 private:
  bool is_in(const char* bytes) const {
    uint64_t differ = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      uint64_t word = 0;
      std::memcpy(&word, bytes + 8 * i, 8);
      differ |= (word & mask_[i]) ^ words_[i];
    }
    return differ == 0;
  }

  uint32_t size_ = 0;
  std::array<uint64_t, kMostBytes / 8> words_{};
  std::array<uint64_t, kMostBytes / 8> mask_{};
};

// Names are short, and most often the same: without a call.
[[gnu::always_inline]] inline bool same_name(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  const auto differ = [&]<class Word>(size_t at, Word) {
    Word left = 0;
    Word right = 0;
    std::memcpy(&left, a.data() + at, sizeof left);
    std::memcpy(&right, b.data() + at, sizeof right);
    return left != right;
  };
  if (size < 4) return a == b;
  if (size < 8) return !differ(0, uint32_t{}) && !differ(size - 4, uint32_t{});
  for (size_t at = 0; at + 8 < size; at += 8) {
    if (differ(at, uint64_t{})) return false;
  }
  return !differ(size - 8, uint64_t{});
}

}  // namespace tradewind::ingest
