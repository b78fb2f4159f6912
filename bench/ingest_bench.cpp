// Events over HTTP into the durable log, beside a floor that takes the same bodies and keeps nothing.
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "apps/shop/topics.h"
#include "base/coding.h"
#include "engine/engine.h"
#include "http_floor.h"
#include "http_load.h"
#include "ingest/ingestor.h"
#include "measure.h"
#include "schema/local_registry.h"
#include "server/server.h"

namespace tradewind::bench {
namespace {

constexpr double kGoal = 0.45;  // of what the floor takes with the same CPU time
constexpr int kTurns = 20;      // of each side
constexpr const char* kTopic = "customer-events";

constexpr const char* kHelp =
    R"(tradewind bench ingest: events over HTTP into the durable log

  --connections N   kept connections (256)
  --events N        in a request (10)
  --seconds N       so long each: platform, floor, and the platform at half load (5)
  --directory PATH  where the log lies (the system's folder for what is temporary)
  --json            one JSON object on standard output

A producer in a process of its own sends views of products of about 300 bytes to the whole platform in this one:
HTTP, checks against the schema, ids, keys, and a log that answers when the disk has it (fsync). In turn with it to the
floor, in this process too: epoll, a parser of ten lines, simdjson reading six fields of each event, 202; it checks
nothing and appends nothing. Compared are events per second of CPU time, user and system, of all threads of each, in
twenty pairs of turns; the middle counts. Then the platform once more at half of what it took, for the time between when
a request was due and its answer.
Goal: 0.45 of the floor. At last every event is looked for in the log: each must be there once.

Example: tradewind bench ingest --json
)";

// The platform without demo and queries.
class Platform {
 public:
  explicit Platform(const std::string& parent) : directory_(parent + "/tradewind-bench-ingest-XXXXXX") {}
  ~Platform() {
    if (server_ != nullptr) server_->stop();
    if (engine_ != nullptr) engine_->stop();
    server_.reset();
    engine_.reset();
    ingestor_.reset();
    registry_.reset();
    log_.reset();
    std::filesystem::remove_all(directory_);
  }

  Result<> open() {
    if (::mkdtemp(directory_.data()) == nullptr) return Error{Code::io, "cannot make " + directory_};
    log_ = TRY(log::open_embedded({.directory = directory_, .metrics = &metrics_}));
    registry_ = TRY(schema::LocalRegistry::open(*log_));
    TRY(shop::declare_shop(*log_, *registry_));
    std::map<std::string, ingest::TopicRule> rules;
    for (const shop::ShopTopic& topic : shop::shop_topics())
      rules[topic.name] = {.key_field = topic.key_field};
    ingestor_ = std::make_unique<ingest::Ingestor>(*log_, *registry_, clock_, rules,
                                                   ingest::IngestOptions{.metrics = &metrics_});
    engine_ = std::make_unique<engine::Engine>(*log_, *registry_, clock_, stream::RuntimeOptions{});
    server_ = std::make_unique<server::Server>(
        server::Parts{*log_, *registry_, *engine_, *ingestor_, clock_, metrics_},
        net::HttpServerOptions{.port = 0, .most_connections = 5000});
    TRY(server_->start());
    TRY(ingestor_->start());
    server_->set_taking();
    TRY(engine_->start());
    server_->set_ready();
    return {};
  }

  int port() const { return server_->port(); }
  log::LogFigures figures() const { return log_->figures(); }

