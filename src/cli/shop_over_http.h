#pragma once
// ShopOverHttp: the simulated shop as a producer of a running platform.
//
// Each topic's events are numbered with the events the shop had sent by then, so that a shop that is started
// again with the same options goes on where the log says, doubling nothing. Threads: one.

#include <array>
#include <memory>
#include <string>

#include "apps/simulate/event_json.h"
#include "apps/simulate/simulation.h"
#include "cli/event_post.h"

namespace tradewind::cli {

class ShopOverHttp {
 public:
  // Registers the schema of simulated-truth and makes its topic, as a stream of that name.
  static Result<std::unique_ptr<ShopOverHttp>> open(const std::string& url,
                                                    const simulate::SimulationOptions& options,
                                                    const std::string& producer, Clock& clock);

  // Sends what is due before `until`, at most about `most` events; answers how many the shop had.
  Result<size_t> send(Timestamp until, size_t most);

  uint64_t sent() const { return shop_->sent(); }
  Timestamp now() const { return shop_->now(); }
  int64_t rejected() const { return rejected_; }
  // How much of it is there already, from a run before.
  uint64_t there_already() const;

 private:
  ShopOverHttp(const std::string& url, const std::string& producer, Clock& clock);
  Result<> declare_truth();
  std::string producer_of(size_t topic) const;
  bool gather(uint64_t first_number);

  EventPost server_;
  std::string producer_;
  std::unique_ptr<simulate::Simulation> shop_;
  std::array<schema::AvroSchemaPtr, simulate::kTopics> schemas_;
  std::array<int64_t, simulate::kTopics> last_{};  // numbers of what was taken
  std::array<std::string, simulate::kTopics> bodies_;
  simulate::EventBatch batch_;
  int64_t rejected_ = 0;
};

}  // namespace tradewind::cli
