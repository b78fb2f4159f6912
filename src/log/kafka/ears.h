#pragma once
// Ears: a thread that rings a bell when something comes in at one of the sockets that readers wait for, so
// that who reads many topics can wait for all of them in one place.
//
// Threads: shared freely. The bell outlives it.

#include <thread>

#include "log/kafka/marks.h"

namespace tradewind::log::kafka {

class Ears {
 public:
  explicit Ears(Bell& bell);
  ~Ears();

  // The next thing that comes in there rings, once; also when it is there already. A socket that is closed is
  // forgotten.
  void listen(int socket) const;

 private:
  void run() const;

  Bell& bell_;
  const int epoll_;
  const int over_;  // readable at the end
  std::thread thread_;
};

}  // namespace tradewind::log::kafka
