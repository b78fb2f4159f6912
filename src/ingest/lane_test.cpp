#include "ingest/lane.h"

#include <future>

namespace tradewind::ingest {
namespace {

using testing::ElementsAre;

// What became of each, in order; "one: done", "two: refused, away".
class LaneTest : public testing::Test {
 protected:
  // The lane works at it until go().
  void submit_held(const std::string& name, const Result<>& answer) {
    lane_->submit(
        [this, name, answer] {
          begun_.set_value();
          gone_.get_future().wait();
          told_.push_back(name + ": done");
          return answer;
        },
        refused(name));
    begun_.get_future().wait();
  }
  void submit(const std::string& name) {
    lane_->submit(
        [this, name]() -> Result<> {
          told_.push_back(name + ": done");
          return {};
        },
        refused(name));
  }
  void go() { gone_.set_value(); }
  std::vector<std::string> all_told() {
    lane_.reset();
    return told_;
  }

 private:
  Lane::Refused refused(const std::string& name) {
    return [this, name](const Error& error) { told_.push_back(name + ": refused, " + error.message); };
  }

  std::promise<void> begun_;
  std::promise<void> gone_;
  std::vector<std::string> told_;  // by the lane's thread, until it has ended
  std::unique_ptr<Lane> lane_ = std::make_unique<Lane>();
};

TEST_F(LaneTest, DoesOneAfterTheOther) {
  submit_held("one", {});
  submit("two");
  submit("three");
  go();
  EXPECT_THAT(all_told(), ElementsAre("one: done", "two: done", "three: done"));
}

TEST_F(LaneTest, WhoWaitsBehindSilenceIsToldAtOnce) {
  submit_held("one", Error{Code::unavailable, "away"});
  submit("two");
  submit("three");
  go();
  EXPECT_THAT(all_told(), ElementsAre("one: done", "two: refused, away", "three: refused, away"));
}

TEST_F(LaneTest, WhatOneIsToBlameForIsNotTheOthers) {
  submit_held("one", Error{Code::not_found, "no topic"});
  submit("two");
  go();
  EXPECT_THAT(all_told(), ElementsAre("one: done", "two: done"));
}

}  // namespace
}  // namespace tradewind::ingest
