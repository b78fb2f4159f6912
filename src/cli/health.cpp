#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/json.h"
#include "base/time.h"
#include "cli/health_report.h"
#include "cli/verbs.h"
#include "log/open.h"
#include "net/http_client.h"

namespace tradewind::cli {
namespace {

constexpr Duration kSecondLook(1'000);

}  // namespace

int health(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(raw, {"--json"}, {"--server"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::puts(
        "tradewind health [--server URL] [--json]: what is well, what lags and by how much, what stopped and "
        "why, disk\n"
        "and memory. Exit 1 if not ready. Who is behind is looked at twice, a second apart, to see whether "
        "it catches\n"
        "up. --json: one object, as GET /v1/health tells it, each query with its trend.\n"
        "Example: tradewind health --server http://127.0.0.1:8088");
    return 0;
  }
  const std::string url = server_of(*arguments);
  net::HttpClient client(url);
  const auto look = [&]() -> Result<Json> {
    const auto answer = TRY(client.get("/v1/health", Duration(5000)));
    if (answer.status != 200)
      return Error{Code::unavailable, url + " answers " + std::to_string(answer.status) + " to /v1/health"};
    return parse_json(answer.body);
  };
  auto first = look();
  if (!first.ok()) return fail(first.error().message);
  HealthLooks looks{.url = url, .first = std::move(*first), .second = std::nullopt};
  if (somebody_is_behind(looks.first)) {
    SystemClock().sleep(kSecondLook);
    if (auto second = look(); second.ok()) looks.second = std::move(*second);
  }
  if (arguments->has("--json")) {
    std::puts(health_json(looks).dump().c_str());
  } else {
    const bool colours = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    std::fputs(health_report(looks, colours).c_str(), stdout);
  }
  const Json* ready = (looks.second ? *looks.second : looks.first).find("ready");
  return ready != nullptr && ready->truth() ? 0 : 1;
}

// Benchmarks are programs of their own beside this one: some need libraries that the platform does not.
int bench(const std::vector<std::string>& raw, const std::string& program) {
  std::error_code error;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) self = program;
  const std::filesystem::path folder = self.parent_path();
  const std::string name = raw.empty() ? "--help" : raw[0];
  if (name == "--list" || name == "--help" || name == "-h") {
    const bool json = raw.size() > 1 && raw[1] == "--json";
    if (!json) std::puts("tradewind bench NAME [--json] [options]: measurements, each with its own --help.");
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string file = entry.path().filename().string();
      if (file.rfind("tradewind-bench-", 0) == 0)
        std::printf(json ? "{\"name\":\"%s\"}\n" : "  %s\n", file.substr(16).c_str());
    }
    return raw.empty() ? 2 : 0;
  }
  const std::filesystem::path path = folder / ("tradewind-bench-" + name);
  if (!std::filesystem::exists(path)) {
    return fail("no benchmark is called '" + name + "' here; bench --list shows them (./test builds all)", 2);
  }
  std::vector<char*> arguments;
  std::string text = path.string();
  arguments.push_back(text.data());
  std::vector<std::string> rest(raw.begin() + 1, raw.end());
  for (std::string& argument : rest) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  ::execv(text.c_str(), arguments.data());
  return fail("cannot start " + text);
}

int log_verb(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(raw, {}, {"--data"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help") || arguments->words != std::vector<std::string>{"verify"}) {
    std::puts(
        "tradewind log verify --data DIR: reads every byte of a log that no platform uses and checks it.\n"
        "Example: tradewind log verify --data data");
    return arguments->has("--help") ? 0 : 2;
  }
  const std::string directory = arguments->get("--data", "data");
  if (!std::filesystem::exists(directory + "/journal") && !std::filesystem::exists(directory + "/restoring"))
    return fail("there is no log in " + directory + "; --data names the folder of a platform's data");
  const auto log = log::open_embedded({.directory = directory});
  if (!log.ok()) return fail(log.error().message);
  const auto done = (*log)->verify();
  if (!done.ok()) return fail(done.error().message);
  std::printf("%lld segments, every byte as it was written\n",
              static_cast<long long>((*log)->figures().segments));
  return 0;
}

}  // namespace tradewind::cli
