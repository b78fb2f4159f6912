#pragma once
// Watch: how far partitions go and whether brokers answer, asked by a thread of its own about once a second,
// so that who only looks need not wait for a broker.
//
// Threads: shared freely. Every partition that somebody asked about within the last minutes is watched.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "log/kafka/claims.h"
#include "log/kafka/consumer.h"

namespace tradewind::log::kafka {

class Watch {
 public:
  Watch(std::shared_ptr<Readers> readers, std::shared_ptr<Claims> claims);
  ~Watch();

  // See Log::backlog(). As of now while brokers answer, which may take a quarter of a second; else as of the
  // last answer.
  std::map<Position, Log::Backlog> backlog(const Offsets& places);
  // unavailable: brokers do not answer, with since when.
  std::optional<Error> silent() const;

 private:
  struct Watched {
    int64_t asked_ns = 0;
    Offset begin = 0;
    Offset end = -1;                                 // -1: not known yet
    Offset first_end = 0;                            // when it began to be watched
    std::vector<std::pair<Offset, Timestamp>> grew;  // the ends that were found since, and when
    Offset told = -1;                                // the place of an older record whose time was read
    std::optional<Timestamp> told_time;
    Offset untold = -1;  // the place of one whose time is wanted; -1: none
  };

  void watch();
  bool refresh(bool also_begins);
  void take(const std::vector<Position>& wanted, const Offsets& ends, const Offsets& begins);
  void tell_times();
  void heard(bool answered, const std::string& trouble);
  void wait_for_refresh(std::unique_lock<std::mutex>& lock, const Offsets& places);
  std::optional<Timestamp> oldest(Watched& watched, const Position& position, Offset next);
  int64_t now_ns() const { return readers_->options().clock->monotonic_ns(); }

  const std::shared_ptr<Readers> readers_;
  const std::shared_ptr<Claims> claims_;
  mutable std::mutex mutex_;
  std::condition_variable_any asked_;
  std::condition_variable refreshed_;
  std::map<Position, Watched> watched_;
  uint64_t begun_ = 0;  // refreshes that have begun, and how many of them are over
  uint64_t done_ = 0;
  bool wanted_ = false;
  int64_t began_ns_ = 0;  // of the last refresh
  bool resting_ = false;  // the thread waits for the next
  int64_t answered_ns_ = 0;
  Timestamp answered_;
  bool answers_ = true;
  std::string trouble_;
  std::jthread thread_;
};

}  // namespace tradewind::log::kafka
