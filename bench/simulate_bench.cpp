// The simulated shop: how many events one core makes and encodes in a second.
#include <cstdio>
#include <cstdlib>

#include "allocations.h"
#include "apps/simulate/simulation.h"
#include "measure.h"

namespace tradewind::bench {
namespace {

constexpr const char* kHelp =
    R"(tradewind bench simulate: events the simulated shop makes and encodes as Avro, in one thread

  --events N    (3000000)
  --volume N    events a second of the simulated clock (200)
  --seed N      (1)
  --json        one JSON object on standard output

CPU is user + system time of the process from the first event to the last, the opening of the shop included.
Goal: 1,000,000 events a second of CPU time.
Example: tradewind bench simulate --events 5000000
)";

struct Figures {
  uint64_t events = 0;
  uint64_t bytes = 0;
  double cpu_seconds = 0;
  double allocations = 0;  // an event
  double simulated_hours = 0;
};

Result<Figures> measure(const simulate::SimulationOptions& options, uint64_t events) {
  auto shop = TRY(simulate::Simulation::create(options));
  simulate::EventBatch batch;
  Figures figures;
  const int64_t cpu_before = cpu_ns();
  const int64_t allocations_before = allocations();
  while (figures.events < events) {
    batch.clear();
    shop->run(Timestamp::max(), 2'000, batch);
    figures.events += batch.size();
    figures.bytes += batch.bytes().size();
  }
  figures.cpu_seconds = static_cast<double>(cpu_ns() - cpu_before) / 1e9;
  figures.allocations =
      static_cast<double>(allocations() - allocations_before) / static_cast<double>(figures.events);
  figures.simulated_hours = static_cast<double>((shop->now() - options.from).count()) / 3'600'000;
  return figures;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  using namespace tradewind::bench;
  if (flag(argc, argv, "--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  tradewind::simulate::SimulationOptions options;
  options.from = {1'767'600'000'000};  // 2026-01-05T08:00:00Z
  options.volume = std::atof(option(argc, argv, "--volume", "200").c_str());
  options.seed = std::strtoull(option(argc, argv, "--seed", "1").c_str(), nullptr, 10);
  const uint64_t events = std::strtoull(option(argc, argv, "--events", "3000000").c_str(), nullptr, 10);
  if (events == 0) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const auto figures = measure(options, events);
  if (!figures.ok()) {
    std::fprintf(stderr, "bench simulate: %s\n", figures.error().message.c_str());
    return 2;
  }
  const auto count = static_cast<double>(figures->events);
  const char* format = flag(argc, argv, "--json") ? "{\"events\":%.0f,\"events_per_cpu_second\":%.0f,\"bytes_"
                                                    "per_event\":%.1f,\"allocations_per_event\":%.4f,"
                                                    "\"simulated_hours\":%.3f}\n"
                                                  : "%.0f events: %.0f a second of CPU time, %.1f bytes "
                                                    "each, %.4f allocations each, %.3f simulated hours\n";
  std::printf(format, count, count / figures->cpu_seconds, static_cast<double>(figures->bytes) / count,
              figures->allocations, figures->simulated_hours);
  return 0;
}
