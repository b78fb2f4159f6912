#include "telemetry/health.h"

namespace tradewind::telemetry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HealthTest : public testing::Test {
 protected:
  HealthTest() {
    health_.add(Probe::alive, "log", [this] { return log_; });
    health_.add(Probe::ready, "restore", [this] { return restore_; });
    health_.add(Probe::lagging, "queries", [this] { return queries_; });
  }
  Health health_;
  std::optional<std::string> log_, restore_, queries_;
};

TEST_F(HealthTest, NothingIsWrongWhileNoCheckSaysSo) {
  for (const Probe probe : {Probe::alive, Probe::ready, Probe::lagging})
    EXPECT_THAT(health_.findings(probe), IsEmpty());
}

TEST_F(HealthTest, WhoIsNotAliveIsNotReadyEither) {
  log_ = "the disk is gone";
  const Health::Finding gone{"log", "the disk is gone"};
  EXPECT_THAT(health_.findings(Probe::alive), ElementsAre(gone));
  EXPECT_THAT(health_.findings(Probe::ready), ElementsAre(gone));
  restore_ = "starting";
  EXPECT_THAT(health_.findings(Probe::ready), ElementsAre(gone, Health::Finding{"restore", "starting"}));
}

TEST_F(HealthTest, WhoLagsIsAliveAndReady) {
  queries_ = "Q is behind";
  EXPECT_THAT(health_.findings(Probe::alive), IsEmpty());
  EXPECT_THAT(health_.findings(Probe::ready), IsEmpty());
  EXPECT_THAT(health_.findings(Probe::lagging), ElementsAre(Health::Finding{"queries", "Q is behind"}));
}

TEST_F(HealthTest, AWrongThatHasPassedIsForgotten) {
  restore_ = "starting";
  EXPECT_EQ(health_.findings(Probe::ready).size(), 1u);
  restore_.reset();
  EXPECT_THAT(health_.findings(Probe::ready), IsEmpty());
}

}  // namespace
}  // namespace tradewind::telemetry
