#include <malloc.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "apps/shop/topics.h"
#include "cli/declared.h"
#include "cli/demo.h"
#include "cli/registry.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "engine/engine.h"
#include "engine/figure_topics.h"
#include "server/server.h"
#include "telemetry/exposition.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind serve: the platform in one process, on its own log or on Kafka.

  --data DIR            where everything lies (default: data)
  --log kafka:HOST:PORT[,HOST:PORT]...
                        on Kafka's log instead: everything lies in topics of the cluster that these brokers belong to
  --listen HOST:PORT    default 127.0.0.1:8088; port 0 takes any free one
  --queries DIR         runs the .sql files of a folder once; may be given several times
  --demo [RATE]         a live demo shop (RATE events a second on average over the day, default 200) and the queries
                        of queries/shop and queries/ops; a first start begins with the last hours, a later one goes on where it was
  --registry.url URL    a Confluent-compatible schema registry that runs elsewhere (docs/registry.md)
  --durability fsync|os fsync (default): acknowledged means on the disk; os: handed to the operating system
  --workers N           threads that compute (default 1: no row travels between tasks)
  --state-memory-mb N   memory for all tables together (default: a quarter of what the machine has, 1024 at least)
  --config FILE         settings in YAML, such as: stream.commit_interval: 50ms
  --NAME VALUE          any setting by its name: --stream.commit_interval 50ms; TW_STREAM_COMMIT_INTERVAL=50ms
                        says the same; later wins: file, environment, flag
  --print-settings-reference, --print-metrics-reference
                        all settings, all metrics, as the pages in docs/reference

Examples:
  tradewind serve --data data --queries queries/retail
  tradewind serve --data data --demo
  tradewind serve --log kafka:broker1:9092,broker2:9092 --queries queries/shop
  tradewind serve --config tradewind.yaml --telemetry.log_format json
SIGTERM or Ctrl-C: finishes what is at hand, commits, exits 0. Messages go to standard error, one a line; standard
output has one line: ready http://HOST:PORT (seconds).
)";

int show(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

volatile std::sig_atomic_t stop_asked = 0;

Result<> run_files(engine::Engine& engine, const std::map<std::string, std::string>& files,
                   const std::string& folder, telemetry::Logger& logger) {
  std::vector<std::string> notes;
  const auto done = engine.run_files(files, notes);
  for (const std::string& note : notes)
    logger.warning("engine", "a query is not as its file says", {{"folder", folder}, {"note", note}});
  if (!done.ok()) return done.error().within(folder);
  return {};
}

std::string seconds_text(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(ns) / 1e9);
  return text;
}

Result<> wait_for_the_end(Clock& clock, const log::WatchedLog& log, const engine::Engine& engine) {
  while (stop_asked == 0) {
    clock.sleep(Duration(50));
    if (const auto failed = log.failure()) return *failed;
    if (const auto failed = engine.failure()) return *failed;
  }
  return {};
}

// Ends the process when an orderly end takes too long because brokers do not answer. Nothing is lost: what
// was not committed is done again after the next start. It outlives all that has to be put away.
class StopLimit {
 public:
  explicit StopLimit(telemetry::Logger& logger) : logger_(logger) {}
  ~StopLimit() {
    thread_.request_stop();
    stopped_.notify_all();
  }

  // From now on it counts. `log` must live until put_away().
  void begin(log::WatchedLog& log) {
    log_ = &log;
    thread_ = std::jthread([this](const std::stop_token& stop) { wait(stop); });
  }
  // All is committed, or given up: what is left is putting away, and `code` the end.
  void put_away(int code) {
    const std::lock_guard lock(mutex_);
    const bool unanswered = log_ != nullptr && log_->refusing().has_value();
    most_putting_away_ = unanswered ? kMostPuttingAwayUnanswered : kMostPuttingAway;
    log_ = nullptr;
    code_ = code;
    waited_ = Duration(0);
  }

