#pragma once
// Stream: what is known of one request of an HTTP/2 connection, and of its answer.
//
// Threads: as its session's lock says.

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "net/wire/budget.h"
#include "net/wire/routes.h"

namespace tradewind::net {

using Now = std::chrono::steady_clock;

struct Stream {
  explicit Stream(Budget& budget) : share(budget) {}

  int32_t id = 0;
  Request request;
  std::string target;
  size_t header_bytes = 0;
  const Route* route = nullptr;
  Now::time_point began = Now::now();
  bool answering = false;   // its answer is being made, or is there
  bool body_ended = false;  // by the client
  bool closed = false;
  size_t dropped = 0;              // of a body that goes on behind its answer
  std::deque<std::string> pieces;  // of a body that is read as it comes
  Response response;
  std::deque<std::string> out;
  size_t out_offset = 0;  // in the first of them
  size_t out_bytes = 0;
  bool out_ended = false;
  Share share;  // of the memory that requests may hold
};
using StreamPtr = std::shared_ptr<Stream>;

}  // namespace tradewind::net
