#include "cli/settings.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/verbs.h"
#include "telemetry/process.h"

namespace tradewind::cli {
namespace {

struct ShortFlag {
  const char* flag;
  const char* name;
  const char* unit = "";  // what its value is written without
};
constexpr std::array kShortFlags{
    ShortFlag{"--data", "log.path"},          ShortFlag{"--log", "log.at"},
    ShortFlag{"--listen", "server.listen"},   ShortFlag{"--durability", "log.durability"},
    ShortFlag{"--workers", "stream.workers"}, ShortFlag{"--state-memory-mb", "state.memory_bytes", "MB"}};

constexpr int64_t kLeastStateBytes = int64_t{1} << 30;
constexpr std::string_view kAtLeastOnce = "at_least_once";

Environment process_environment() {
  Environment environment;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string pair = *at;
    const size_t equals = pair.find('=');
    if (equals != std::string::npos) environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return environment;
}

// At least once would save the marks of transactions. But state would run ahead of the places in the sources,
// and a table that counted rows twice stays wrong. So who asks for it gets more.
Result<> check_guarantee(const std::string& guarantee) {
  const bool known =
      guarantee == "exactly_once" || guarantee == "exactly_once_v2" || guarantee == kAtLeastOnce;
  if (known) return {};
  return Error{Code::invalid,
               "processing.guarantee takes exactly_once or at_least_once, not '" + guarantee + "'"};
}

// What no single setting can see is wrong.
Result<> check_together(const Settings& settings) {
  if (settings.log.first_segment_bytes > settings.log.most_segment_bytes) {
    return Error{Code::invalid, "log.first_segment_bytes (" +
                                    bytes_text(static_cast<int64_t>(settings.log.first_segment_bytes)) +
                                    ") is larger than log.most_segment_bytes (" +
                                    bytes_text(static_cast<int64_t>(settings.log.most_segment_bytes)) +
                                    "); raise that or lower this"};
  }
  return {};
}

}  // namespace

void Settings::fields(Options& options) {
  options.text(
      "log.at", log_at,
      "embedded: our own log, in log.path. kafka:HOST:PORT[,HOST:PORT]...: the cluster these brokers "
      "belong to.");
  options.text(
      "processing.guarantee", guarantee,
      "exactly_once (or exactly_once_v2, the same): results, state and places are one commit. "
      "at_least_once gives up that a crash tells results once, elsewhere; here it is taken, and the same "
      "is done: without that commit a crash would make tables wrong for good, and little is won.");
  log.fields(options);
  kafka.fields(options);
  registry.fields(options);
  stream.fields(options);
  figures.fields(options);
  ingest.fields(options);
  server.fields(options);
  access.fields(options);
  logger.fields(options);
}

std::vector<std::string> setting_flags() {
  Settings settings;
  Options options;
  settings.fields(options);
  std::vector<std::string> flags;
  for (const ShortFlag& flag : kShortFlags) flags.push_back(flag.flag);
  for (const Setting& setting : options.settings()) flags.push_back("--" + setting.name);
  return flags;
}

Result<std::vector<std::string>> read_settings(const Arguments& arguments, Settings& settings) {
  Options options(process_environment());
  settings.fields(options);
  if (arguments.has("--config")) TRY(options.read_file(arguments.get("--config")));
  const bool sets_nothing = arguments.has("--config") && options.given().empty();
  auto notes = TRY(options.read_environment());
  if (sets_nothing)
    notes.push_back(arguments.get("--config") + " sets nothing: it is empty, or all comments");
  for (const ShortFlag& flag : kShortFlags) {
    for (const std::string& value : arguments.all(flag.flag))
      TRY(options.set(flag.name, value + flag.unit, flag.flag));
  }
  for (const Setting& setting : options.settings()) {
    const std::string flag = "--" + setting.name;
    for (const std::string& value : arguments.all(flag)) TRY(options.set(setting.name, value, flag));
  }
  TRY(check_guarantee(settings.guarantee));
  if (settings.guarantee == kAtLeastOnce) {
    notes.emplace_back(
        "processing.guarantee: at_least_once gives up that each row counts once after a crash; nothing here "
        "would be quicker by it, so results, state and places stay one commit, exactly once");
  }
  TRY(check_together(settings));
  if (settings.stream.state_bytes == 0)
    settings.stream.state_bytes = std::max(kLeastStateBytes, telemetry::memory_there_is() / 4);
  return notes;
}

std::string settings_reference() {
  Settings settings;
  Options options;
  settings.fields(options);
  return options.reference();
}

}  // namespace tradewind::cli
