#pragma once
// Workers: threads that come as they are needed, up to a number, and stay a while for the next work; what
// finds none waits its turn, up to a number.
//
// Threads: shared freely. Destroying it waits for all work.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace tradewind::net {

class Workers {
 public:
  Workers(size_t most, size_t most_waiting) : most_(most), most_waiting_(most_waiting) {}
  ~Workers() { finish(); }

  // False: as many as may are at work and wait, or no thread is to be had; nothing will be done.
  bool run(std::function<void()> work);
  // Waits until nothing is at work. No more may be asked for.
  void finish();

 private:
  void serve();

  const size_t most_;
  const size_t most_waiting_;  // for a thread
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::condition_variable ended_;
  std::deque<std::function<void()>> waiting_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  bool finishing_ = false;
};

}  // namespace tradewind::net
