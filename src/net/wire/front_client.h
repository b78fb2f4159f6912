#pragma once
// Client: what a front knows of one connection.
//
// Threads: its front's own.

#include <chrono>
#include <map>
#include <string>

#include "net/wire/budget.h"
#include "net/wire/routes.h"

namespace tradewind::net {

using Now = std::chrono::steady_clock;

enum class State {
  reading,    // for a request, or for the rest of one
  at_hand,    // its request is with a handler
  writing,    // the client takes the rest of the answer
  lingering,  // answered for good: what still comes is dropped, so that the answer is not lost
};

struct Client {
  explicit Client(Budget& budget) : share(budget) {}

  int socket = -1;
  State state = State::reading;
  bool may_have_more = false;  // there may be bytes that epoll does not tell of again
  bool keep = true;
  bool head_only = false;
  bool hung_up = false;    // the client sends no more, or is gone
  bool looked_at = false;  // the head of a request whose body is not whole
  Now::time_point deadline;
  Now::time_point began;  // of the request at hand
  const Route* route = nullptr;
  std::string method;
  std::string in;  // read, and not yet a whole request
  std::string out;
  size_t out_done = 0;
  Share share;
  std::map<std::string, std::string> always;  // headers
  std::string peer;
};

struct Answered {
  Client* client;
  Response response;
};

}  // namespace tradewind::net
