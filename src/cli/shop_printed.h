#pragma once
// ShopPrinted: the simulated shop's events as lines of JSON, for other programs and for recounts.
//
// A line is {"topic":…,"key":…,"event":{…}}; the event as POST /v1/events takes it. Threads: one.

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/simulate/event_json.h"
#include "apps/simulate/simulation.h"

namespace tradewind::cli {

class ShopPrinted {
 public:
  // `topics`: "all", or names with commas between them. The file must outlive it. `invalid`: no such topic,
  // or the options are out of range.
  static Result<std::unique_ptr<ShopPrinted>> open(const std::string& topics,
                                                   const simulate::SimulationOptions& options,
                                                   std::FILE* out);

  // Prints what happens before `until`, at most about `most` events; answers how many happened, also in
  // topics that are not printed. io: nobody reads the file any more.
  Result<size_t> send(Timestamp until, size_t most);

  uint64_t sent() const { return shop_->sent(); }
  Timestamp now() const { return shop_->now(); }

 private:
  ShopPrinted(std::unique_ptr<simulate::Simulation> shop, std::FILE* out);
  Result<> choose(const std::string& topics);

  std::unique_ptr<simulate::Simulation> shop_;
  std::FILE* out_;
  std::array<bool, simulate::kTopics> chosen_{};
  std::array<schema::AvroSchemaPtr, simulate::kTopics> schemas_;
  simulate::EventBatch batch_;
  std::string lines_;
};

}  // namespace tradewind::cli
