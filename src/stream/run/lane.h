#pragma once
// Lane: queries of one worker that read a topic together: one offset per partition, one fetch, one decode.
//
// Threads: its worker's.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "stream/run/reader.h"
#include "stream/run/task.h"

namespace tradewind::stream {

// A lane that cannot decode just now, for the registry does not say what a schema is: it stays where it is
// and tries again after a while.
struct Rest {
  std::string reason;  // empty: it reads
  int64_t until_ns = 0;
  int times = 0;  // in a row

  bool over(int64_t now_ns) const { return reason.empty() || now_ns >= until_ns; }
  void begin(const Error& error, int64_t now_ns) {
    constexpr int64_t kFirstNs = 50'000'000;
    constexpr int kMostDoubled = 5;
    reason = error.message;
    until_ns = now_ns + (kFirstNs << std::min(times, kMostDoubled));
    ++times;
  }
  void end() {
    if (times > 0) *this = {};
  }
};

struct Lane {
  std::string topic;
  int32_t id = 0;         // unique per topic; the lowest is the one that others move into
  bool partials = false;  // raw partials for one task's merge, not rows
  // Of queries that live in one worker: the state partition that holds everything of them. Such a lane has
  // all partitions of its topic, and joins only lanes of the same home.
  std::optional<int32_t> home;

  struct Place {
    log::Offset next = 0;
    log::Offset end = 0;         // as of the last fetch
    int64_t last_record_ms = 0;  // wall time
    bool changed = false;        // since the last commit
    // Wall time at which the oldest record read since the last commit was appended; INT64_MAX: none was.
    int64_t oldest_ms = INT64_MAX;
    bool told_idle = false;  // to the other workers
    bool waits = false;      // not read now: a lane ahead has not passed it yet
  };
  std::map<int32_t, Place> places;

  const std::vector<Lane*>* rivals = nullptr;  // all lanes of its topic, itself too; null: it is the only one
  std::vector<std::string> members;            // names of the queries
  bool members_changed = true;
  bool paused = false;   // its only member is
  bool held = false;     // waits for a lane that is close behind
  bool gathers = false;  // new: waits while others are added
  Rest rest;
  int64_t last_empty_ms = INT64_MIN;  // wall time of the last poll that found nothing to read

  // Members that read alike share a reader.
  struct Readers {
    std::unique_ptr<Reader> reader;
    std::vector<Task*> tasks;
  };
  std::vector<Readers> readers;

  std::unique_ptr<log::Consumer> consumer;

  // Whether the two could become one.
  bool beside(const Lane& other) const {
    return topic == other.topic && home == other.home && !paused && !other.paused;
  }
  bool same_place(const Lane& other) const {
    for (const auto& [partition, place] : places) {
      const auto at = other.places.find(partition);
      if (at == other.places.end() || at->second.next != place.next) return false;
    }
    return true;
  }
};

}  // namespace tradewind::stream
