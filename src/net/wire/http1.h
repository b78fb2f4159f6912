#pragma once
// Http1: requests of one connection the long way, on the caller's thread: anything HTTP/1.1 allows, bodies in
// pieces, answers that stream, WebSockets, and what turns into HTTP/2.
//
// Threads: shared freely; serve() and stream() wait for the client.

#include <atomic>
#include <optional>
#include <string>

#include "net/connection.h"
#include "net/wire/budget.h"
#include "net/wire/http2.h"
#include "net/wire/routes.h"

namespace tradewind::net {

class Http1 {
 public:
  // All outlive it.
  Http1(const Routes& routes, const HttpServerOptions& options, Budget& budget, Working& working,
        const std::atomic<bool>& stopping)
      : routes_(routes), options_(options), budget_(budget), working_(working), stopping_(stopping) {}

  // Answers all requests of a connection, until it ends.
  void serve(Connection& connection);
  // Answers one, of which `begun` has been read already. Nothing: the connection ends; else what was read
  // behind the request.
  std::optional<std::string> serve_one(Connection& connection, std::string begun);
  // Writes an answer that streams; whether the connection goes on.
  bool stream(Connection& connection, const Response& response, bool keep, bool head_only);

 private:
  class Turn;  // one request
  bool answer(Connection& connection, const Response& response, bool keep, bool head_only);

  const Routes& routes_;
  const HttpServerOptions& options_;
  Budget& budget_;
  Working& working_;
  const std::atomic<bool>& stopping_;
};

}  // namespace tradewind::net
