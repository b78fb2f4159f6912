#pragma once
// Logger: what the process says on standard error: one line each, with level, time, room, a fixed text and
// named values.
//
// The text is a constant and what varies goes into the values, so lines can be counted and a text that
// repeats is held back: at most ten of one text in ten seconds, and the next one says how many were not
// shown. Threads: shared freely.

#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "base/options.h"
#include "base/time.h"

namespace tradewind::telemetry {

enum class Level { debug, info, warning, error };
enum class LineFormat { text, json };

struct LoggerOptions {
  Level level = Level::info;
  LineFormat format = LineFormat::text;
  std::ostream* out = nullptr;  // null: standard error

  void fields(Options& options);
};

struct Value {
  std::string_view name;
  std::string value;
};

class Logger {
 public:
  Logger(const LoggerOptions& options, Clock& clock);
  ~Logger();

  using Values = std::initializer_list<Value>;
  void debug(const char* room, const char* text, Values values = {}) {
    say(Level::debug, room, text, values);
  }
  void info(const char* room, const char* text, Values values = {}) { say(Level::info, room, text, values); }
  void warning(const char* room, const char* text, Values values = {}) {
    say(Level::warning, room, text, values);
  }
  void error(const char* room, const char* text, Values values = {}) {
    say(Level::error, room, text, values);
  }
  void say(Level level, const char* room, const char* text, Values values);

 private:
  struct Shown {
    int64_t since_ns = 0;
    int64_t lines = 0;
    int64_t held_back = 0;
  };
  // How many were held back before this one; nothing when this one is.
  std::optional<int64_t> admit(const char* text);

  const LoggerOptions options_;
  Clock& clock_;
  struct Sink;
  std::unique_ptr<Sink> sink_;
  std::mutex mutex_;
  std::map<const void*, Shown> shown_;  // by the text's address: that is the call site, and cannot grow
};

}  // namespace tradewind::telemetry
