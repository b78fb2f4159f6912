// bench kafka: the comparison workload on Kafka, in one run: raw librdkafka, Tradewind and Kafka Streams,
// each on one core with the broker on another; throughput from a backlog, latency in an open loop, and
// recovery. Results are read back and compared with a recount before a figure counts.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "kafka_sides.h"
#include "measure.h"

namespace tradewind::bench {
namespace {

constexpr const char* kHelp =
    R"(tradewind bench kafka: five windowed queries on Kafka beside Kafka Streams and raw librdkafka, on one core each.

  --events N        of the backlog (default 10000000; the events are kept and used again)
  --seed N          default 1
  --kafka HOST:PORT a broker that is for tests (default: TW_KAFKA, else one of its own, kept in build/kafka_bench)
  --only LIST       of raw,tradewind,streams,recovery,latency (default: all)
  --rates LIST      events a second of the open loop (default 20000,50000)
  --seconds S       of the open loop that count (default 20), after 10 s that do not
  --linger MS       of the generator's client in the open loop (default 5)
  --commit MS       stream.commit_interval of Tradewind in the open loop (default 20)
  --fetch-wait MS   log.kafka.fetch_wait of it (default 5)
  --streams DIR     where the Kafka Streams program is built (default build/kafka_streams; needs Java 17 and Maven)
  --warm N          turns that do not count, before the backlog and before each open loop (default: on a broker of
                    its own until that compiles itself less than 5 % of a turn, 12 at most; else 0)
  --cores A,B       what is measured runs on core A, all else on B (default 1,0 where there are two; -1: any)
  --json            one object a line

Run it as root with `nice -n -10` where others use the machine. Exit code 1: a result differs from the recount,
or a side did not do its work.
)";

struct Options {
  int64_t events = 10'000'000;
  uint64_t seed = 1;
  std::string kafka;
  std::string only = "raw,tradewind,streams,recovery,latency";
  std::vector<int64_t> rates{20'000, 50'000};
  int64_t seconds = 20;
  int64_t linger_ms = 5;
  int64_t commit_ms = 20;
  int64_t fetch_wait_ms = 5;
  std::string streams;
  std::optional<int> warm;  // turns
  int core = 1;
  int other_core = 0;
  bool json = false;

