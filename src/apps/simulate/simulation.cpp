#include "apps/simulate/simulation.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "apps/simulate/fraudsters.h"
#include "apps/simulate/orders.h"
#include "apps/simulate/postman.h"
#include "apps/simulate/recommendations.h"
#include "apps/simulate/stock.h"
#include "apps/simulate/visits.h"
#include "apps/simulate/warehouse.h"
#include "base/check.h"
#include "base/coding.h"

namespace tradewind::simulate {
namespace {

constexpr double kLeastVolume = 0.01;
constexpr double kMostVolume = 50'000;
constexpr int64_t kHourMs = 3'600'000;
// About as long as visitors stay.
constexpr int64_t kWarmUpMs = 8 * 60'000;
constexpr uint32_t kSavedFormat = 2;

// What two builds must agree in for one to go on with what the other saved.
uint64_t shape() {
  uint64_t shape = kSavedFormat;
  for (const size_t size : {sizeof(Counters), sizeof(Visit), sizeof(Order), sizeof(Supply), sizeof(Stock),
                            sizeof(Customer), sizeof(Moment), sizeof(Random)})
    shape = mix64(shape, size);
  return shape;
}

template <typename T>
void put_list(Bytes& out, const std::vector<T>& list) {
  static_assert(std::is_trivially_copyable_v<T>);
  put_fixed(out, static_cast<uint64_t>(list.size()));
  out.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T));
}

template <typename T>
bool get_list(BytesView& in, std::vector<T>& list) {
  uint64_t size = 0;
  if (!get_fixed(in, size) || size > in.size() / sizeof(T)) return false;
  list.resize(size);
  std::memcpy(list.data(), in.data(), size * sizeof(T));
  in.remove_prefix(size * sizeof(T));
  return true;
}

size_t known_customers(double volume) {
  return static_cast<size_t>(std::clamp(volume * 100, 1'000.0, 400'000.0));
}

Result<> check(const SimulationOptions& options) {
  const auto number = [](double value, double least, double most, const char* name) -> Result<> {
    if (value >= least && value <= most) return {};
    char text[160];
    std::snprintf(text, sizeof text, "%s is %g; it goes from %g to %g", name, value, least, most);
    return Error{Code::invalid, text};
  };
  TRY(number(options.volume, kLeastVolume, kMostVolume, "the volume"));
  TRY(number(options.late_percent, 0, 50, "the share of late events in percent"));
  TRY(number(options.doubled_percent, 0, 50, "the share of doubled events in percent"));
  if (options.from.ms < 0) return Error{Code::invalid, "the shop cannot begin before 1970"};
  return {};
}

}  // namespace

std::string fingerprint(const SimulationOptions& options) {
  char text[200];
  std::snprintf(text, sizeof text, "%llu-%lld-%g-%s-%g-%g", static_cast<unsigned long long>(options.seed),
                static_cast<long long>(options.from.ms), options.volume, options.scenario.c_str(),
                options.late_percent, options.doubled_percent);
  return text;
}

struct Simulation::State {
  State(const SimulationOptions& given, Scenario chosen)
      : options(given),
        scenario(std::move(chosen)),
        people(given.seed, given.from.ms),
        writer(catalogue, people, mix64(given.seed, static_cast<uint64_t>(given.from.ms)), given.schema_ids),
        postman(given.seed, given.late_percent, given.doubled_percent),
        stage{catalogue, people, scenario, given.volume, writer, world} {}

  SimulationOptions options;
  const Scenario scenario;
  const Catalogue catalogue;
  const People people;
  EventWriter writer;
  Postman postman;
  World world;
  Stage stage;
  uint64_t sent = 0;
  bool opened = false;

  void open(EventBatch& out);
  void keep_lookers();
  void plan_arrival();
  // When the next thing happens.
  int64_t next_ms() const;
  void step(int64_t ms, EventBatch& out);
  // What the shop itself does then.
  void act(int64_t ms);
};

