#pragma once
// Stage: what the players of the simulation act on, and the words they share.
//
// Threads: one.

#include <cmath>

#include "apps/simulate/event_writer.h"
#include "apps/simulate/world.h"

namespace tradewind::simulate {

// What a shop of one event a second sells, in units a second; measured, and what stock is planned by.
inline constexpr double kUnitsPerEvent = 0.0070;
// Events a visitor causes, with all that follows of it; measured.
inline constexpr double kEventsPerVisit = 18.8;

struct Stage {
  const Catalogue& catalogue;
  const People& people;
  const Scenario& scenario;
  double volume;  // events a second, on average
  EventWriter& writer;
  World& world;

  Counters& count() { return world.count; }
  Random& random() { return world.random; }
  int64_t now() const { return world.count.now_ms; }
  const EventWriter::Fields& fields() const { return writer.fields(); }
  Stock& stock(uint16_t product, uint8_t location) {
    return world.stock[size_t{product} * kLocations + location];
  }
  // Waiting times without memory.
  int64_t wait_ms(double mean_ms) { return static_cast<int64_t>(-mean_ms * std::log1p(-random().unit())); }
  // Of goods that take so many hours in the world.
  int64_t hauling_ms(double hours) { return static_cast<int64_t>(hours * 3'600'000 * scenario.logistics); }
  void close() { writer.close(world.count); }
  void tell(Did what, const Visit& visit) {
    writer.open_visit(what, visit, world.count);
    close();
  }
};

}  // namespace tradewind::simulate
