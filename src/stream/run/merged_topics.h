#pragma once
// MergedTopics: the partitions of several topics read as one sequence: of the records that are at hand the
// one with the earliest time comes next; with equal times that of the topic named first, then that of the
// lower partition.
//
// It never waits for a partition that has nothing: what comes there later than others is given when it comes.
// Records come in runs of one partition. Threads: one.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"

namespace tradewind::stream {

class MergedTopics {
 public:
  struct Place {
    log::Offset next = 0;  // the first record that has not been given
    log::Offset end = 0;   // as of the last fetch
    bool changed = false;  // since settled()
    // Wall time at which the oldest record given since then was appended; INT64_MAX: none was.
    int64_t oldest_ms = INT64_MAX;
  };
  // A run of records; valid until forget_given().
  struct Run {
    const log::Position* position = nullptr;
    std::span<const log::RecordView> records;
    std::shared_ptr<const void> buffer;
  };

  // `topics` in the order that breaks ties; `places` of their partitions.
  static Result<std::unique_ptr<MergedTopics>> open(log::Log& log, log::Visibility visibility,
                                                    const std::vector<std::string>& topics,
                                                    const log::Offsets& places);

  // Looks at every partition anew; until then those found empty count as empty. Waits up to `wait` where
  // nothing is at hand.
  Result<> look(Duration wait, size_t records_per_fetch);
  // The next records, at most `most`; nothing when all that was there has been given.
  Result<std::optional<Run>> next(size_t most);
  void forget_given() { given_.clear(); }
  // These partitions are read again from there; what was given is forgotten.
  Result<> go_back(const log::Offsets& places);

  const std::map<log::Position, Place>& places() const { return places_; }
  // How many offsets of which partition were gone before they were read, since it was last asked.
  std::map<log::Position, int64_t> take_gone() { return std::exchange(gone_, {}); }
  void settled();  // from now on no place counts as changed

 private:
  struct Head {
    const log::Position* position = nullptr;
    Place* place = nullptr;
    size_t order = 0;
    std::unique_ptr<log::Consumer> consumer;
    std::deque<log::FetchedBatch> batches;  // all but the first untouched
    size_t at = 0;                          // in the first
    bool empty = true;  // nothing at hand, and looking again is of no use before the next round
    int64_t time() const { return batches.front().records[at].time.ms; }
    bool has_record() const { return !batches.empty(); }
    bool before(const Head& other) const {
      return time() != other.time() ? time() < other.time() : order < other.order;
    }
  };
  Result<> fetch(Head& head, Duration wait);
  static void pass(Head& head);

  std::map<log::Position, Place> places_;
  std::vector<Head> heads_;              // in the order that breaks ties
  std::deque<log::FetchedBatch> given_;  // batches that are through, for what runs view
  std::map<log::Position, int64_t> gone_;
  size_t records_per_fetch_ = 1;
  size_t waited_for_ = 0;  // the head that the last wait was for
};

}  // namespace tradewind::stream
