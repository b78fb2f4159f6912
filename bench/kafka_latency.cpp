// Open loop: events are written when they are due, whatever becomes of them.
#include <algorithm>
#include <atomic>
#include <thread>

#include "kafka_sides.h"
#include "kafka_watch.h"
#include "log/partitioner.h"

namespace tradewind::bench {
namespace {

constexpr int64_t kPatienceNs = 20'000'000'000;  // behind the last event

// When events are due. Every fifth is an order.
struct Schedule {
  int64_t start_ns = 0;
  int64_t rate = 1;

  int64_t due_ns(int64_t event) const {
    return start_ns + static_cast<int64_t>(static_cast<double>(event) * 1e9 / static_cast<double>(rate));
  }
  static int64_t view(int64_t n) { return n / 4 * 5 + n % 4; }
  static int64_t order(int64_t n) { return n * 5 + 4; }
};

Result<> write_when_due(const Surroundings& at, const Load& load, const Schedule& schedule,
                        const std::atomic<bool>& stop) {
  SystemClock clock;
  const auto writer = TRY(RecordWriter::open(at.servers, load.linger));
  const int64_t events = load.rate * (load.seconds + load.warm_seconds);
  Workload workload(load.seed, events);
  Event event;
  Bytes key;
  Bytes value;
  for (int64_t n = 0; !stop && workload.next(event, key, value); ++n) {
    set_schema_id(value, event.order ? at.ids.orders : at.ids.views);
    while (clock.monotonic_ns() < schedule.due_ns(n))
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    TRY(writer->add(event.order ? kLiveOrdersTopic : kLiveViewsTopic, log::partition_of(key, kPartitions),
                    key, value, event.time_ms));
  }
  return writer->finish();
}

// How long those took of which a reader has seen so many.
class Waits {
 public:
  Waits(const Schedule& schedule, int64_t (*event_of)(int64_t), int64_t first)
      : schedule_(schedule), event_of_(event_of), first_(first) {}
  void seen(int64_t total, int64_t now_ns) {
    for (; told_ < total; ++told_) {
      const int64_t event = event_of_(told_);
      if (event >= first_) ms_.push_back(static_cast<double>(now_ns - schedule_.due_ns(event)) / 1e6);
    }
  }
  double at(double share) {
    if (ms_.empty()) return 0;
    const auto place = ms_.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(ms_.size() - 1));
    std::nth_element(ms_.begin(), place, ms_.end());
    return *place;
  }

 private:
  const Schedule& schedule_;
  int64_t (*event_of_)(int64_t);
  const int64_t first_;
  int64_t told_ = 0;
  std::vector<double> ms_;
};

}  // namespace

Result<Waited> measure_latency(Side& side, const Surroundings& at, const Load& load) {
  SystemClock clock;
  TRY(prepare_run(at.servers, side.name(), true));
  const auto watch = TRY(ResultWatch::open(at.servers, side.name(), side.nullable()));
  Child child = TRY(side.start(at, true, Side::Setting::latency));
  TRY(side.begin(at, child, true));
  const int64_t events = load.rate * (load.seconds + load.warm_seconds);
  const Schedule schedule{.start_ns = clock.monotonic_ns() + 500'000'000, .rate = load.rate};
  const int64_t counted_from = load.rate * load.warm_seconds;
  Waits views(schedule, Schedule::view, counted_from);
  Waits orders(schedule, Schedule::order, counted_from);
  std::atomic<bool> stop{false};
  Result<> written;
  std::jthread writing([&] { written = write_when_due(at, load, schedule, stop); });
  const int64_t until_ns = schedule.due_ns(events) + kPatienceNs;
  int64_t cpu = 0;
  int64_t cpu_from_ns = 0;
  Waited waited{.rate = load.rate};
  while (watch->total(3) + watch->total(4) < events) {
    const auto got = watch->read(Duration(2));
    const int64_t now = clock.monotonic_ns();
    waited.kept_up = now < until_ns;
    if (!got.ok() || !child.running() || !waited.kept_up) {
      stop = true;
      if (waited.kept_up) return got.ok() ? ended(side, child, at) : got.error();
      break;
    }
    views.seen(watch->total(3), now);
    orders.seen(watch->total(4), now);
    if (cpu == 0 && now > schedule.due_ns(counted_from)) {
      cpu = child.cpu_ns();
      cpu_from_ns = now;
    }
  }
  waited.cores =
      static_cast<double>(child.cpu_ns() - cpu) / static_cast<double>(clock.monotonic_ns() - cpu_from_ns);
  writing.join();
  TRY(std::move(written));
  waited.views_p50_ms = views.at(0.5);
  waited.views_p99_ms = views.at(0.99);
  waited.orders_p50_ms = orders.at(0.5);
  waited.orders_p99_ms = orders.at(0.99);
  child.stop(Duration(60'000));
  return waited;
}

}  // namespace tradewind::bench
