#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/shop/topics.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "engine/engine.h"
#include "schema/local_registry.h"
#include "server/server.h"
#include "telemetry/exposition.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind serve: the platform in one process, on its own log.

  --data DIR            where everything lies (default: data)
  --listen HOST:PORT    default 127.0.0.1:8088; port 0 takes any free one
  --queries DIR         runs the .sql files of a folder once; may be given several times
  --durability fsync|os fsync (default): acknowledged means on the disk; os: handed to the operating system
  --workers N           threads that compute (default 1: no row travels between tasks)
  --state-memory-mb N   memory for all tables together (default 1024)
  --config FILE         settings in YAML, such as: stream.commit_interval: 50ms
  --NAME VALUE          any setting by its name: --stream.commit_interval 50ms; TW_STREAM_COMMIT_INTERVAL=50ms
                        says the same; later wins: file, environment, flag
  --print-settings-reference, --print-metrics-reference
                        all settings, all metrics, as the pages in docs/reference

Examples:
  tradewind serve --data data --queries queries/retail
  tradewind serve --config tradewind.yaml --telemetry.log_format json
SIGTERM or Ctrl-C: finishes what is at hand, commits, exits 0. Messages go to standard error, one a line; standard
output has one line: ready http://HOST:PORT (seconds).
)";

int show(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

volatile std::sig_atomic_t stop_asked = 0;

Result<std::map<std::string, std::string>> read_queries(const std::string& directory) {
  std::map<std::string, std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".sql") continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    files[entry.path().filename().string()] = text.str();
  }
  if (error) return Error{Code::not_found, "cannot read the folder " + directory + ": " + error.message()};
  if (files.empty()) return Error{Code::not_found, "there is no .sql file in " + directory};
  return files;
}

Result<> run_queries(engine::Engine& engine, const std::vector<std::string>& directories,
                     telemetry::Logger& logger) {
  for (const std::string& directory : directories) {
    std::vector<std::string> notes;
    auto done = engine.run_files(TRY(read_queries(directory)), notes);
    for (const std::string& note : notes)
      logger.warning("engine", "a query is not as its file says", {{"folder", directory}, {"note", note}});
    if (!done.ok()) return done.error().within(directory);
  }
  return {};
}

std::string seconds_text(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(ns) / 1e9);
  return text;
}

Result<> wait_for_the_end(Clock& clock, const log::EmbeddedLog& log, const engine::Engine& engine) {
  while (stop_asked == 0) {
    clock.sleep(Duration(50));
    if (const auto failed = log.failure()) return *failed;
    if (const auto failed = engine.failure()) return *failed;
  }
  return {};
}

Result<> run(Settings& settings, const std::vector<std::string>& queries, telemetry::Logger& logger,
             Clock& clock) {
  const int64_t began = clock.monotonic_ns();
  telemetry::Registry metrics;
  settings.log.metrics = &metrics;
  settings.stream.metrics = &metrics;
  settings.stream.logger = &logger;
  settings.ingest.metrics = &metrics;
  if (settings.log.durability == log::Durability::os) {
    logger.warning("log", "durability is os: what was acknowledged can be lost when the machine stops");
  }
  const auto log = TRY(log::open_embedded(settings.log));
  logger.info("log", "opened",
              {{"path", settings.log.directory}, {"segments", std::to_string(log->figures().segments)}});
  const auto registry = TRY(schema::LocalRegistry::open(*log));
  TRY(shop::declare_shop(*log, *registry));
  std::map<std::string, ingest::TopicRule> rules;
  for (const shop::ShopTopic& topic : shop::shop_topics()) rules[topic.name] = {.key_field = topic.key_field};
  ingest::Ingestor ingestor(*log, *registry, clock, rules, settings.ingest);
  engine::Engine engine(*log, *registry, clock, settings.stream);
  server::Server server({*log, *registry, engine, ingestor, clock, metrics}, settings.server);
  TRY(server.start());
  TRY(ingestor.start());
  TRY(engine.start());
  TRY(run_queries(engine, queries, logger));
  server.set_ready();
  const std::string url = "http://" + settings.server.address + ":" + std::to_string(server.port());
  const std::string took = seconds_text(clock.monotonic_ns() - began);
  logger.info("cli", "ready", {{"url", url}, {"seconds", took}});
  std::printf("ready %s (%s s)\n", url.c_str(), took.c_str());
  std::fflush(stdout);
  TRY(wait_for_the_end(clock, *log, engine));
  logger.info("cli", "stopping");
  server.stop();
  engine.stop();
  return {};
}

}  // namespace

int serve(const std::vector<std::string>& raw) {
  std::vector<std::string> valued = setting_flags();
  valued.insert(valued.end(), {"--queries", "--config", "--log"});
  const auto arguments =
      parse_arguments(raw, {"--print-settings-reference", "--print-metrics-reference"}, valued);
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) return show(kHelp);
  if (arguments->has("--print-settings-reference")) return show(settings_reference());
  if (arguments->has("--print-metrics-reference"))
    return show(telemetry::metrics_reference(server::all_metrics()));
  if (arguments->get("--log", "embedded") != "embedded")
    return fail("only the embedded log is offered yet; leave --log out", 3);
  Settings settings;
  const auto notes = read_settings(*arguments, settings);
  if (!notes.ok()) return fail(notes.error().message, 2);
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is a full disk, not a reason to die
  SystemClock clock;
  telemetry::Logger logger(settings.logger, clock);
  for (const std::string& note : *notes)
    logger.warning("cli", "a variable is not a setting", {{"note", note}});
  const auto done = run(settings, arguments->all("--queries"), logger, clock);
  if (done.ok()) return 0;
  logger.error("cli", "cannot go on",
               {{"code", name_of(done.error().code)}, {"error", done.error().message}});
  return done.error().code == Code::invalid ? 2 : 1;
}

}  // namespace tradewind::cli
