// Regular expressions in Java's syntax, by PCRE2, which knows all of it that people write.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

// One pattern, compiled. Threads: one.
class Pattern {
 public:
  Pattern() = default;
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() { forget(); }

  // Compiles `text` unless that was the last one. The error names the place.
  Result<> set(const std::string& text) {
    if (code_ != nullptr && text == text_) return {};
    forget();
    int number = 0;
    PCRE2_SIZE at = 0;
    code_ = pcre2_compile(units(text), text.size(), PCRE2_UTF, &number, &at, nullptr);
    if (code_ == nullptr) {
      PCRE2_UCHAR message[128];
      pcre2_get_error_message(number, message, sizeof message);
      return Error{Code::invalid, "'" + text + "' is no regular expression: " +
                                      reinterpret_cast<const char*>(message) + " at " + std::to_string(at)};
    }
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);  // without it, matching is only slower
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
    limits_ = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(limits_, 1'000'000);  // a pattern that explodes is a row's error
    text_ = text;
    return {};
  }

  // The next match at or behind `from`; false: none.
  Result<bool> find(const std::string& in, size_t from) {
    const int found = pcre2_match(code_, units(in), in.size(), from, 0, match_, limits_);
    if (found == PCRE2_ERROR_NOMATCH) return false;
    if (found < 0)
      return Error{Code::invalid, "'" + text_ + "' takes too long here, or the text is no UTF-8"};
    return true;
  }

  uint32_t groups() const { return pcre2_get_ovector_count(match_); }
  size_t begin(uint32_t group = 0) const { return pcre2_get_ovector_pointer(match_)[size_t{2} * group]; }
  size_t end(uint32_t group = 0) const { return pcre2_get_ovector_pointer(match_)[size_t{2} * group + 1]; }
  bool has(uint32_t group) const { return group < groups() && begin(group) != PCRE2_UNSET; }
  std::string group(const std::string& in, uint32_t group) const {
    return in.substr(begin(group), end(group) - begin(group));
  }
  int number_of(const std::string& name) const {
    return pcre2_substring_number_from_name(code_, units(name));
  }

 private:
  static PCRE2_SPTR units(const std::string& text) { return reinterpret_cast<PCRE2_SPTR>(text.c_str()); }
  void forget() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
    pcre2_match_context_free(limits_);
    match_ = nullptr;
    code_ = nullptr;
    limits_ = nullptr;
  }

  std::string text_;
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
  pcre2_match_context* limits_ = nullptr;
};

// Where the search goes on behind a match: an empty one moves it a character.
size_t behind(const Pattern& pattern, const std::string& in) {
  size_t at = pattern.end();
  if (pattern.end() > pattern.begin()) return at;
  ++at;
  while (at < in.size() && (in[at] & 0xc0) == 0x80) ++at;
  return at;
}

Result<uint32_t> group_of(const Pattern& pattern, Values a) {
  const int64_t group = a.size() == 3 ? a[2].number() : 0;
  if (group < 0 || group >= pattern.groups())
    return Error{Code::invalid, "the pattern has no group " + std::to_string(group)};
  return static_cast<uint32_t>(group);
}

ColumnPtr extract(const Call& call) {
  Pattern pattern;
  return by_row(call, [&](Values a) -> Result<Value> {
    TRY(pattern.set(a[0].text()));
    const uint32_t group = TRY(group_of(pattern, a));
    const std::string& in = a[1].text();
    if (!TRY(pattern.find(in, 0)) || !pattern.has(group)) return Value();
    return Value(pattern.group(in, group));
  });
}

ColumnPtr extract_all(const Call& call) {
  Pattern pattern;
  return by_row(call, [&](Values a) -> Result<Value> {
    TRY(pattern.set(a[0].text()));
    const uint32_t group = TRY(group_of(pattern, a));
    const std::string& in = a[1].text();
    std::vector<Value> found;
    for (size_t at = 0; at <= in.size(); at = behind(pattern, in)) {
      if (!TRY(pattern.find(in, at))) break;
      found.push_back(pattern.has(group) ? Value(pattern.group(in, group)) : Value());
    }
    return Value(std::move(found));
  });
}

