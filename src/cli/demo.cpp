#include "cli/demo.h"

#include <algorithm>
#include <cstdio>

#include "cli/shipped_query.h"
#include "ops_queries.h"   // made from queries/ops/*.sql by the build
#include "shop_queries.h"  // made from queries/shop/*.sql by the build

namespace tradewind::cli {
namespace {

constexpr Duration kTick(200);
constexpr size_t kMostEventsAtOnce = 5'000;
constexpr Duration kFirstPause(1'000);  // after a fault; each further one doubles it
constexpr Duration kMostPause(30'000);
constexpr double kMostMs = 3.0 * 3600 * 1000;
// What a page shows of the time before the first start is bought with memory that the queries keep for it.
constexpr double kHistoryEvents = 250'000;
// A pause is made up for as long as that takes less than a minute or so.
constexpr double kCaughtUpEvents = 2'200'000;

Duration time_of(double events, double rate) {
  return Duration(static_cast<int64_t>(std::min(kMostMs, events / rate * 1'000)));
}

}  // namespace

std::map<std::string, std::string> shop_queries() {
  return shipped::files(shipped::kShopQueries);
}

std::map<std::string, std::string> ops_queries() {
  return shipped::files(shipped::kOpsQueries);
}

Demo::Demo(log::Log& log, schema::Registry& registry, ingest::Ingestor& ingestor, telemetry::Logger& logger,
           Clock& clock, double rate)
    : log_(log), registry_(registry), ingestor_(ingestor), logger_(logger), clock_(clock), rate_(rate) {}

Demo::~Demo() {
  stop();
}

void Demo::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    Duration pause = kFirstPause;
    while (!stop.stop_requested()) {
      const int64_t began_ns = clock_.monotonic_ns();
      const auto done = run(stop);
      if (done.ok()) return;
      if (clock_.monotonic_ns() - began_ns > 2 * kMostPause.count() * 1'000'000) pause = kFirstPause;
      logger_.warning(
          "demo", "the shop stumbled and opens again",
          {{"error", done.error().message}, {"in_seconds", std::to_string(pause.count() / 1000)}});
      for (Duration slept(0); slept < pause && !stop.stop_requested(); slept += kTick) clock_.sleep(kTick);
      pause = std::min(2 * pause, kMostPause);
    }
  });
}

void Demo::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

Result<> Demo::run(const std::stop_token& stop) {
  ShopFeedOptions options{.producer = "demo-shop",
                          .saved = true,
                          .history = time_of(kHistoryEvents, rate_),
                          .caught_up = time_of(kCaughtUpEvents, rate_)};
  options.shop.volume = rate_;
  const auto feed = TRY(ShopFeed::open(log_, registry_, ingestor_, options, clock_.now()));
  logger_.info("demo", feed->sent() == 0 ? "the shop opens" : "the shop goes on",
               {{"events", std::to_string(feed->sent())}, {"from", to_iso(feed->now())}});
  while (!stop.stop_requested()) {
    const size_t sent = TRY(feed->send(clock_.now(), kMostEventsAtOnce));
    if (sent < kMostEventsAtOnce) clock_.sleep(kTick);
  }
  return feed->save();
}

}  // namespace tradewind::cli
