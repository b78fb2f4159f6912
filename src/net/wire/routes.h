#pragma once
// Routes: which handler answers what, for every version of HTTP; counts what was answered.
//
// Threads: add() before anything else; then shared freely.

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "net/http_server.h"

namespace tradewind::net {

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;
  Handler handler;
  bool pieces = false;  // the handler reads the body as it comes
};

class Routes {
 public:
  explicit Routes(telemetry::Registry* metrics) : metrics_(metrics) {}

  void add(const std::string& method, const std::string& pattern, Handler handler, bool pieces);
  // The route of request.method and the target as sent; fills in path, query and captures. Null: `refusal`
  // says why.
  const Route* find(const std::string& target, Request& request, Response& refusal) const;
  // What the handler says, or 500 with what it threw; counted.
  Response answer(const Route& route, const Request& request) const;
  // What no route took has no time: that would be the client's, not ours.
  void count(std::string_view method, const Route* route, int status, std::chrono::nanoseconds took) const;

 private:
  telemetry::Registry* metrics_;
  std::vector<Route> routes_;
};

Response error_response(int status, const std::string& message);

}  // namespace tradewind::net
