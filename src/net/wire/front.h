#pragma once
// Front: the connections of clients while nothing is at hand for them, and the reading of plain requests: one
// thread holds thousands of them by epoll. A whole request goes to its handler, its answer comes back here
// and is written; what is not plain, and what streams, leaves with its connection and comes back after.
//
// Memory: an idle connection holds no buffer; what requests hold is taken from the budget, and one that finds
// no room is answered 503. Threads: start() and stop() by one, adopt() and replies from any.

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/wire/budget.h"
#include "net/wire/routes.h"
#include "net/wire/workers.h"

namespace tradewind::net {

// A connection on its way between those who read from it.
struct Leaving {
  int socket = -1;  // does not block
  std::string peer;
  std::string begun;  // read already, and not answered
  Response response;  // one that streams, to be written first
  bool has_response = false;
  bool keep = true;  // the connection, behind the response
  bool head_only = false;
};

class Front {
 public:
  // All outlive it. `leave` takes a connection and answers false when it cannot.
  struct World {
    const Routes& routes;
    const HttpServerOptions& options;
    Budget& budget;
    Workers& workers;
    std::function<bool(Leaving&)> leave;
    std::function<void()> closed;  // a connection is no more
  };
  explicit Front(World world);
  ~Front();

  Result<> start();
  // Waits for requests at hand and writes their answers; then every connection is closed.
  void stop();
  // Takes a connection over: a new one, or one that was away.
  void adopt(int socket, std::string peer, std::string begun);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace tradewind::net
