#pragma once
// FairMutex: alternates between a worker that locks again and again and a reader that wants in.

#include <mutex>

namespace tradewind::stream {

class FairMutex {
 public:
  void lock() {
    gate_.lock();
    main_.lock();
    gate_.unlock();
  }
  void unlock() { main_.unlock(); }

 private:
  std::mutex gate_;
  std::mutex main_;
};

}  // namespace tradewind::stream
