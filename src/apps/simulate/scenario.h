#pragma once
// Scenario: what kind of time the shop is going through: how busy it is when, and how fast goods move.
//
// Pure; immutable, share freely.

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tradewind::simulate {

struct Scenario {
  std::string name;
  std::string about;
  // Deliveries, returns and suppliers' lead times take this part of what they take in the world.
  double logistics = 1;
  double fraud = 1;        // how many fraudsters there are, beside the usual
  double bots = 1;         // how many bots there are, beside the usual
  int hammered = -1;       // the number of the one product that all bots look at; negative: any
  double wanting = 1;      // how ready visitors are to buy, beside the usual
  int sale_percent = 20;   // off the prices of the category that is on sale
  Duration sale_every{0};  // how often another category's turn comes
  bool whole_shop_on_sale = false;
  Duration surge_begins{-1};  // after the start; negative: none
  Duration surge_lasts{0};
  double surge = 1;  // how many times as many visitors come at its height

  // How many visitors come at `time`, beside the average: by the hour of the day and the day of the week in
  // UTC, and by the surge of a shop that opened at `start`.
  double traffic(Timestamp time, Timestamp start) const;
};

const std::vector<Scenario>& scenarios();
// `invalid`, with the names there are.
Result<Scenario> scenario_named(const std::string& name);

}  // namespace tradewind::simulate
