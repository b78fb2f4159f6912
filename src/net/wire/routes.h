#pragma once
// Routes: which handler answers what, for every version of HTTP; counts what was answered.
//
// Threads: add() before anything else; then shared freely.

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "telemetry/metrics.h"

namespace tradewind::net {

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;
  Handler handler;
  LaterHandler later;   // or this
  bool pieces = false;  // the handler reads the body as it comes
  // Of a route that answers later, looked up once: it is asked often, and as a rule says 202.
  telemetry::Counter* accepted = nullptr;
  telemetry::Histogram* duration = nullptr;
};

class Routes {
 public:
  explicit Routes(telemetry::Registry* metrics) : metrics_(metrics) {}

  void add(Route route);
  void set_gate(Gate gate) { gate_ = std::move(gate); }
  // The route of request.method and the target as sent; fills in path, query and captures, and asks the gate.
  // Null: `refusal` says why.
  const Route* find(std::string_view target, Request& request, Response& refusal) const;
  // What the handler says, or 500 with what it threw; counted. Waits for one that answers later.
  Response answer(const Route& route, const Request& request) const;
  // What `handler` does, or 500 with what it threw.
  static Response sheltered(const std::function<Response()>& handler);
  // What no route took has no time: that would be the client's, not ours.
  void count(std::string_view method, const Route* route, int status, std::chrono::nanoseconds took) const;

 private:
  const Route* match(std::string_view raw_path, Request& request, Response& refusal,
                     std::string_view& pattern) const;

  telemetry::Registry* metrics_;
  std::vector<Route> routes_;
  Gate gate_;
};

Response error_response(int status, const std::string& message);
// 503 with Retry-After.
Response busy_response(const std::string& message);
// 413: a body has more than so many bytes.
Response too_large_response(size_t most);
// Adds the headers that every answer to the request bears.
Response dressed(Response response, const std::map<std::string, std::string>& headers);

}  // namespace tradewind::net