// A shop that opens has visitors already: what happens before nobody hears of, and only who is looking around
// stays.
void Simulation::State::open(EventBatch& out) {
  opened = true;
  world.random = Random(options.seed);
  Counters& count = world.count;
  count.start_ms = options.from.ms;
  count.now_ms = std::max<int64_t>(options.from.ms - kWarmUpMs, 0);
  count.sale_ms = count.bulk_ms = count.finding_ms = INT64_MAX;
  world.customers.resize(known_customers(options.volume));
  for (size_t i = 0; i < world.customers.size(); ++i)
    world.customers[i].created_ms =
        count.start_ms - static_cast<int64_t>(people.of(i, 51) % (700ULL * 24 * kHourMs)) - kWarmUpMs;
  EventBatch unheard;
  writer.write_to(unheard);
  open_stock(stage);
  count.arrival_ms = static_cast<double>(count.now_ms);
  plan_arrival();
  for (int64_t ms = next_ms(); ms < options.from.ms; ms = next_ms()) {
    unheard.clear();
    act(ms);
  }
  keep_lookers();
  count.now_ms = options.from.ms;
  count.sale_ms =
      options.from.ms + (scenario.whole_shop_on_sale ? kHourMs / 2 : scenario.sale_every.count() / 4);
  count.bulk_ms = options.from.ms + kHourMs * 2 / 3;
  count.finding_ms = next_finding_ms(stage);
  writer.write_to(out);
  open_stock(stage);
}

void Simulation::State::keep_lookers() {
  world.orders = {};
  world.supplies = {};
  world.stock.clear();
  world.orders_due = {};
  world.supplies_due = {};
  for (Customer& customer : world.customers) customer.told = false;
  std::vector<Moment> kept;
  for (const Moment& moment : world.visits_due.moments) {
    Visit& visit = world.visits.slots[moment.slot];
    visit.wanted = kNothing;  // of a list that nobody heard of
    if (visit.truth == Truth::unknown && visit.phase == VisitPhase::browsing)
      kept.push_back(moment);
    else
      world.visits.give_back(moment.slot);
  }
  world.visits_due = {};
  for (const Moment& moment : kept) world.visits_due.add(moment.ms, moment.slot);
}

void Simulation::State::plan_arrival() {
  Counters& count = world.count;
  const auto at = static_cast<int64_t>(count.arrival_ms);
  const double a_second = options.volume / kEventsPerVisit * scenario.traffic({at}, {count.start_ms});
  count.arrival_ms += -std::log1p(-world.random.unit()) / a_second * 1000;
}

int64_t Simulation::State::next_ms() const {
  if (!opened) return options.from.ms;
  const Counters& count = world.count;
  return std::min({static_cast<int64_t>(count.arrival_ms), world.visits_due.next_ms(),
                   world.orders_due.next_ms(), world.supplies_due.next_ms(), count.sale_ms, count.bulk_ms,
                   count.finding_ms, postman.next_ms()});
}

void Simulation::State::step(int64_t ms, EventBatch& out) {
  const size_t first = out.size();
  if (opened && postman.next_ms() == ms) {
    world.count.now_ms = std::max(world.count.now_ms, ms);
    postman.deliver(out);
  } else {
    if (opened)
      act(ms);
    else
      open(out);
    postman.carry(world.count.now_ms, first, out);
  }
  sent += out.size() - first;
}

void Simulation::State::act(int64_t ms) {
  Counters& count = world.count;
  count.now_ms = std::max(count.now_ms, ms);
  if (world.visits_due.next_ms() == ms) {
    advance_visit(stage, world.visits_due.take());
  } else if (world.orders_due.next_ms() == ms) {
    advance_order(stage, world.orders_due.take());
  } else if (world.supplies_due.next_ms() == ms) {
    supply(stage, world.supplies_due.take());
  } else if (count.sale_ms == ms) {
    change_sale(stage);
    count.sale_ms = scenario.whole_shop_on_sale ? INT64_MAX : ms + scenario.sale_every.count();
  } else if (count.bulk_ms == ms) {
    begin_bulk_order(stage);
    count.bulk_ms = ms + 3 * kHourMs + static_cast<int64_t>(world.random.below(4 * kHourMs));
  } else if (count.finding_ms == ms) {
    find_something(stage);
    count.finding_ms = next_finding_ms(stage);
  } else {
    begin_visit(stage);
    plan_arrival();
  }
}

Simulation::Simulation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Simulation::~Simulation() = default;

