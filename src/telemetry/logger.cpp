// The one place that sees the logging library.
#include "telemetry/logger.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/json.h"

namespace tradewind::telemetry {
namespace {

constexpr int64_t kWindowNs = 10'000'000'000;
constexpr int64_t kMostLines = 10;

const char* name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "";
}

// A value that could be mistaken for more than one word is quoted and escaped as in JSON, so a line stays a
// line whatever a client sent.
void append_value(std::string& out, const std::string& value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \"=\\") == std::string::npos &&
      std::all_of(value.begin(), value.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; });
  if (plain)
    out += value;
  else
    append_json_string(out, value);
}

std::string text_line(Timestamp now, Level level, const char* room, const char* text, Logger::Values values,
                      int64_t held_back) {
  std::string line = to_iso(now) + " " + name_of(level) + " " + room + " " + text;
  for (const Value& value : values) {
    line += " " + std::string(value.name) + "=";
    append_value(line, value.value);
  }
  if (held_back > 0) line += " held_back=" + std::to_string(held_back);
  return line;
}

std::string json_line(Timestamp now, Level level, const char* room, const char* text, Logger::Values values,
                      int64_t held_back) {
  std::string line;
  JsonWriter json(line);
  json.begin_object();
  const auto member = [&](std::string_view name, std::string_view value) {
    json.key(name);
    json.string(value);
  };
  member("time", to_iso(now));
  member("level", name_of(level));
  member("room", room);
  member("text", text);
  for (const Value& value : values) member(value.name, value.value);
  if (held_back > 0) {
    json.key("held_back");
    json.number(held_back);
  }
  json.end_object();
  return line;
}

}  // namespace

// The library writes whole lines under its lock; what a line says is ours, for its own clock and escapes are
// not.
struct Logger::Sink {
  spdlog::sink_ptr sink;
  spdlog::logger logger;

  explicit Sink(std::ostream* out) : sink(make(out)), logger("tradewind", sink) {
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
    logger.set_error_handler([](const std::string&) {});  // there is nowhere left to say it
  }
  static spdlog::sink_ptr make(std::ostream* out) {
    if (out != nullptr) return std::make_shared<spdlog::sinks::ostream_sink_mt>(*out);
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
};

void LoggerOptions::fields(Options& options) {
  options.choice(
      "telemetry.log_level", level,
      {{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}},
      "The least level that is written to standard error.");
  options.choice("telemetry.log_format", format, {{"text", LineFormat::text}, {"json", LineFormat::json}},
                 "How a line is written: for eyes, or one JSON object for a collector.");
}

Logger::Logger(const LoggerOptions& options, Clock& clock)
    : options_(options), clock_(clock), sink_(std::make_unique<Sink>(options.out)) {}
Logger::~Logger() = default;

std::optional<int64_t> Logger::admit(const char* text) {
  const int64_t now = clock_.monotonic_ns();
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = shown_.try_emplace(text);
  Shown& shown = at->second;
  if (fresh || now - shown.since_ns >= kWindowNs) {
    shown.since_ns = now;
    shown.lines = 0;
  }
  if (shown.lines == kMostLines) {
    ++shown.held_back;
    return std::nullopt;
  }
  ++shown.lines;
  return std::exchange(shown.held_back, 0);
}

void Logger::say(Level level, const char* room, const char* text, Values values) {
  if (level < options_.level) return;
  const auto held_back = admit(text);
  if (!held_back) return;
  const auto make = options_.format == LineFormat::json ? json_line : text_line;
  const std::string line = make(clock_.now(), level, room, text, values, *held_back);
  sink_->logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace tradewind::telemetry
