#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/shop/topics.h"
#include "cli/verbs.h"
#include "engine/engine.h"
#include "log/open.h"
#include "schema/local_registry.h"
#include "server/server.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind serve: the platform in one process, on its own log.

  --data DIR            where everything lies (default: data)
  --listen HOST:PORT    default 127.0.0.1:8088; port 0 takes any free one
  --queries DIR         runs the .sql files of a folder once; may be given several times
  --durability fsync|os fsync (default): acknowledged means on the disk; os: handed to the operating system
  --workers N           threads that compute (default 1: no row travels between tasks)
  --state-memory-mb N   memory for all tables together (default 1024)

Example:
  tradewind serve --data data --queries queries/retail
SIGTERM or Ctrl-C: finishes what is at hand, commits, exits 0.
)";

volatile std::sig_atomic_t stop_asked = 0;

struct Listen {
  std::string host = "127.0.0.1";
  int port = 8088;
};

Result<Listen> parse_listen(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(port) > 65535) {
    return Error{Code::invalid, "--listen wants HOST:PORT such as 127.0.0.1:8088, not '" + text + "'"};
  }
  return Listen{text.substr(0, colon), std::stoi(port)};
}

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

Result<> run_queries(engine::Engine& engine, const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    std::vector<std::string> notes;
    auto done = engine.run_files(TRY(read_queries(directory)), notes);
    for (const std::string& note : notes) std::fprintf(stderr, "tradewind: %s\n", note.c_str());
    if (!done.ok()) return done.error().within(directory);
  }
  return {};
}

Result<> run(const Arguments& arguments) {
  SystemClock clock;
  const int64_t began = clock.monotonic_ns();
  const Listen listen = TRY(parse_listen(arguments.get("--listen", "127.0.0.1:8088")));
  log::EmbeddedOptions log_options;
  log_options.directory = arguments.get("--data", "data");
  const std::string durability = arguments.get("--durability", "fsync");
  if (durability != "fsync" && durability != "os") return Error{Code::invalid, "--durability is fsync or os"};
  if (durability == "os") {
    log_options.durability = log::Durability::os;
    std::fprintf(stderr,
                 "tradewind: durability is os: what was acknowledged can be lost when the machine stops\n");
  }
  const auto log = TRY(log::open_embedded(log_options));
  const auto registry = TRY(schema::LocalRegistry::open(*log));
  TRY(shop::declare_shop(*log, *registry));
  std::map<std::string, ingest::TopicRule> rules;
  for (const shop::ShopTopic& topic : shop::shop_topics()) rules[topic.name] = {.key_field = topic.key_field};
  ingest::Ingestor ingestor(*log, *registry, clock, rules);
  stream::RuntimeOptions runtime;
  runtime.workers = std::atoi(arguments.get("--workers", "1").c_str());
  if (runtime.workers < 1 || runtime.workers > runtime.state_partitions) {
    return Error{Code::invalid,
                 "--workers is a number from 1 to " + std::to_string(runtime.state_partitions)};
  }
  runtime.state_bytes = std::max(16LL, std::atoll(arguments.get("--state-memory-mb", "1024").c_str())) << 20;
  engine::Engine engine(*log, *registry, clock, runtime);
  server::Server server({*log, *registry, engine, ingestor, clock},
                        {.address = listen.host, .port = listen.port});
  TRY(server.start());
  TRY(ingestor.start());
  TRY(engine.start());
  TRY(run_queries(engine, arguments.all("--queries")));
  server.set_ready();
  std::printf("ready http://%s:%d (%.1f s)\n", listen.host.c_str(), server.port(),
              static_cast<double>(clock.monotonic_ns() - began) / 1e9);
  std::fflush(stdout);
  while (stop_asked == 0) {
    clock.sleep(Duration(50));
    if (const auto failed = log->failure()) return *failed;
    if (const auto failed = engine.failure()) return *failed;
  }
  server.stop();
  engine.stop();
  return {};
}

}  // namespace

int serve(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(
      raw, {},
      {"--data", "--listen", "--queries", "--durability", "--workers", "--log", "--state-memory-mb"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (arguments->get("--log", "embedded") != "embedded")
    return fail("only the embedded log is offered yet; leave --log out", 3);
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  const auto done = run(*arguments);
  if (!done.ok()) return fail(done.error().message, done.error().code == Code::invalid ? 2 : 1);
  return 0;
}

}  // namespace tradewind::cli