 private:
  static constexpr Duration kStep{250};
  static constexpr Duration kMostUnanswered{3'000};
  static constexpr Duration kMostPuttingAway{5'000};
  static constexpr Duration kMostPuttingAwayUnanswered{1'000};  // the client would say goodbye to brokers
  static constexpr Duration kMost{60'000};

  void wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, stop, kStep, [] { return false; }) && !stop.stop_requested()) {
      waited_ += kStep;
      const auto refusing = log_ == nullptr ? std::nullopt : log_->refusing();
      if (waited_ < (log_ == nullptr ? most_putting_away_ : refusing ? kMostUnanswered : kMost)) continue;
      if (log_ != nullptr) {
        logger_.error("cli", "ended without the last commit, which is done again after the next start",
                      {{"error", refusing ? refusing->message : "it took more than a minute"}});
      }
      std::_Exit(code_);
    }
  }

  telemetry::Logger& logger_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  log::WatchedLog* log_ = nullptr;
  int code_ = 1;
  Duration waited_{0};
  Duration most_putting_away_ = kMostPuttingAway;
  std::jthread thread_;  // behind what it uses
};

// What is asked for beside the settings.
struct Work {
  std::vector<std::string> folders;  // of queries
  std::optional<double> demo_rate;   // events a second
};

Result<Work> work_of(const Arguments& arguments) {
  Work work{.folders = arguments.all("--queries")};
  if (!arguments.has("--demo")) return work;
  const std::string text = arguments.get("--demo");
  char* end = nullptr;
  work.demo_rate = text.empty() ? Demo::kUsualRate : std::strtod(text.c_str(), &end);
  if ((end != nullptr && *end != '\0') || !(*work.demo_rate >= 0.01 && *work.demo_rate <= 50'000))
    return Error{Code::invalid, "--demo wants events a second from 0.01 to 50000, not '" + text + "'"};
  return work;
}

// --demo may stand alone: then it gets its usual rate.
std::vector<std::string> with_demo_rate(std::vector<std::string> raw) {
  for (size_t i = 0; i < raw.size(); ++i) {
    const bool alone = i + 1 == raw.size() || raw[i + 1].starts_with("-");
    if (raw[i] == "--demo" && alone) raw[i] = "--demo=";
  }
  return raw;
}

std::map<std::string, ingest::TopicRule> topic_rules() {
  std::map<std::string, ingest::TopicRule> rules{{"simulated-truth", {.key_field = "subject_id"}}};
  for (const shop::ShopTopic& topic : shop::shop_topics()) rules[topic.name] = {.key_field = topic.key_field};
  return rules;
}

// Memory that one thread gives back is had by the others, and by the machine: many threads take turns here,
// and pools of their own would each keep what a busy moment took.
void keep_memory_together(int workers) {
#ifdef __GLIBC__
  ::mallopt(M_ARENA_MAX, workers + 1);
#endif
}

// Of what is allowed, but has a price.
void warn(const Settings& settings, telemetry::Logger& logger) {
  if (settings.log.durability == log::Durability::os) {
    logger.warning("log", "durability is os: what was acknowledged can be lost when the machine stops");
  }
  if (settings.log_at != "embedded") {
    for (const std::string& note : settings.kafka.notes())
      logger.warning("log", "Kafka with these settings has a drawback", {{"note", note}});
  }
}

void tell_places(const Settings& settings, const log::WatchedLog& log, telemetry::Logger& logger) {
  if (settings.log_at == "embedded") {
    logger.info("log", "opened",
                {{"path", settings.log.directory}, {"segments", std::to_string(log.figures().segments)}});
  } else {
    logger.info("log", "opened", {{"at", settings.log_at}, {"instance", settings.kafka.instance}});
  }
  if (settings.registry.given()) logger.info("schema", "registry", {{"url", settings.registry.url}});
}

Result<> run(Settings& settings, const Work& work, telemetry::Logger& logger, Clock& clock) {
  keep_memory_together(settings.stream.workers);
  StopLimit limit(logger);
  const int64_t began = clock.monotonic_ns();
  auto access = TRY(server::Access::create(settings.access, settings.server.address));
  telemetry::Registry metrics;
  settings.log.metrics = &metrics;
  settings.stream.metrics = &metrics;
  settings.stream.logger = &logger;
  settings.ingest.metrics = &metrics;
  warn(settings, logger);
  const auto log = TRY(log::open_log(settings.log_at, settings.log, settings.kafka));
  const bool embedded = settings.log_at == "embedded";
  const OpenedRegistry registry = TRY(open_registry(*log, embedded, settings.registry, clock));
  tell_places(settings, *log, logger);
  TRY(shop::declare_shop(*log, *registry, work.demo_rate ? shop::Keeping::demo : shop::Keeping::all));
  ingest::Ingestor ingestor(*log, *registry, clock, topic_rules(), settings.ingest);
  engine::Engine engine(*log, *registry, clock, settings.stream);
  engine::FigureTopics figures(*log, engine, clock, settings.figures);
  server::Server server({.log = *log,
                         .registry = *registry,
                         .engine = engine,
                         .ingestor = ingestor,
                         .clock = clock,
                         .metrics = metrics,
                         .stuck_after = settings.stream.stuck_after,
                         .state_bytes = settings.stream.state_bytes,
                         .own_registry = registry.own.get(),
                         .remote_registry = registry.remote.get()},
                        settings.server, std::move(access));
  TRY(server.start());
  server.set_stage("reading the ids of the last events");
  TRY(ingestor.start());
  server.set_taking();
  server.set_stage("replaying statements");
  TRY(engine.start());
  TRY(figures.start());
  server.set_stage("running the given files");
  for (const std::string& folder : work.folders)
    TRY(run_files(engine, TRY(queries_in(folder)), folder, logger));
  if (work.demo_rate) {
    TRY(run_files(engine, shop_queries(), "queries/shop", logger));
    TRY(run_files(engine, ops_queries(), "queries/ops", logger));
  }
  server.set_ready();
  const std::string url = "http://" + settings.server.address + ":" + std::to_string(server.port());
  const std::string took = seconds_text(clock.monotonic_ns() - began);
  logger.info("cli", "ready", {{"url", url}, {"seconds", took}});
  std::printf("ready %s (%s s)\n", url.c_str(), took.c_str());
  std::fflush(stdout);
  Demo demo(*log, *registry, ingestor, logger, clock, work.demo_rate.value_or(Demo::kUsualRate));
  if (work.demo_rate) demo.start();
  const auto ended = wait_for_the_end(clock, *log, engine);
  if (settings.log_at != "embedded") limit.begin(*log);
  if (!ended.ok()) {  // told at once: putting much memory away takes a while
    logger.error("cli", "stopping after a failure", {{"error", ended.error().message}});
    limit.put_away(1);
    return ended;
  }
  logger.info("cli", "stopping");
  server.set_stopping();
  demo.stop();
  server.stop();
  figures.stop();
  engine.stop();
  const std::string left = engine.figures().trouble;
  limit.put_away(left.empty() ? 0 : 1);
  if (left.empty()) return {};
  return Error{Code::unavailable,
               "the last commit could not be written, and is done again after the next start: " + left};
}

}  // namespace

int serve(const std::vector<std::string>& raw) {
  std::vector<std::string> valued = setting_flags();
  valued.insert(valued.end(), {"--queries", "--config", "--demo"});
  const auto arguments = parse_arguments(with_demo_rate(raw),
                                         {"--print-settings-reference", "--print-metrics-reference"}, valued);
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) return show(kHelp);
  if (arguments->has("--print-settings-reference")) return show(settings_reference());
  if (arguments->has("--print-metrics-reference"))
    return show(telemetry::metrics_reference(server::all_metrics()));
  Settings settings;
  const auto notes = read_settings(*arguments, settings);
  if (!notes.ok()) return fail(notes.error().message, 2);
  const auto work = work_of(*arguments);
  if (!work.ok()) return fail(work.error().message, 2);
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is a full disk, not a reason to die
  SystemClock clock;
  telemetry::Logger logger(settings.logger, clock);
  for (const std::string& note : *notes) logger.warning("cli", "settings", {{"note", note}});
  const auto done = run(settings, *work, logger, clock);
  if (done.ok()) return 0;
  logger.error("cli", "cannot go on",
               {{"code", name_of(done.error().code)}, {"error", done.error().message}});
  return done.error().code == Code::invalid ? 2 : 1;
}

}  // namespace tradewind::cli