  // How often each event of [0, events) is there: those that are not there once.
  Result<uint64_t> not_once(uint64_t events) {
    std::vector<uint8_t> times(events);
    uint64_t others = 0;
    const auto consumer = TRY(log_->consumer(log::Visibility::durable));
    for (int32_t p = 0; p < shop::kShopPartitions; ++p) {
      const log::Position position{kTopic, p};
      const auto bounds = TRY(log_->bounds(position, log::Visibility::durable));
      TRY(consumer->assign(position, bounds.begin));
      for (log::Offset next = bounds.begin; next < bounds.end;) {
        for (const log::FetchedBatch& batch : TRY(consumer->poll(Duration(1000), 10'000))) {
          for (const log::RecordView& record : batch.records) {
            BytesView value = record.value->substr(5);  // behind the schema's id
            int64_t size = 0;
            const bool fine = get_zigzag(value, size) && size == 36;
            const uint64_t number = fine ? number_of_id(value.substr(0, 36)) : events;
            if (number < events && times[number] < 2) ++times[number];
            if (number >= events) ++others;
          }
          next = batch.next;
        }
      }
      consumer->unassign(position);
    }
    return others +
           static_cast<uint64_t>(std::count_if(times.begin(), times.end(), [](uint8_t n) { return n != 1; }));
  }

 private:
  std::string directory_;
  SystemClock clock_;
  telemetry::Registry metrics_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<ingest::Ingestor> ingestor_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<server::Server> server_;
};

// What one side did in all of its turns. Of the CPU time and the requests a second of each the middle counts:
// a turn in which the machine did something else says nothing.
struct Side {
  uint64_t sent = 0;
  uint64_t refused = 0;
  std::vector<double> cpu_us;  // per request, of each turn
  std::vector<double> requests_per_second;

  void add(const LoadFigures& load, int64_t cpu_ns) {
    sent += load.sent;
    refused += load.refused;
    cpu_us.push_back(static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(load.measured));
    requests_per_second.push_back(static_cast<double>(load.measured) / load.seconds);
  }
};

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[values.size() / 2] + values[(values.size() - 1) / 2]) / 2;
}

struct Report {
  size_t events = 0;  // in a request
  Side platform, floor;
  LoadFigures half;
  double half_rate = 0;  // requests a second
  uint64_t not_once = 0;
  double requests_per_sync = 0;