// Java's replacement: $1, ${name}, \ before a plain character.
Result<std::string> replacement_of(const Pattern& pattern, const std::string& in, const std::string& by) {
  std::string out;
  for (size_t i = 0; i < by.size(); ++i) {
    if (by[i] == '\\' && i + 1 < by.size()) {
      out += by[++i];
      continue;
    }
    if (by[i] != '$') {
      out += by[i];
      continue;
    }
    int group = -1;
    if (i + 1 < by.size() && by[i + 1] == '{') {
      const size_t close = by.find('}', i);
      if (close != std::string::npos) group = pattern.number_of(by.substr(i + 2, close - i - 2));
      i = close;
    } else if (i + 1 < by.size() && by[i + 1] >= '0' && by[i + 1] <= '9') {
      group = by[++i] - '0';
      while (i + 1 < by.size() && by[i + 1] >= '0' && by[i + 1] <= '9' &&
             static_cast<uint32_t>(group * 10 + by[i + 1] - '0') < pattern.groups()) {
        group = group * 10 + by[++i] - '0';
      }
    }
    if (group < 0 || static_cast<uint32_t>(group) >= pattern.groups())
      return Error{Code::invalid, "the replacement '" + by + "' names a group that the pattern has not"};
    if (pattern.has(static_cast<uint32_t>(group))) out += pattern.group(in, static_cast<uint32_t>(group));
  }
  return out;
}

ColumnPtr replace(const Call& call) {
  Pattern pattern;
  return by_row(call, [&](Values a) -> Result<Value> {
    TRY(pattern.set(a[1].text()));
    const std::string& in = a[0].text();
    std::string out;
    size_t copied = 0;
    for (size_t at = 0; at <= in.size(); at = behind(pattern, in)) {
      if (!TRY(pattern.find(in, at))) break;
      out += in.substr(copied, pattern.begin() - copied);
      out += TRY(replacement_of(pattern, in, a[2].text()));
      copied = pattern.end();
    }
    return Value(out + in.substr(copied));
  });
}

ColumnPtr split(const Call& call) {
  Pattern pattern;
  return by_row(call, [&](Values a) -> Result<Value> {
    TRY(pattern.set(a[1].text()));
    const std::string& in = a[0].text();
    std::vector<Value> parts;
    size_t from = 0;
    for (size_t at = 0; at <= in.size(); at = behind(pattern, in)) {
      if (!TRY(pattern.find(in, at))) break;
      const bool empty = pattern.begin() == pattern.end();
      if (empty && (pattern.begin() == 0 || pattern.begin() == in.size())) continue;
      parts.emplace_back(in.substr(from, pattern.begin() - from));
      from = pattern.end();
    }
    parts.emplace_back(in.substr(from));
    return Value(std::move(parts));
  });
}

const Function kRows[] = {
    {"REGEXP_EXTRACT", "REGEXP_EXTRACT(pattern, text [, group])",
     "What the pattern, or a group of it, first matches; null when nothing does.",
     "REGEXP_EXTRACT('(\\d+)-(\\d+)', 'on 12-34', 2)",
     [](Arguments& a) {
       return take("REGEXP_EXTRACT", a, {Kind::string, Kind::string, Kind::integer}, Kind::string, 1);
     },
     extract},
    {"REGEXP_EXTRACT_ALL", "REGEXP_EXTRACT_ALL(pattern, text [, group]) -> ARRAY<STRING>",
     "All that the pattern, or a group of it, matches.", "REGEXP_EXTRACT_ALL('[a-z]+', 'ab 1 cd')",
     [](Arguments& a) {
       return take("REGEXP_EXTRACT_ALL", a, {Kind::string, Kind::string, Kind::integer},
                   Type::array(Kind::string), 1);
     },
     extract_all},
    {"REGEXP_REPLACE", "REGEXP_REPLACE(text, pattern, replacement)",
     "With every match replaced; $1 stands for the first group.", "REGEXP_REPLACE('a1b22', '\\d+', '#')",
     [](Arguments& a) {
       return take("REGEXP_REPLACE", a, {Kind::string, Kind::string, Kind::string}, Kind::string);
     },
     replace},
    {"REGEXP_SPLIT_TO_ARRAY", "REGEXP_SPLIT_TO_ARRAY(text, pattern) -> ARRAY<STRING>",
     "The parts between the matches.", "REGEXP_SPLIT_TO_ARRAY('a1b22c', '\\d+')",
     [](Arguments& a) {
       return take("REGEXP_SPLIT_TO_ARRAY", a, {Kind::string, Kind::string}, Type::array(Kind::string));
     },
     split},
};

}  // namespace

std::span<const Function> regex_functions() {
  return kRows;
}

}  // namespace tradewind::expr
