#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "apps/shop/topics.h"
#include "apps/simulate/scenario.h"
#include "cli/registry.h"
#include "cli/shop_feed.h"
#include "cli/shop_over_http.h"
#include "cli/shop_printed.h"
#include "cli/verbs.h"
#include "log/open.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind simulate: the demo shop as a producer of events.

  --server URL       a running platform (default: TW_SERVER, then http://127.0.0.1:8088), or
  --data DIR         straight into the log of a platform that does not run
  --print TOPICS     nowhere: as lines {"topic":…,"key":…,"event":{…}} on standard output; all, or topics split by commas
  --rate N|max       events a second that are sent (default 200); without --from that is how busy the shop is, and
                     what happens there happens now; max without --from: the last day, or the last --events
  --from TIME        a history that begins then (ISO time) and goes on for ever, or for --events
  --events N         ends after so many events, or a few more: what happens at one moment is not cut
  --volume N         how busy the shop is: events a second of its own clock, on average over the day (default: --rate
                     where the shop lives now, else 200)
  --seed N           another shop (default 1)
  --scenario NAME    live (default), quarter, black-friday or bot-storm; see docs/simulator.md
  --late PERCENT     of events that are sent later than they happened (default 1)
  --doubled PERCENT  of events that are sent twice (default 0.5)
  --json             the summary as JSON

The same seed, beginning, volume, scenario and shares give the same events, whatever the rate. A history that is
started again with the same options goes on where the log says it stopped, doubling nothing; without --from each
start is another opening of the shop, with the same customers and catalogue.

Examples:
  tradewind simulate
  tradewind simulate --rate 5000 --scenario black-friday
  tradewind simulate --from 2026-03-02T06:00 --events 1000000 --rate max --seed 7
  tradewind simulate --from 2026-03-02T06:00 --events 1000000 --rate max --print orders,inventory
)";

constexpr double kUsualRate = 200;
constexpr size_t kMostEventsAtOnce = 5'000;
constexpr Duration kTick(100);
constexpr int64_t kDayMs = 24LL * 3600 * 1000;

volatile std::sig_atomic_t stop_asked = 0;

struct Plan {
  simulate::SimulationOptions shop;
  bool live = false;    // event time is now
  double rate = 0;      // events a second; 0: as they come
  uint64_t events = 0;  // ends after them; 0: does not
  Timestamp until = Timestamp::max();
  bool json = false;
};

// Where events go.
struct Shop {
  std::function<Result<size_t>(Timestamp until, size_t most)> send;
  std::function<uint64_t()> sent;
  std::function<Timestamp()> now;
  std::function<int64_t()> rejected = [] { return int64_t{0}; };
};

Result<double> number_of(const Arguments& arguments, const char* name, double otherwise, double least,
                         double most) {
  if (!arguments.has(name)) return otherwise;
  const std::string text = arguments.get(name);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (!text.empty() && *end == '\0' && value >= least && value <= most) return value;
  char range[96];
  std::snprintf(range, sizeof range, " wants a number from %g to %.12g, not '", least, most);
  return Error{Code::invalid, name + std::string(range) + text + "'"};
}

