#pragma once
// ShopFeed: the simulated shop as a producer in this process: its events go through the ingestor, and what it
// needs to go on after a restart goes with them.
//
// Each append is numbered with the events sent so far and atomic over all topics, so that no event is lost or
// comes twice. Now and then the whole shop is saved in the topic tw.simulator in the same append; a start
// loads that, makes the events since then once more and goes on behind the last that was appended. Threads:
// one.

#include <memory>
#include <vector>

#include "apps/simulate/simulation.h"
#include "ingest/ingestor.h"
#include "log/log.h"
#include "schema/registry.h"

namespace tradewind::cli {

struct ShopFeedOptions {
  simulate::SimulationOptions shop;  // the ids of schemas are found out
  std::string producer;              // what the shop is called in the log
  // Saves the shop, so that it goes on where it was, with the volume given now. Otherwise a restart makes all
  // events from the beginning again to find out.
  bool saved = false;
  // With `saved`: how long the shop has been open already when it opens first; that is made up for at once.
  Duration history{0};
  // With `saved`: of the time in which nobody ran it, so much is made up for at once; before that lies a gap.
  Duration caught_up{0};
};

class ShopFeed {
 public:
  // Creates the topic simulated-truth, registers its schema and finds out where to go on from `now`. The log,
  // the registry and the ingestor must outlive it.
  static Result<std::unique_ptr<ShopFeed>> open(log::Log& log, schema::Registry& registry,
                                                ingest::Ingestor& ingestor, ShopFeedOptions options,
                                                Timestamp now);

  // Sends what is due before `until`, at most about `most` events, durably; answers how many.
  Result<size_t> send(Timestamp until, size_t most);
  // Saves the shop, for a quick next start.
  Result<> save();

  uint64_t sent() const { return base_ + shop_->sent(); }  // also by earlier processes
  Timestamp now() const { return shop_->now(); }

 private:
  ShopFeed(log::Log& log, ingest::Ingestor& ingestor, ShopFeedOptions options);
  Result<> start(Timestamp now);
  Result<std::optional<Bytes>> last_saved();
  Result<> go_on(BytesView saved, uint64_t last, Timestamp now);
  Result<> begin(Timestamp from);
  std::optional<Bytes> state() const;
  void gather(std::vector<log::Appending>& appendings);
  Result<> forget_older_states();

  log::Log& log_;
  ingest::Ingestor& ingestor_;
  ShopFeedOptions options_;
  std::unique_ptr<simulate::Simulation> shop_;
  uint64_t base_ = 0;      // events of shops before this one
  uint64_t saved_at_ = 0;  // events sent when it was saved last
  bool save_next_ = true;
  std::array<int32_t, simulate::kTopics> partitions_{};
  simulate::EventBatch batch_;
  std::vector<std::vector<log::RecordView>> records_;  // by topic and partition
};

inline constexpr const char* kSimulatorTopic = "tw.simulator";

}  // namespace tradewind::cli
