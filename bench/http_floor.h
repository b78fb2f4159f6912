#pragma once
// HttpFloor: what taking events over HTTP costs at least: one thread, epoll, a parser of ten lines, simdjson
// over every body and 202. It checks nothing and keeps nothing.
//
// Threads: made, run and destroyed by one; the server has its own.

#include <cstdint>
#include <memory>

namespace tradewind::bench {

class HttpFloor {
 public:
  HttpFloor();
  ~HttpFloor();
  int port() const;
  // User and system time of its thread so far.
  int64_t cpu_ns() const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace tradewind::bench
