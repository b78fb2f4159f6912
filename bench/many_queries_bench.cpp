// Many persistent queries in one process: what one costs when nothing comes, how soon all are there again
// after a restart, and what an event costs that a hundred of them read.
#include <cstdio>
#include <cstdlib>

#include "engine_bench.h"
#include "measure.h"

namespace tradewind::bench {
namespace {

constexpr const char* kHelp =
    R"(tradewind bench many-queries: many persistent queries in one process

  --queries N   how many are there while nothing comes (1000): half count one topic, half read a topic each
  --busy N      how many of them read the events (100)
  --events N    how many events those read (300000)
  --json        one JSON object on standard output

Example: tradewind bench many-queries --queries 200
)";

std::string counting(int n) {
  return "CREATE TABLE c" + std::to_string(n) +
         " AS SELECT event_type, COUNT(*) AS n, MAX(visitor) AS last FROM " +
         "page_views WHERE product_id <> 'P" + std::to_string(n) + "' GROUP BY event_type EMIT CHANGES;";
}

std::string alone(int n) {
  const std::string name = "s" + std::to_string(n);
  return "CREATE STREAM " + name + " (k STRING KEY, v INT) WITH (kafka_topic='" + name +
         "', partitions=1, value_format='JSON'); CREATE TABLE t" + std::to_string(n) +
         " AS SELECT k, SUM(v) AS total FROM " + name + " GROUP BY k EMIT CHANGES;";
}

Result<int> measure(int queries, int busy, int64_t events, bool json) {
  double mb_each = 0;
  double idle_percent = 0;
  double restart_seconds = 0;
  double create_ms = 0;
  {
    EngineUnderTest idle;
    TRY(idle.open());
    TRY(idle.make_input());
    const double before_mb = rss_mb();
    const int64_t began = idle.clock().monotonic_ns();
    for (int i = 0; i < queries; ++i) {
      TRY(idle.run(i % 2 == 0 ? counting(i) : alone(i)));
      if (!json && i % 50 == 49) std::fprintf(stderr, "\r%d of %d queries", i + 1, queries);
    }
    if (!json) std::fprintf(stderr, "\r%40s\r", "");
    create_ms = static_cast<double>(idle.clock().monotonic_ns() - began) / 1e6 / queries;
    mb_each = (rss_mb() - before_mb) / queries;
    idle.clock().sleep(Duration(1000));
    const int64_t cpu = cpu_ns();
    idle.clock().sleep(Duration(10'000));
    idle_percent = static_cast<double>(cpu_ns() - cpu) / 1e8;
    idle.close();
    const int64_t again = idle.clock().monotonic_ns();
    TRY(idle.open());
    restart_seconds = static_cast<double>(idle.clock().monotonic_ns() - again) / 1e9;
    if (idle.engine().status().size() != static_cast<size_t>(queries))
      return Error{Code::corrupt, "not all queries are there after the restart"};
  }
  EngineUnderTest one;
  TRY(one.open());
  TRY(one.make_input());
  for (int i = 0; i < busy; ++i) TRY(one.run(counting(i)));
  Workload workload(1, events * 2);
  const int64_t cpu = cpu_ns();
  const int64_t began = one.clock().monotonic_ns();
  for (int64_t done = 0; done < events; done += 10'000) TRY(one.append(workload, 10'000));
  bool behind = true;
  while (behind) {
    one.clock().sleep(Duration(5));
    behind = false;
    for (const auto& status : one.engine().status()) {
      int64_t at = 0;
      for (const auto& [position, offset] : status.positions) at += offset;
      behind = behind || at < events;
    }
  }
  const double seconds = static_cast<double>(one.clock().monotonic_ns() - began) / 1e9;
  const double ns_each = static_cast<double>(cpu_ns() - cpu) / static_cast<double>(events);
  if (json) {
    std::printf(
        "{\"queries\":%d,\"mb_per_query\":%.4f,\"create_ms\":%.1f,\"idle_cpu_percent\":%.2f,\"restart_"
        "seconds\":"
        "%.2f,\"busy\":%d,\"events_per_second\":%.0f,\"cpu_ns_per_event\":%.0f,\"cpu_ns_per_event_and_"
        "query\":%.1f}\n",
        queries, mb_each, create_ms, idle_percent, restart_seconds, busy,
        static_cast<double>(events) / seconds, ns_each, ns_each / busy);
    return 0;
  }
  std::printf(
      "%d queries: %.1f KB each, made in %.1f ms each; nothing comes: %.2f %% of a core; all there again in "
      "%.2f s\n",
      queries, mb_each * 1000, create_ms, idle_percent, restart_seconds);
  std::printf(
      "%d queries on one topic: %.0f events/s, %.0f ns of CPU an event = %.1f ns an event and query\n", busy,
      static_cast<double>(events) / seconds, ns_each, ns_each / busy);
  return 0;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  using namespace tradewind::bench;
  if (flag(argc, argv, "--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const int queries = std::atoi(option(argc, argv, "--queries", "1000").c_str());
  const int busy = std::atoi(option(argc, argv, "--busy", "100").c_str());
  const int64_t events = std::atoll(option(argc, argv, "--events", "300000").c_str());
  if (queries < 1 || busy < 1 || events < 10'000) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const auto done = measure(queries, busy, events, flag(argc, argv, "--json"));
  if (done.ok()) return *done;
  std::fprintf(stderr, "bench many-queries: %s\n", done.error().message.c_str());
  return 1;
}
