#pragma once
// Options: the settings of the program, each declared once beside the member it fills, read from a file, the
// environment and flags; what is read later wins.
//
// A room's settings are a struct with `void fields(Options&)`, one call a setting. The struct must outlive
// the Options. Threads: one. Errors: `invalid` with the place (file:line, variable or flag), the value and
// the remedy.

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tradewind {

using Environment = std::map<std::string, std::string>;

// A value nobody may read in a log or an answer: there is no way to print it but to reveal it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

template <typename T>
struct Range {
  T least;
  T most;
};

struct Setting {
  std::string name;      // "log.durability"
  std::string takes;     // "fsync or os": what errors and the page say
  std::string standard;  // its value when nobody gives one
  std::string sentence;
  bool secret = false;
  std::vector<std::string> choices;
  std::function<bool(const std::string&)> set;  // false: it does not take that
};

class Options {
 public:
  // For ${env:NAME}; the program's own as a rule.
  explicit Options(Environment environment = {}) : environment_(std::move(environment)) {}

  // Names are flat and dotted: "log.durability". REQUIRES the name and its variable's name to be new.
  void text(const char* name, std::string& member, const char* sentence);
  void boolean(const char* name, bool& member, const char* sentence);
  // Written "30s", "100ms", "2h"; a bare number is refused but 0.
  void duration(const char* name, Duration& member, Range<Duration> range, const char* sentence);
  // HOST:PORT
  void address(const char* name, std::string& host, int& port, const char* sentence);
  // Given as ${env:NAME} or ${file:PATH} only.
  void secret(const char* name, Secret& member, const char* sentence);
  template <std::integral T>
  void number(const char* name, T& member, Range<int64_t> range, const char* sentence) {
    add_number(
        name, static_cast<int64_t>(member), range,
        [&member](int64_t value) { member = static_cast<T>(value); }, sentence);
  }
  // Written "64MB", "16KB" (of 1024), or a number of bytes.
  template <std::integral T>
  void bytes(const char* name, T& member, Range<int64_t> range, const char* sentence) {
    add_bytes(
        name, static_cast<int64_t>(member), range,
        [&member](int64_t value) { member = static_cast<T>(value); }, sentence);
  }
  template <typename T>
  void choice(const char* name, T& member, std::vector<std::pair<const char*, T>> choices,
              const char* sentence) {
    std::vector<std::string> names;
    std::string standard;
    for (const auto& [text, value] : choices) {
      names.push_back(text);
      if (value == member) standard = text;
    }
    add_choice(
        name, std::move(names), std::move(standard),
        [&member, values = std::move(choices)](size_t which) { member = values[which].second; }, sentence);
  }

  // YAML: flat dotted keys, or nested maps that flatten to them. Keys that name no setting are errors.
  Result<> read_file(const std::string& path);
  Result<> read_yaml(std::string_view text, const std::string& file);
  // TW_LOG_DURABILITY for log.durability. Answers a note for each variable that looks like a setting of ours
  // and is none: no error, for others put variables there too.
  Result<std::vector<std::string>> read_environment();
  // One value; `place` is the flag as it was written.
  Result<> set(const std::string& name, const std::string& value, const std::string& place);

  const std::vector<Setting>& settings() const { return settings_; }
  // Where the value of each setting that was given came from: "log.durability" -> "--durability".
  const std::map<std::string, std::string>& given() const { return given_; }
  // The reference page, in Markdown.
  std::string reference() const;
  static std::string variable_of(const std::string& name);

 private:
  void add(Setting setting);
  void add_number(const char* name, int64_t standard, Range<int64_t> range,
                  std::function<void(int64_t)> store, const char* sentence);
  void add_bytes(const char* name, int64_t standard, Range<int64_t> range, std::function<void(int64_t)> store,
                 const char* sentence);
  void add_choice(const char* name, std::vector<std::string> names, std::string standard,
                  std::function<void(size_t)> store, const char* sentence);
  Setting* find(const std::string& name);
  Error unknown(const std::string& name, const std::string& place) const;
  Result<std::string> resolve(const Setting& setting, const std::string& value,
                              const std::string& place) const;

  Environment environment_;
  std::vector<Setting> settings_;
  std::map<std::string, std::string> given_;
};

// The one of `known` that `name` was probably meant to be; nothing when none is near.
std::optional<std::string> closest(const std::string& name, const std::vector<std::string>& known);

// "1m", "16MB": as a setting is written.
std::string duration_text(Duration value);
std::string bytes_text(int64_t value);
std::optional<Duration> parse_duration(std::string_view text);
std::optional<int64_t> parse_bytes(std::string_view text);

}  // namespace tradewind
