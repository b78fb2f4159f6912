// Pull queries by key while events come in: how long an answer takes.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "engine_bench.h"
#include "measure.h"

namespace tradewind::bench {
namespace {

constexpr const char* kHelp =
    R"(tradewind bench pull: pull queries by key while events come in

  --rate N      events a second (200000)
  --seconds N   for so long (10)
  --asks N      pull queries a second (200)
  --json        one JSON object on standard output

Every event is counted by product; a pull query asks one product's count. Parsing, planning, the look-up and the
wait until what is shown is durable are in the time; HTTP is not.

Example: tradewind bench pull --rate 100000
)";

struct Asked {
  std::vector<double> ms;
  size_t found = 0;
};

Result<Asked> ask(EngineUnderTest& under_test, int64_t asks, int64_t seconds) {
  Asked asked;
  Random random(7);
  const int64_t start = under_test.clock().monotonic_ns();
  for (int64_t n = 0; n < asks * seconds; ++n) {
    const int64_t due = start + n * 1'000'000'000 / asks;
    while (under_test.clock().monotonic_ns() < due) under_test.clock().sleep(Duration(1));
    const auto product = static_cast<uint32_t>(random.below(1000));
    const int64_t began = under_test.clock().monotonic_ns();
    asked.found += TRY(under_test.rows("SELECT n FROM by_product WHERE product_id = '" +
                                       Workload::product_id(product) + "';"));
    asked.ms.push_back(static_cast<double>(under_test.clock().monotonic_ns() - began) / 1e6);
  }
  return asked;
}

Result<int> measure(int64_t rate, int64_t seconds, int64_t asks, bool json) {
  EngineUnderTest under_test;
  TRY(under_test.open());
  TRY(under_test.make_input());
  TRY(
      under_test.run("CREATE TABLE by_product AS SELECT product_id, COUNT(*) AS n FROM page_views GROUP BY "
                     "product_id EMIT CHANGES;"));
  Workload workload(1, INT64_MAX / 2);
  TRY(under_test.append(workload, 50'000));
  std::atomic<bool> stop{false};
  std::atomic<int64_t> appended{0};
  Result<> written;
  std::jthread writer([&] {
    const int64_t start = under_test.clock().monotonic_ns();
    const int64_t step = std::max<int64_t>(rate / 100, 1);
    for (int64_t n = 0; !stop && written.ok(); ++n) {
      const int64_t due = start + n * 10'000'000;
      while (under_test.clock().monotonic_ns() < due && !stop) under_test.clock().sleep(Duration(1));
      written = under_test.append(workload, step);
      appended += step;
    }
  });
  under_test.clock().sleep(Duration(500));
  const int64_t before = appended;
  const int64_t began = under_test.clock().monotonic_ns();
  auto asked = ask(under_test, asks, seconds);
  const double took = static_cast<double>(under_test.clock().monotonic_ns() - began) / 1e9;
  const double came = static_cast<double>(appended - before) / took;
  stop = true;
  writer.join();
  TRY(std::move(written));
  TRY(Result<Asked>(asked));
  std::vector<double>& ms = asked->ms;
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double part) {
    return ms[static_cast<size_t>(part * static_cast<double>(ms.size() - 1))];
  };
  if (json) {
    std::printf(
        "{\"events_per_second\":%.0f,\"asks\":%zu,\"found\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"most_ms\":%"
        ".3f}\n",
        came, ms.size(), asked->found, at(0.5), at(0.99), ms.back());
    return 0;
  }
  std::printf(
      "%.0f events/s came in; %zu pull queries by key (%zu rows): p50 %.2f ms, p99 %.2f ms, most %.2f ms\n",
      came, ms.size(), asked->found, at(0.5), at(0.99), ms.back());
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
  const int64_t rate = std::atoll(option(argc, argv, "--rate", "200000").c_str());
  const int64_t seconds = std::atoll(option(argc, argv, "--seconds", "10").c_str());
  const int64_t asks = std::atoll(option(argc, argv, "--asks", "200").c_str());
  if (rate < 1 || seconds < 1 || asks < 1) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const auto done = measure(rate, seconds, asks, flag(argc, argv, "--json"));
  if (done.ok()) return *done;
  std::fprintf(stderr, "bench pull: %s\n", done.error().message.c_str());
  return 1;
}