Result<std::unique_ptr<Simulation>> Simulation::create(const SimulationOptions& options) {
  TRY(check(options));
  Scenario scenario = TRY(scenario_named(options.scenario));
  return std::unique_ptr<Simulation>(new Simulation(std::make_unique<State>(options, std::move(scenario))));
}

void Simulation::run(Timestamp until, size_t most, EventBatch& out) {
  state_->writer.write_to(out);
  while (out.size() < most) {
    const int64_t ms = state_->next_ms();
    if (ms >= until.ms) return;
    state_->step(ms, out);
  }
}

Result<> Simulation::forward_to(uint64_t events) {
  EventBatch batch;
  while (sent() < events) {
    batch.clear();
    run(Timestamp::max(), static_cast<size_t>(std::min<uint64_t>(events - sent(), 10'000)), batch);
  }
  if (sent() == events) return {};
  return Error{Code::conflict, "no moment of this shop ends after " + std::to_string(events) + " events"};
}

uint64_t Simulation::sent() const {
  return state_->sent;
}
Timestamp Simulation::now() const {
  return {state_->opened ? state_->world.count.now_ms : state_->options.from.ms};
}

void Simulation::pause(Duration length) {
  State& state = *state_;
  const int64_t ms = length.count();
  if (!state.opened || ms <= 0) return;
  Counters& count = state.world.count;
  count.now_ms += ms;
  count.arrival_ms += static_cast<double>(ms);
  count.bulk_ms += ms;
  count.finding_ms += ms;
  if (count.sale_ms != INT64_MAX) count.sale_ms += ms;
  for (Agenda* agenda : {&state.world.visits_due, &state.world.orders_due, &state.world.supplies_due}) {
    for (Moment& moment : agenda->moments) moment.ms += ms;
  }
  state.postman.pause(ms);
}

void Simulation::set_volume(double volume) {
  CHECK(volume >= kLeastVolume && volume <= kMostVolume);
  state_->options.volume = state_->stage.volume = volume;
}

Bytes Simulation::save() const {
  const State& state = *state_;
  const World& world = state.world;
  CHECK(state.opened);
  Bytes out;
  put_fixed(out, shape());
  put_bytes(out, fingerprint(state.options));
  put_fixed(out, state.sent);
  put_fixed(out, world.count);
  put_fixed(out, world.random);
  put_list(out, world.visits.slots);
  put_list(out, world.visits.free);
  put_list(out, world.orders.slots);
  put_list(out, world.orders.free);
  put_list(out, world.supplies.slots);
  put_list(out, world.supplies.free);
  put_list(out, world.visits_due.moments);
  put_list(out, world.orders_due.moments);
  put_list(out, world.supplies_due.moments);
  put_list(out, world.stock);
  put_list(out, world.customers);
  put_list(out, state.writer.parts().prices());
  state.postman.save(out);
  return out;
}

Result<> Simulation::load(BytesView saved) {
  State& state = *state_;
  World& world = state.world;
  uint64_t their_shape = 0;
  BytesView in = saved, their_options;
  if (!get_fixed(in, their_shape) || their_shape != shape() || !get_bytes(in, their_options))
    return Error{Code::conflict, "the shop was saved by another build"};
  if (their_options != fingerprint(state.options))
    return Error{Code::conflict, "the shop was saved with other options: " + Bytes(their_options)};
  std::vector<int64_t> prices;
  if (!get_fixed(in, state.sent) || !get_fixed(in, world.count) || !get_fixed(in, world.random) ||
      !get_list(in, world.visits.slots) || !get_list(in, world.visits.free) ||
      !get_list(in, world.orders.slots) || !get_list(in, world.orders.free) ||
      !get_list(in, world.supplies.slots) || !get_list(in, world.supplies.free) ||
      !get_list(in, world.visits_due.moments) || !get_list(in, world.orders_due.moments) ||
      !get_list(in, world.supplies_due.moments) || !get_list(in, world.stock) ||
      !get_list(in, world.customers) || !get_list(in, prices) || !state.postman.load(in) || !in.empty() ||
      prices.size() != state.catalogue.products().size())
    return Error{Code::corrupt, "what was saved of the shop is cut short"};
  for (size_t i = 0; i < prices.size(); ++i)
    state.writer.parts().set_price(static_cast<uint16_t>(i), prices[i]);
  state.opened = true;
  return {};
}

}  // namespace tradewind::simulate
