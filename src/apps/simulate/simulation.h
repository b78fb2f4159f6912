#pragma once
// Simulation: the demo shop: events in the order in which the shop sends them, each at its time on the
// simulated clock.
//
// The same options give the same bytes, however they are cut into batches. Threads: one.

#include <array>
#include <memory>
#include <string>

#include "apps/simulate/event_batch.h"
#include "base/result.h"
#include "base/time.h"

namespace tradewind::simulate {

struct SimulationOptions {
  uint64_t seed = 1;
  Timestamp from;       // where the simulated clock begins
  double volume = 200;  // events a second of the simulated clock, on average over a week; at most 50,000
  std::string scenario = "live";
  double late_percent = 1;                    // of visits' and orders' events: sent later than they happened
  double doubled_percent = 0.5;               // of these and of stock's events: sent twice
  std::array<int32_t, kTopics> schema_ids{};  // for the headers of values, by Topic
};

// What makes two runs alike, as a short text: all options but the ids of schemas.
std::string fingerprint(const SimulationOptions& options);

class Simulation {
 public:
  // `invalid`: no such scenario, or a number out of its range.
  static Result<std::unique_ptr<Simulation>> create(const SimulationOptions& options);
  ~Simulation();

  // Appends what the shop sends before `until`, until the batch has `most` events, or a few more: what
  // happens at one moment is not cut.
  void run(Timestamp until, size_t most, EventBatch& out);
  // Runs until `events` have been sent in all. conflict: no moment ends there, so it was another shop.
  Result<> forward_to(uint64_t events);

  // How many events were sent since the beginning, and where the clock stands.
  uint64_t sent() const;
  Timestamp now() const;

  // The shop stood still for this time: all that is to come comes so much later.
  void pause(Duration length);
  // From now on the shop is so busy. REQUIRES 0.01 to 50,000.
  void set_volume(double volume);
  // Everything, as bytes that load() of the same build takes.
  Bytes save() const;
  // conflict: saved by another build, or with other options.
  Result<> load(BytesView saved);

 private:
  struct State;
  explicit Simulation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tradewind::simulate
