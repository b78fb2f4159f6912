#pragma once
// Health: named checks that say whether the process is alive, ready, and keeping up.
//
// Threads: checks are added before the first question; questions come from any thread, so a check must be
// callable from any.

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tradewind::telemetry {

// alive: failing, the process should be replaced. ready: failing, it should get no requests. lagging: it
// answers, but with what was so a while ago; told, and no reason to replace or spare it.
enum class Probe { alive, ready, lagging };

class Health {
 public:
  // `why` answers what is wrong, or nothing.
  using Check = std::function<std::optional<std::string>()>;
  void add(Probe probe, std::string name, Check why);

  struct Finding {
    std::string name;
    std::string reason;
    bool operator==(const Finding&) const = default;
  };
  // What is wrong; empty when all is well. Who is not alive is not ready either.
  std::vector<Finding> findings(Probe probe) const;

 private:
  struct Named {
    Probe probe;
    std::string name;
    Check why;
  };
  std::vector<Named> checks_;
};

}  // namespace tradewind::telemetry
