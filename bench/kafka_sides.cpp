#include "kafka_sides.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kafka_watch.h"
#include "measure.h"

namespace tradewind::bench {
namespace {

constexpr Duration kStart(60'000);
constexpr int64_t kNoProgressNs = 180'000'000'000;

SystemClock real_clock;

double seconds_since(int64_t began_ns) {
  return static_cast<double>(real_clock.monotonic_ns() - began_ns) / 1e9;
}

// Until all results are there; when the last and the first came.
struct Finished {
  int64_t first_ns = 0;
  int64_t last_ns = 0;
};
Result<Finished> watch_to_the_end(Side& side, const Surroundings& at, Child& child, ResultWatch& watch,
                                  const QueryRows& wanted) {
  Finished finished;
  int64_t heard_ns = real_clock.monotonic_ns();
  int64_t told_ns = heard_ns;
  while (!watch.complete(wanted)) {
    const size_t got = TRY(watch.read(Duration(5)));
    const int64_t now = real_clock.monotonic_ns();
    if (got > 0) {
      heard_ns = now;
      if (finished.first_ns == 0) finished.first_ns = now;
    } else {
      if (!child.running()) return ended(side, child, at);
      if (now - heard_ns > kNoProgressNs) break;  // the comparison tells what is missing
    }
    if (now - told_ns > 10'000'000'000) {
      told_ns = now;
      std::fprintf(stderr, "bench kafka: %s has done %.0f %%\n", side.name(), 100 * watch.share(wanted));
    }
  }
  finished.last_ns = heard_ns;
  return finished;
}

}  // namespace

Error ended(const Side& side, Child& child, const Surroundings& at) {
  return {Code::io, std::string(side.name()) + " ended with code " + std::to_string(child.wait()) + "; see " +
                        at.folder + "/" + side.name() + ".log"};
}

Result<> read_raw(const std::string& servers, int64_t events) {
  const auto reader =
      TRY(RecordReader::open({.servers = servers, .fetch_wait = Duration(100), .committed_only = true}));
  const int64_t cpu = cpu_ns();
  const int64_t began = real_clock.monotonic_ns();
  TRY(reader->assign(kViewsTopic, kPartitions));
  TRY(reader->assign(kOrdersTopic, kPartitions));
  uint64_t bytes = 0;
  int64_t read = 0;
  int64_t heard = began;
  while (read < events) {
    const size_t got = TRY(reader->touch(Duration(20), bytes));
    const int64_t now = real_clock.monotonic_ns();
    if (got > 0) heard = now;
    if (now - heard > 30'000'000'000)
      return Error{Code::unavailable, "the workload cannot be read to its end"};
    read += static_cast<int64_t>(got);
  }
  std::printf("raw %lld %.9f %.1f %llu\n", static_cast<long long>(cpu_ns() - cpu), seconds_since(began),
              peak_rss_mb(), static_cast<unsigned long long>(bytes));
  return {};
}

Result<Measured> measure_raw(const Surroundings& at, int64_t events) {
  const std::string text = TRY(output_of(
      {.words = {at.program, "--role", "raw", "--kafka", at.servers, "--events", std::to_string(events)},
       .core = at.core}));
  long long cpu = 0;
  Measured measured;
  if (std::sscanf(text.c_str(), "raw %lld %lf %lf", &cpu, &measured.seconds, &measured.peak_rss_mb) != 3)
    return Error{Code::io, "the raw reader said: " + text};
  measured.cpu_ns = static_cast<double>(cpu) / static_cast<double>(events);
  return measured;
}

Result<Measured> measure_backlog(Side& side, const Surroundings& at, int64_t events,
                                 const QueryRows& wanted) {
  TRY(prepare_run(at.servers, side.name(), false));
  const auto watch = TRY(ResultWatch::open(at.servers, side.name(), side.nullable()));
  const int64_t started = real_clock.monotonic_ns();
  Child child = TRY(side.start(at, false, Side::Setting::throughput));
  TRY(side.begin(at, child, false));
  const int64_t cpu = child.cpu_ns();
  const int64_t began = real_clock.monotonic_ns();
  const Finished finished = TRY(watch_to_the_end(side, at, child, *watch, wanted));
  Measured measured;
  measured.cpu_ns = static_cast<double>(child.cpu_ns() - cpu) / static_cast<double>(events);
  measured.peak_rss_mb = child.peak_rss_mb();
  measured.seconds = static_cast<double>(finished.last_ns - began) / 1e9;
  measured.first_output_s = static_cast<double>(finished.first_ns - started) / 1e9;
  measured.result_records = watch->records();
  while (TRY(watch->read(Duration(500))) > 0) {
  }
  measured.wrong = watch->differences(wanted);
  child.stop(Duration(60'000));
  return measured;
}

Result<Recovered> measure_recovery(Side& side, const Surroundings& at, const QueryRows& wanted) {
  TRY(prepare_run(at.servers, side.name(), false));
  const auto watch = TRY(ResultWatch::open(at.servers, side.name(), side.nullable()));
  Child child = TRY(side.start(at, false, Side::Setting::throughput));
  TRY(side.begin(at, child, false));
  while (watch->share(wanted) < 1.0 / 3) {
    if (TRY(watch->read(Duration(5))) == 0 && !child.running()) return ended(side, child, at);
  }
  if (watch->complete(wanted))
    return Error{Code::io, "the backlog was done before the kill; give it more --events"};
  child.signal(SIGKILL);
  const int64_t killed = real_clock.monotonic_ns();
  child.wait();
  // What was committed before is read first: the new process' results are those that come behind a silence.
  while (TRY(watch->read(Duration(50))) > 0) {
  }
  Child again = TRY(side.start_again(at, Side::Setting::throughput));
  while (TRY(watch->read(Duration(5))) == 0) {
    if (!again.running()) return ended(side, again, at);
  }
  Recovered recovered;
  recovered.seconds = seconds_since(killed);
  TRY(watch_to_the_end(side, at, again, *watch, wanted));
  while (TRY(watch->read(Duration(500))) > 0) {
  }
  recovered.wrong = watch->differences(wanted);
  again.stop(Duration(60'000));
  return recovered;
}

namespace {

class TradewindSide final : public Side {
 public:
  const char* name() const override { return "tradewind"; }
  bool nullable() const override { return true; }

  Result<Child> start(const Surroundings& at, bool live, Setting setting) override {
    queries_ = at.folder + "/queries.sql";
    std::ofstream(queries_) << sql(live);
    return start_again(at, setting);
  }

  Result<Child> start_again(const Surroundings& at, Setting setting) override {
    const bool quick = setting == Setting::latency;
    return Child::start(
        {.words = {at.tradewind, "serve", "--log", "kafka:" + at.servers, "--listen", "127.0.0.1:0",
                   "--log.kafka.instance", "tradewind-bench", "--stream.commit_interval",
                   std::to_string(quick ? at.commit_ms : 100) + "ms", "--log.kafka.fetch_wait",
                   std::to_string(quick ? at.fetch_wait_ms : 50) + "ms"},
         .core = at.core,
         .errors = at.folder + "/tradewind.log"});
  }

  Result<> begin(const Surroundings& at, Child& child, bool live) override {
    const auto ready = child.line(kStart);
    if (!ready || !ready->starts_with("ready http")) return ended(*this, child, at);
    const std::string url = ready->substr(6, ready->find(' ', 6) - 6);
    telling_ = TRY(Child::start({.words = {at.tradewind, "sql", "--server", url, "-f", queries_},
                                 .core = at.other_core,
                                 .errors = at.folder + "/tradewind.log"}));
    if (live && telling_->wait() != 0)
      return Error{Code::io, "the queries were refused; see " + at.folder + "/tradewind.log"};
    return {};
  }

 private:
  static std::string sql(bool live) {
    const std::string views = live ? kLiveViewsTopic : kViewsTopic;
    const std::string orders = live ? kLiveOrdersTopic : kOrdersTopic;
    const auto table = [](int query, const std::string& select, const std::string& from, int minutes,
                          const std::string& group) {
      const std::string retention = std::to_string(minutes * 60 + 10);
      return "CREATE TABLE q" + std::to_string(query) + " WITH (kafka_topic='" +
             result_topic("tradewind", query) + "', partitions=16) AS\n  SELECT " + select + "\n  FROM " +
             from + " WINDOW TUMBLING (SIZE " + std::to_string(minutes) + " MINUTES, RETENTION " + retention +
             " SECONDS, GRACE PERIOD 10 SECONDS)\n  GROUP BY " + group + " EMIT CHANGES;\n";
    };
    return "SET 'auto.offset.reset' = 'earliest';\n"
           "CREATE STREAM page_views (k STRING KEY) WITH (kafka_topic='" +
           views + "', value_format='AVRO');\nCREATE STREAM orders (k STRING KEY) WITH (kafka_topic='" +
           orders + "', value_format='AVRO');\n" +
           table(1,
                 "EXPLODE(items)->category AS category, COUNT(*) AS lines, "
                 "SUM(EXPLODE(items)->price * EXPLODE(items)->quantity) AS revenue",
                 "orders", 1, "EXPLODE(items)->category") +
           table(2, "product_id, COUNT(*) AS views", "page_views", 1, "product_id") +
           table(3, "event_type, COUNT(*) AS events", "page_views", 1, "event_type") +
           table(4, "customer_id, COUNT(*) AS orders, SUM(total) AS total", "orders", 5, "customer_id") +
           table(5, "EXPLODE(items)->product_id AS product_id, SUM(EXPLODE(items)->quantity) AS units",
                 "orders", 5, "EXPLODE(items)->product_id");
  }

  std::string queries_;
  std::optional<Child> telling_;
};

class StreamsSide final : public Side {
 public:
  const char* name() const override { return "streams"; }
  bool nullable() const override { return false; }

  Result<Child> start(const Surroundings& at, bool live, Setting setting) override {
    live_ = live;
    // A group of its own: the offsets of an earlier one are still known to the brokers.
    application_ = "bench.streams." + std::to_string(real_clock.now().ms);
    std::filesystem::remove_all(at.folder + "/streams-state");
    return start_again(at, setting);
  }

  Result<Child> start_again(const Surroundings& at, Setting) override {
    std::string ids;
    for (const int32_t id : at.ids.results) ids += (ids.empty() ? "" : ",") + std::to_string(id);
    return Child::start({.words = {"java", "-Xms2g", "-Xmx2g", "-XX:+UseSerialGC", "-cp", at.classpath,
                                   "tradewind.bench.FiveQueries", application_, at.servers,
                                   at.folder + "/streams-state", live_ ? kLiveViewsTopic : kViewsTopic,
                                   live_ ? kLiveOrdersTopic : kOrdersTopic, "bench.streams.q", ids},
                         .core = at.core,
                         .errors = at.folder + "/streams.log"});
  }

  Result<> begin(const Surroundings& at, Child& child, bool live) override {
    // Live topics are empty: then it is ready when it runs.
    const std::string wanted = live ? "running" : "first record";
    while (const auto line = child.line(kStart)) {
      if (*line == wanted) return {};
    }
    return ended(*this, child, at);
  }

 private:
  bool live_ = false;
  std::string application_;
};

}  // namespace

std::unique_ptr<Side> tradewind_side() {
  return std::make_unique<TradewindSide>();
}
std::unique_ptr<Side> streams_side() {
  return std::make_unique<StreamsSide>();
}

}  // namespace tradewind::bench
