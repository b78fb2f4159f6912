#pragma once
// HttpServer: HTTP/1.1 and HTTP/2 (in clear text, known beforehand or by Upgrade: h2c) on one port: routes to
// handlers, bounded connections, requests and memory, limits on header, body and time.
//
// Threads: start() and stop() by one. A few threads read requests of all connections; handlers run on others,
// many at once, but those of route_later() where small requests are read: they must not wait.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/connection.h"
#include "net/http_message.h"

namespace tradewind {
class Options;
}
namespace tradewind::telemetry {
class Registry;
}

namespace tradewind::net {

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  int port = 8088;                         // 0: any free one
  size_t most_connections = 10'000;        // one more is answered 503
  size_t most_requests = 256;              // on threads of their own at once, and as many streams
  size_t request_memory = 256 << 20;       // bytes of requests at hand, all together; more: 503
  int readers = 1;                         // threads that read requests
  size_t header_bytes = 16 * 1024;         // more: 431
  size_t body_bytes = 8 * 1024 * 1024;     // more: 413
  Duration request_time{15'000};           // for the rest of a request once it has begun; later: 408
  Duration idle_time{120'000};             // between requests
  telemetry::Registry* metrics = nullptr;  // outlives the server; null: nobody looks

  void fields(Options& options);
};

using Handler = std::function<Response(const Request&)>;
// Answers a request, exactly once, from any thread.
using Reply = std::function<void(Response)>;
using LaterHandler = std::function<void(const Request&, Reply)>;
// Sees every request before its body is read: may refuse it, and sets what Request keeps for it. `pattern` is
// the route's; empty when nothing is at its path.
using Gate = std::function<std::optional<Response>(Request&, std::string_view pattern)>;

class HttpServer {
 public:
  explicit HttpServer(HttpServerOptions options);
  ~HttpServer();

  // `pattern` has {names} for segments: "/subjects/{subject}/versions". REQUIRES not started.
  void route(const std::string& method, const std::string& pattern, Handler handler);
  // The same, and the handler reads the body as it comes: Request::read.
  void route_in_pieces(const std::string& method, const std::string& pattern, Handler handler);
  // The same, and the handler gives its answer later. It must not wait: it may run where requests are read.
  void route_later(const std::string& method, const std::string& pattern, LaterHandler handler);
  // REQUIRES not started.
  void set_gate(Gate gate);
  // Bytes of requests at hand.
  size_t request_bytes() const;
  // So many bytes more belong to a request at hand, until what comes back is let go; null: there is no room.
  std::shared_ptr<void> hold(size_t bytes);
  // io: the address cannot be had, with the remedy.
  Result<> start();
  // Stops taking connections, ends streams, waits for requests at hand.
  void stop();
  int port() const;
  // Answers the requests of one connection, on the caller's thread, until it ends. start() does so for each
  // that it takes.
  void serve(Connection& connection);

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

// "%41" and '+' as in query strings; nothing when an escape is broken.
std::optional<std::string> decode_url(std::string_view text, bool plus_is_space);
std::string encode_url(std::string_view text);

}  // namespace tradewind::net
