#include "telemetry/health.h"

namespace tradewind::telemetry {

void Health::add(Probe probe, std::string name, Check why) {
  checks_.push_back({probe, std::move(name), std::move(why)});
}

std::vector<Health::Finding> Health::findings(Probe probe) const {
  std::vector<Finding> found;
  for (const Named& check : checks_) {
    if (check.probe != probe && !(probe == Probe::ready && check.probe == Probe::alive)) continue;
    if (auto reason = check.why()) found.push_back({check.name, std::move(*reason)});
  }
  return found;
}

}  // namespace tradewind::telemetry
