#pragma once
// TimePattern: a pattern of Java's DateTimeFormatter ("yyyy-MM-dd'T'HH:mm:ss.SSSX"), in English, read once.
//
// Threads: immutable, share freely. Letters: y u M L d D E Q a H h k K m s S n X x Z z V; quoted text;
// sections in [ ] that text may leave out.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "expr/functions/zone.h"

namespace tradewind::expr {

class TimePattern {
 public:
  // invalid: a letter that is not known, a quote that is not closed.
  static Result<TimePattern> read(const std::string& pattern);

  // What the zone's clocks show at that moment.
  std::string format(int64_t utc_ms, const Zone& zone) const;
  // The moment a text tells; of a zone in the text, or else of `zone`. What it does not tell is the first of
  // 1970, midnight.
  Result<int64_t> parse(const std::string& text, const Zone& zone) const;

 private:
  struct Part {
    enum class Kind { text, field, open, close };
    Kind kind = Kind::text;
    std::string text;
    char letter = 0;
    size_t count = 0;
    bool exact = false;  // a number directly before another one: no more digits than letters
  };
  struct Read;
  std::optional<size_t> parse_from(size_t part, const std::string& text, size_t at, Read& read) const;
  static bool read_field(const Part& part, const std::string& text, size_t& at, Read& read);

  std::string pattern_;
  std::vector<Part> parts_;
};

}  // namespace tradewind::expr
