#include "apps/simulate/scenario.h"

#include <algorithm>

namespace tradewind::simulate {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;

// Sum 24: quiet at four in the morning, busiest at eight in the evening.
constexpr double kByHour[24] = {0.62, 0.50, 0.44, 0.41, 0.40, 0.46, 0.58, 0.74, 0.90, 1.02, 1.10, 1.16,
                                1.22, 1.20, 1.14, 1.12, 1.14, 1.22, 1.36, 1.52, 1.60, 1.45, 1.18, 0.92};
// From Thursday, the first of January 1970; sum 7.
constexpr double kByDay[7] = {0.98, 0.92, 0.96, 1.20, 1.06, 0.94, 0.94};

double hour_factor(int64_t ms) {
  const int64_t in_day = ms % kDayMs;
  const auto hour = static_cast<size_t>(in_day / kHourMs);
  const double part = static_cast<double>(in_day % kHourMs) / kHourMs;
  return kByHour[hour] * (1 - part) + kByHour[(hour + 1) % 24] * part;
}

double surge_factor(const Scenario& scenario, Duration since) {
  if (scenario.surge_begins.count() < 0) return 1;
  const double hours = static_cast<double>((since - scenario.surge_begins).count()) / kHourMs;
  const double lasts = static_cast<double>(scenario.surge_lasts.count()) / kHourMs;
  if (hours < 0 || hours > lasts + 2) return 1;
  // Half an hour up, two hours down.
  const double height = std::min({1.0, hours / 0.5, 1 - (hours - lasts) / 2});
  return 1 + (scenario.surge - 1) * height;
}

}  // namespace

double Scenario::traffic(Timestamp time, Timestamp start) const {
  return hour_factor(time.ms) * kByDay[static_cast<size_t>(time.ms / kDayMs % 7)] *
         surge_factor(*this, time - start);
}

const std::vector<Scenario>& scenarios() {
  using std::chrono::hours;
  using std::chrono::minutes;
  static const std::vector<Scenario> all = {
      {.name = "live",
       .about = "usual trade; goods move fast, so that a day's life of an order shows within hours",
       .logistics = 1.0 / 24,
       .sale_every = hours(2)},
      {.name = "quarter",
       .about = "usual trade; goods take the days they take",
       .logistics = 1,
       .sale_every = hours(72)},
      {.name = "black-friday",
       .about = "after half an hour five times the visitors for six hours, everything cheaper, more fraud",
       .logistics = 1.0 / 24,
       .fraud = 2,
       .wanting = 1.5,
       .sale_percent = 30,
       .sale_every = hours(2),
       .whole_shop_on_sale = true,
       .surge_begins = minutes(30),
       .surge_lasts = hours(6),
       .surge = 5},
      {.name = "bot-storm",
       .about = "usual trade, and six times the bots, which all look at one product that few want",
       .logistics = 1.0 / 24,
       .bots = 6,
       .hammered = 404,
       .sale_every = hours(2)}};
  return all;
}

Result<Scenario> scenario_named(const std::string& name) {
  std::string names;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name == name) return scenario;
    names += (names.empty() ? "" : ", ") + scenario.name;
  }
  return Error{Code::invalid, "no scenario is called '" + name + "'; there are " + names};
}

}  // namespace tradewind::simulate