  // Of each pair of turns, then the middle: what swings with the machine, swings for both of a pair.
  double ratio() const {
    std::vector<double> ratios;
    for (size_t i = 0; i < floor.cpu_us.size(); ++i) ratios.push_back(floor.cpu_us[i] / platform.cpu_us[i]);
    return middle(std::move(ratios));
  }
  uint64_t sent() const { return (platform.sent + half.sent) * events; }
  uint64_t refused() const { return platform.refused + half.refused + floor.refused; }
  double per_second(double requests) const { return requests * static_cast<double>(events); }
  double per_cpu_second(const Side& side) const { return per_second(1e6 / middle(side.cpu_us)); }
};

// The floor's CPU time is its thread's; the platform's is that of all others.
void turn(const LoadOptions& options, const HttpFloor& floor, bool floors, Side& side) {
  LoadProcess process(options);
  process.wait_for_begin();
  const int64_t all = cpu_ns();
  const int64_t of_floor = floor.cpu_ns();
  process.wait_for_end();
  const int64_t by_floor = floor.cpu_ns() - of_floor;
  const int64_t by_others = cpu_ns() - all - by_floor;
  side.add(process.figures(), floors ? by_floor : by_others);
}

void print(const Report& report, const LoadOptions& options, bool json) {
  const auto count = [](uint64_t number) { return static_cast<unsigned long long>(number); };
  if (json) {
    std::printf(
        "{\"events_per_cpu_second\":%.0f,\"events_per_second\":%.0f,\"cpu_us_per_request\":%.2f,"
        "\"requests_per_sync\":%.1f,\"floor_events_per_cpu_second\":%.0f,\"floor_cpu_us_per_request\":%.2f,"
        "\"of_floor\":%.3f,\"goal\":%.2f,\"half_load_events_per_second\":%.0f,\"half_load_p50_ms\":%.3f,"
        "\"half_load_p99_ms\":%.3f,\"sent\":%llu,\"refused\":%llu,\"not_there_once\":%llu}\n",
        report.per_cpu_second(report.platform),
        report.per_second(middle(report.platform.requests_per_second)), middle(report.platform.cpu_us),
        report.requests_per_sync, report.per_cpu_second(report.floor), middle(report.floor.cpu_us),
        report.ratio(), kGoal, report.per_second(report.half_rate), report.half.p50_ms, report.half.p99_ms,
        count(report.sent()), count(report.refused()), count(report.not_once));
    return;
  }
  std::printf("%zu connections, %zu events a request, %zu bytes a body\n\n", options.connections,
              options.events, events_body(options.events, 0).size());
  std::printf("%-34s %14s %14s %12s\n", "", "events/CPU s", "events/s", "CPU us/req");
  const auto line = [&](const char* name, const Side& side) {
    std::printf("%-34s %14.0f %14.0f %12.2f\n", name, report.per_cpu_second(side),
                report.per_second(middle(side.requests_per_second)), middle(side.cpu_us));
  };
  line("platform, durable (fsync)", report.platform);
  line("floor: epoll + simdjson, keeps none", report.floor);
  std::printf("\n%.3f of the floor (goal %.2f: %s); %.1f requests shared a sync\n", report.ratio(), kGoal,
              report.ratio() >= kGoal ? "reached" : "MISSED", report.requests_per_sync);
  std::printf("at half load, %.0f events/s: p50 %.2f ms, p99 %.2f ms, most %.2f ms\n",
              report.per_second(report.half_rate), report.half.p50_ms, report.half.p99_ms,
              report.half.most_ms);
  std::printf("%llu events sent, %llu requests refused, %llu events not there exactly once\n",
              count(report.sent()), count(report.refused()), count(report.not_once));
}

Result<int> run(LoadOptions options, const std::string& directory, bool json) {
  Report report{.events = options.events};
  Platform platform(directory);
  TRY(platform.open());
  const HttpFloor floor;
  LoadOptions one_turn = options;
  one_turn.seconds = options.seconds / kTurns;
  const auto before = platform.figures();
  for (int i = 0; i < kTurns; ++i) {
    one_turn.port = platform.port();
    one_turn.first_id = report.sent();
    turn(one_turn, floor, false, report.platform);
    one_turn.port = floor.port();
    turn(one_turn, floor, true, report.floor);
  }
  const auto syncs = platform.figures().syncs - before.syncs;
  report.requests_per_sync =
      static_cast<double>(report.platform.sent) / static_cast<double>(std::max<int64_t>(syncs, 1));
  report.half_rate = middle(report.platform.requests_per_second) / 2;
  options.port = platform.port();
  options.first_id = report.sent();
  options.rate = report.half_rate;
  {
    LoadProcess process(options);
    process.wait_for_begin();
    process.wait_for_end();
    report.half = process.figures();
    report.half_rate = static_cast<double>(report.half.measured) / report.half.seconds;
  }
  report.not_once = TRY(platform.not_once(report.sent()));
  // Figures of work that was not done are none.
  if (report.refused() > 0 || report.not_once > 0) {
    return Error{Code::invalid, "nothing was measured: " + std::to_string(report.refused()) +
                                    " requests were refused and " + std::to_string(report.not_once) +
                                    " events are not there exactly once"};
  }
  print(report, options, json);
  return 0;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  using namespace tradewind::bench;
  LoadOptions options;
  if (read_load_arguments(argc, argv, options)) return run_load(options);
  if (flag(argc, argv, "--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  options.connections = std::strtoull(option(argc, argv, "--connections", "256").c_str(), nullptr, 10);
  options.events = std::strtoull(option(argc, argv, "--events", "10").c_str(), nullptr, 10);
  options.seconds = std::strtod(option(argc, argv, "--seconds", "5").c_str(), nullptr);
  if (options.connections == 0 || options.events == 0 || !(options.seconds > 0)) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const std::string directory =
      option(argc, argv, "--directory", std::filesystem::temp_directory_path().string());
  const auto done = run(options, directory, flag(argc, argv, "--json"));
  if (done.ok()) return *done;
  std::fprintf(stderr, "bench ingest: %s\n", done.error().message.c_str());
  return 1;
}