  bool wants(const std::string& part) const {
    return ("," + only + ",").find("," + part + ",") != std::string::npos;
  }
};

std::string line_of(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// A broker of our own, ended with the benchmark; its data stay.
class Broker {
 public:
  Broker(std::string script, std::string folder) : script_(std::move(script)), folder_(std::move(folder)) {}
  ~Broker() {
    if (up_) (void)output_of({.words = {script_, "down", folder_}}).ok();
  }
  Result<std::string> start(int core) {
    TRY(output_of({.words = {script_, "down", folder_}}));  // one that an interrupted run has left behind
    auto address = output_of(
        {.words = {script_, "up", folder_}, .environment = {{"TW_KAFKA_BENCH", "1"}}, .core = core});
    if (!address.ok())
      return Error{Code::unavailable,
                   "no broker can be started (" + address.error().message + "); name one by --kafka"};
    up_ = true;
    return line_of(*address);
  }

  // What its Java machine has spent on compiling: minutes of it, before it is as fast as one that has run for
  // days.
  int64_t compiling_ns() const {
    int64_t ticks = 0;
    std::string pid;
    std::ifstream(folder_ + "/node1/pid") >> pid;
    std::error_code failed;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/" + pid + "/task", failed)) {
      std::string text;
      std::getline(std::ifstream(thread.path() / "stat"), text);
      if (text.find("(C1 Compiler") == text.npos && text.find("(C2 Compiler") == text.npos) continue;
      std::istringstream fields(text.substr(text.rfind(')') + 1));
      std::string skipped;
      for (int i = 3; i < 14; ++i) fields >> skipped;  // proc(5): the 14th is user time, then system time
      int64_t user = 0;
      int64_t system = 0;
      fields >> user >> system;
      ticks += user + system;
    }
    return ticks * (1'000'000'000 / ::sysconf(_SC_CLK_TCK));
  }

 private:
  const std::string script_;
  const std::string folder_;
  bool up_ = false;
};

class KafkaBench {
 public:
  explicit KafkaBench(Options options) : options_(std::move(options)) {}

  Result<int> run() {
    TRY(prepare());
    const auto tradewind = tradewind_side();
    const auto streams = at_.classpath.empty() ? nullptr : streams_side();
    if (over_backlog()) TRY(backlog(*tradewind, streams.get()));
    if (options_.wants("latency")) {
      // One that has compiled itself for the backlog is slower at this.
      if (over_backlog() && broker_) at_.servers = TRY(broker_->start(at_.other_core));
      for (const int64_t rate : options_.rates) {
        TRY(warm_up([&] { return measure_latency(*tradewind, at_, load(rate)); }));
        TRY(latency(*tradewind, rate));
      }
      for (const int64_t rate : options_.rates) {
        if (streams != nullptr) TRY(latency(*streams, rate));
      }
    }
    return wrong_ ? 1 : 0;
  }

 private:
  Result<> prepare() {
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
    const std::filesystem::path root = program.parent_path().parent_path().parent_path();
    at_.program = program.string();
    at_.tradewind = (program.parent_path() / "tradewind").string();
    at_.folder = (root / "build" / "kafka_bench").string();
    at_.core = options_.core;
    at_.other_core = options_.other_core;
    at_.commit_ms = options_.commit_ms;
    at_.fetch_wait_ms = options_.fetch_wait_ms;
    std::filesystem::create_directories(at_.folder);
    if (!std::filesystem::exists(at_.tradewind))
      return Error{Code::not_found,
                   "there is no program tradewind beside this one; build the target tradewind"};
    const bool streams = options_.wants("streams");
    if (streams) find_streams(root);
    at_.servers = options_.kafka;
    if (at_.servers.empty()) {
      broker_.emplace((root / "tests" / "kafka" / "kafka.sh").string(), at_.folder + "/broker");
      at_.servers = TRY(broker_->start(at_.other_core));
    }
    pin_to(at_.other_core);
    const WorkloadSpec spec{.events = options_.events, .seed = options_.seed};
    at_.ids = over_backlog() ? TRY(prepare_workload(at_.servers, spec)) : TRY(prepare_schemas(at_.servers));
    return {};
  }

  Load load(int64_t rate) const {
    return {.rate = rate,
            .seconds = options_.seconds,
            .linger = Duration(options_.linger_ms),
            .seed = options_.seed};
  }

  // A broker that has just started compiles itself on the core that it is to serve with.
  template <typename Turn>
  Result<> warm_up(const Turn& turn) {
    constexpr int kMostTurns = 12;
    constexpr double kStill = 0.05;
    const int most = options_.warm.value_or(broker_ ? kMostTurns : 0);
    SystemClock clock;
    for (int n = 1; n <= most; ++n) {
      const int64_t began = clock.monotonic_ns();
      const int64_t before = broker_ ? broker_->compiling_ns() : 0;
      TRY(turn());
      const int64_t compiling = broker_ ? broker_->compiling_ns() - before : 0;
      const double share = static_cast<double>(compiling) / static_cast<double>(clock.monotonic_ns() - began);
      std::fprintf(stderr, "bench kafka: turn %d to warm the broker up is done", n);
      if (broker_) std::fprintf(stderr, "; it compiled itself for %.0f %% of it", 100 * share);
      std::fprintf(stderr, "\n");
      if (!options_.warm && share < kStill) break;
    }
    return {};
  }

  bool over_backlog() const {
    return options_.wants("raw") || options_.wants("tradewind") || options_.wants("streams") ||
           options_.wants("recovery");
  }

  Result<> backlog(Side& tradewind, Side* streams) {
    std::fprintf(stderr, "bench kafka: recounting\n");
    const QueryRows wanted = recounted({.events = options_.events, .seed = options_.seed});
    TRY(warm_up([&] { return measure_backlog(tradewind, at_, options_.events, wanted); }));
    std::optional<Measured> raw;
    std::optional<Measured> ours;
    std::optional<Measured> theirs;
    if (options_.wants("raw")) {
      raw = TRY(measure_raw(at_, options_.events));
      print("raw librdkafka", *raw);
    }
    if (options_.wants("tradewind")) {
      ours = TRY(measure_backlog(tradewind, at_, options_.events, wanted));
      print("Tradewind", *ours);
    }
    if (options_.wants("streams") && streams != nullptr) {
      theirs = TRY(measure_backlog(*streams, at_, options_.events, wanted));
      print("Kafka Streams", *theirs);
    }
    compare(raw, ours, theirs);
    if (options_.wants("recovery")) recovery(TRY(measure_recovery(tradewind, at_, wanted)));
    return {};
  }

  void find_streams(const std::filesystem::path& root) {
    const std::string folder =
        options_.streams.empty() ? (root / "build" / "kafka_streams").string() : options_.streams;
    const auto built =
        output_of({.words = {(root / "bench" / "kafka_streams" / "build.sh").string(), folder}});
    if (built.ok())
      at_.classpath = line_of(*built);
    else
      std::fprintf(stderr, "bench kafka: Kafka Streams is left out: %s\n", built.error().message.c_str());
  }

  void print(const char* name, const Measured& measured) {
    const bool right = measured.wrong.empty();
    wrong_ = wrong_ || !right;
    const double rate = static_cast<double>(options_.events) / measured.seconds;
    if (options_.json) {
      std::printf(
          "{\"side\":\"%s\",\"events\":%lld,\"events_per_second\":%.0f,\"cpu_ns_per_event\":%.1f,\"peak_rss_"
          "mb\":%.1f,"
          "\"first_output_seconds\":%.2f,\"result_records\":%lld,\"right\":%s}\n",
          name, static_cast<long long>(options_.events), rate, measured.cpu_ns, measured.peak_rss_mb,
          measured.first_output_s, static_cast<long long>(measured.result_records), right ? "true" : "false");
    } else {
      std::printf("%-15s %10.0f events/s  %8.1f ns CPU/event  %7.1f MB  ", name, rate, measured.cpu_ns,
                  measured.peak_rss_mb);
      if (measured.result_records > 0) {
        std::printf("first output %5.2f s  %9lld results  %s", measured.first_output_s,
                    static_cast<long long>(measured.result_records),
                    right ? "every row equals the recount" : "NOT equal to the recount");
      }
      std::printf("\n");
    }
    for (const std::string& difference : measured.wrong)
      std::fprintf(stderr, "bench kafka: %s\n", difference.c_str());
    std::fflush(stdout);
  }

  // A goal, and whether it is met.
  void judge(const char* what, double value, const char* unit, bool at_least, double goal,
             const char* note = "") {
    const bool met = at_least ? value >= goal : value <= goal;
    if (options_.json) {
      std::printf(
          "{\"figure\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"goal\":%.3f,\"met\":%s,\"note\":\"%s\"}\n",
          what, value, unit, goal, met ? "true" : "false", note);
    } else {
      std::printf("%-58s %9.2f %-4s goal %s %.2f: %s%s\n", what, value, unit, at_least ? ">=" : "<=", goal,
                  met ? "met" : "MISSED", note);
    }
    std::fflush(stdout);
  }

  void compare(const std::optional<Measured>& raw, const std::optional<Measured>& ours,
               const std::optional<Measured>& theirs) {
    if (!ours || !ours->wrong.empty()) return;
    if (raw) {
      judge("share of raw librdkafka, by CPU", raw->cpu_ns / ours->cpu_ns, "", true, 0.33);
      judge("share of raw librdkafka, by events/s", raw->seconds / ours->seconds, "", true, 0.33);
    }
    if (theirs && theirs->wrong.empty()) {
      const char* note = theirs->cpu_ns > 19'000
                             ? " (does not count: Kafka Streams took more than 19 us an event here)"
                             : "";
      judge("CPU per event of Kafka Streams over ours", theirs->cpu_ns / ours->cpu_ns, "x", true, 20, note);
      judge("events/s of ours over Kafka Streams", theirs->seconds / ours->seconds, "x", true, 20, note);
    }
    judge("peak memory of Tradewind", ours->peak_rss_mb, "MB", false, 500);
    judge("first output of Tradewind after its start", ours->first_output_s, "s", false, 2);
  }

  void recovery(const Recovered& recovered) {
    wrong_ = wrong_ || !recovered.wrong.empty();
    for (const std::string& difference : recovered.wrong)
      std::fprintf(stderr, "bench kafka: after the kill: %s\n", difference.c_str());
    judge("kill -9 to the first new committed output", recovered.seconds, "s", false, 3);
  }

  Result<> latency(Side& side, int64_t rate) {
    const Waited waited = TRY(measure_latency(side, at_, load(rate)));
    const bool ours = std::string(side.name()) == "tradewind";
    if (options_.json) {
      std::printf(
          "{\"side\":\"%s\",\"rate\":%lld,\"q3_p50_ms\":%.1f,\"q3_p99_ms\":%.1f,\"q4_p50_ms\":%.1f,\"q4_p99_"
          "ms\":%.1f,"
          "\"cores\":%.3f,\"kept_up\":%s}\n",
          side.name(), static_cast<long long>(rate), waited.views_p50_ms, waited.views_p99_ms,
          waited.orders_p50_ms, waited.orders_p99_ms, waited.cores, waited.kept_up ? "true" : "false");
    } else {
      std::printf(
          "%-15s at %6lld/s: Q3 p50 %7.1f p99 %7.1f ms, Q4 p50 %7.1f p99 %7.1f ms, %.2f of the core%s\n",
          ours ? "Tradewind" : "Kafka Streams", static_cast<long long>(rate), waited.views_p50_ms,
          waited.views_p99_ms, waited.orders_p50_ms, waited.orders_p99_ms, waited.cores,
          waited.kept_up ? "" : ", did not keep up");
    }
    if (ours)
      judge("p99 of Tradewind, the slower of both", std::max(waited.views_p99_ms, waited.orders_p99_ms), "ms",
            false, 140);
    std::fflush(stdout);
    return {};
  }

  const Options options_;
  Surroundings at_;
  std::optional<Broker> broker_;
  bool wrong_ = false;
};

std::vector<int64_t> numbers_of(const std::string& text) {
  std::vector<int64_t> numbers;
  std::stringstream in(text);
  for (std::string word; std::getline(in, word, ',');) numbers.push_back(std::atoll(word.c_str()));
  return numbers;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  using namespace tradewind;
  using namespace tradewind::bench;
  if (flag(argc, argv, "--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  bench::Options options;
  options.events = std::atoll(option(argc, argv, "--events", "10000000").c_str());
  options.seed = std::strtoull(option(argc, argv, "--seed", "1").c_str(), nullptr, 10);
  options.kafka =
      option(argc, argv, "--kafka", std::getenv("TW_KAFKA") == nullptr ? "" : std::getenv("TW_KAFKA"));
  options.only = option(argc, argv, "--only", options.only);
  options.rates = numbers_of(option(argc, argv, "--rates", "20000,50000"));
  options.seconds = std::atoll(option(argc, argv, "--seconds", "20").c_str());
  options.linger_ms = std::atoll(option(argc, argv, "--linger", "5").c_str());
  options.commit_ms = std::max<int64_t>(std::atoll(option(argc, argv, "--commit", "20").c_str()), 1);
  options.fetch_wait_ms = std::max<int64_t>(std::atoll(option(argc, argv, "--fetch-wait", "5").c_str()), 1);
  options.streams = option(argc, argv, "--streams", "");
  if (const std::string warm = option(argc, argv, "--warm", ""); !warm.empty())
    options.warm = std::atoi(warm.c_str());
  options.json = flag(argc, argv, "--json");
  const bool two = std::thread::hardware_concurrency() > 1;
  const auto cores = numbers_of(option(argc, argv, "--cores", two ? "1,0" : "0,0"));
  const bool rates = !options.rates.empty() && std::all_of(options.rates.begin(), options.rates.end(),
                                                           [](int64_t rate) { return rate > 0; });
  if (options.events < 1'000 || options.seconds < 1 || options.linger_ms < 0 || cores.size() != 2 || !rates) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  options.core = static_cast<int>(cores[0]);
  options.other_core = static_cast<int>(cores[1]);
  if (option(argc, argv, "--role", "") == "raw") {
    const auto done = read_raw(options.kafka, options.events);
    if (!done.ok()) std::fprintf(stderr, "bench kafka: %s\n", done.error().message.c_str());
    return done.ok() ? 0 : 1;
  }
  const auto done = KafkaBench(options).run();
  if (!done.ok()) {
    std::fprintf(stderr, "bench kafka: %s\n", done.error().message.c_str());
    return 1;
  }
  return *done;
}