Result<Plan> plan_of(const Arguments& arguments, Clock& clock) {
  Plan plan;
  plan.json = arguments.has("--json");
  const bool fastest = arguments.get("--rate") == "max";
  if (!fastest) plan.rate = TRY(number_of(arguments, "--rate", kUsualRate, 0.01, 10'000'000));
  plan.events = static_cast<uint64_t>(TRY(number_of(arguments, "--events", 0, 1, 1e15)));
  plan.shop.seed = static_cast<uint64_t>(TRY(number_of(arguments, "--seed", 1, 0, 9e15)));
  plan.shop.late_percent = TRY(number_of(arguments, "--late", 1, 0, 50));
  plan.shop.doubled_percent = TRY(number_of(arguments, "--doubled", 0.5, 0, 50));
  plan.shop.scenario = arguments.get("--scenario", "live");
  TRY(simulate::scenario_named(plan.shop.scenario));
  plan.live = !fastest && !arguments.has("--from");
  plan.shop.volume = TRY(number_of(arguments, "--volume", plan.live ? plan.rate : kUsualRate, 0.01, 50'000));
  if (arguments.has("--from")) {
    const auto from = from_iso(arguments.get("--from"));
    if (!from || from->ms < 0) return Error{Code::invalid, "--from wants a time such as 2026-03-02T06:00"};
    plan.shop.from = *from;
  } else if (plan.live) {
    plan.shop.from = clock.now();
  } else {
    const double span = static_cast<double>(plan.events) / plan.shop.volume * 1'000;
    plan.shop.from = clock.now() - Duration(plan.events > 0 ? static_cast<int64_t>(span) : kDayMs);
    if (plan.events == 0) plan.until = clock.now();
  }
  return plan;
}

// A log of our own, for a platform that does not run.
struct OwnLog {
  std::unique_ptr<log::EmbeddedLog> log;
  OpenedRegistry registry;
  std::unique_ptr<ingest::Ingestor> ingestor;
  std::unique_ptr<ShopFeed> feed;
};

Result<Shop> into_data(const std::string& directory, const Plan& plan, const std::string& producer,
                       Clock& clock) {
  auto own = std::make_shared<OwnLog>();
  own->log = TRY(log::open_embedded({.directory = directory}));
  own->registry = TRY(open_registry(*own->log, true, TRY(registry_in_environment()), clock));
  TRY(shop::declare_shop(*own->log, *own->registry));
  own->ingestor = std::make_unique<ingest::Ingestor>(*own->log, *own->registry, clock,
                                                     std::map<std::string, ingest::TopicRule>());
  own->feed = TRY(ShopFeed::open(*own->log, *own->registry, *own->ingestor,
                                 {.shop = plan.shop, .producer = producer}, clock.now()));
  return Shop{.send = [=](Timestamp until, size_t most) { return own->feed->send(until, most); },
              .sent = [=] { return own->feed->sent(); },
              .now = [=] { return own->feed->now(); }};
}

Result<Shop> over_http(const std::string& url, const Plan& plan, const std::string& producer, Clock& clock) {
  std::shared_ptr<ShopOverHttp> shop = TRY(ShopOverHttp::open(url, plan.shop, producer, clock));
  return Shop{.send = [=](Timestamp until, size_t most) { return shop->send(until, most); },
              .sent = [=] { return shop->sent(); },
              .now = [=] { return shop->now(); },
              .rejected = [=] { return shop->rejected(); }};
}

Result<Shop> onto_paper(const std::string& topics, const Plan& plan) {
  std::shared_ptr<ShopPrinted> shop = TRY(ShopPrinted::open(topics, plan.shop, stdout));
  return Shop{.send = [=](Timestamp until, size_t most) { return shop->send(until, most); },
              .sent = [=] { return shop->sent(); },
              .now = [=] { return shop->now(); }};
}

Result<Shop> shop_of(const Arguments& arguments, const Plan& plan, Clock& clock) {
  if (arguments.has("--print")) return onto_paper(arguments.get("--print"), plan);
  const std::string producer = "simulate-" + simulate::fingerprint(plan.shop);
  if (arguments.has("--data")) return into_data(arguments.get("--data"), plan, producer, clock);
  return over_http(server_of(arguments), plan, producer, clock);
}

class Run {
 public:
  Run(const Plan& plan, Shop shop, Clock& clock) : plan_(plan), shop_(std::move(shop)), clock_(clock) {}

  // Until all is sent or somebody asks to stop.
  Result<> go() {
    began_ns_ = clock_.monotonic_ns();
    first_ = shop_.sent();
    while (stop_asked == 0 && (plan_.events == 0 || shop_.sent() < plan_.events)) {
      const size_t most = allowed();
      const Timestamp until = plan_.live ? clock_.now() : plan_.until;
      const size_t sent = most == 0 ? 0 : TRY(shop_.send(until, most));
      show();
      if (sent >= most && most > 0) continue;  // there is more
      if (most > 0 && !plan_.live) break;      // the history is told
      clock_.sleep(kTick);
    }
    if (isatty(STDERR_FILENO) != 0) std::fputc('\n', stderr);
    return {};
  }

  void summarize() const {
    std::printf(
        "{\"events\":%llu,\"before\":%llu,\"rejected\":%lld,\"seconds\":%.3f,\"from\":\"%s\",\"to\":\"%s\","
        "\"seed\":%llu}\n",
        static_cast<unsigned long long>(shop_.sent() - first_), static_cast<unsigned long long>(first_),
        static_cast<long long>(shop_.rejected()), seconds(), to_iso(plan_.shop.from).c_str(),
        to_iso(shop_.now()).c_str(), static_cast<unsigned long long>(plan_.shop.seed));
  }

 private:
  double seconds() const { return static_cast<double>(clock_.monotonic_ns() - began_ns_) / 1e9; }

  // How many events may go now.
  size_t allowed() const {
    uint64_t most = kMostEventsAtOnce;
    if (plan_.events > 0) most = std::min<uint64_t>(most, plan_.events - shop_.sent());
    if (plan_.live || plan_.rate <= 0) return most;
    const auto due = static_cast<uint64_t>(seconds() * plan_.rate) + 1;
    const uint64_t gone = shop_.sent() - first_;
    return due <= gone ? 0 : std::min<uint64_t>(most, due - gone);
  }

  void show() {
    if (isatty(STDERR_FILENO) == 0 || seconds() - shown_ < 0.2) return;
    shown_ = seconds();
    const auto sent = static_cast<double>(shop_.sent());
    const double rate = (sent - static_cast<double>(first_)) / std::max(seconds(), 0.001);
    if (plan_.events == 0) {
      std::fprintf(stderr, "\r%.0f events, %.0f a second, %s in the shop ", sent, rate,
                   to_iso(shop_.now()).c_str());
      return;
    }
    const double part = std::min(1.0, sent / static_cast<double>(plan_.events));
    std::fprintf(stderr, "\r[%-30s] %3.0f %%  %.0f events, %.0f a second ",
                 std::string(static_cast<size_t>(part * 30), '=').c_str(), part * 100, sent, rate);
  }

  const Plan& plan_;
  Shop shop_;
  Clock& clock_;
  int64_t began_ns_ = 0;
  uint64_t first_ = 0;
  double shown_ = -1;
};

}  // namespace

int simulate_verb(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(raw, {"--json"},
                                         {"--server", "--data", "--rate", "--events", "--seed", "--scenario",
                                          "--late", "--doubled", "--from", "--volume", "--print"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (!arguments->words.empty())
    return fail("simulate takes no '" + arguments->words[0] + "'; see --help", 2);
  SystemClock clock;
  const auto plan = plan_of(*arguments, clock);
  if (!plan.ok()) return fail(plan.error().message, 2);
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  auto shop = shop_of(*arguments, *plan, clock);
  if (!shop.ok()) return fail(shop.error().message, shop.error().code == Code::invalid ? 2 : 1);
  Run run(*plan, *shop, clock);
  const auto done = run.go();
  const bool printing = arguments->has("--print");
  if (!done.ok())
    return fail(done.error().message + (printing ? "" : "; start it again to go on where it stopped"));
  if (!printing) run.summarize();
  return 0;
}

}  // namespace tradewind::cli
