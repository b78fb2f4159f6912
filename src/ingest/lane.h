#pragma once
// Lane: a thread, and what it has to do one after the other: each waits for the log, and nobody else does.
//
// When one finds the world away (unavailable), those that stand in line behind it are told the same at once:
// else the last of ten would hear it after ten times the log's patience.
// Threads: shared freely. Destroying it does what still waits.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.h"

namespace tradewind::ingest {

class Lane {
 public:
  using Work = std::function<Result<>()>;
  using Refused = std::function<void(const Error&)>;

  ~Lane();
  // One of the two is called once, from the lane's thread.
  void submit(Work work, Refused refused);

 private:
  struct Entry {
    Work work;
    Refused refused;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Entry> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tradewind::ingest
