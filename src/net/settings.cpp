#include "base/options.h"
#include "net/http_server.h"

namespace tradewind::net {

void HttpServerOptions::fields(Options& options) {
  options.address("server.listen", address, port,
                  "Where HTTP is answered; port 0 takes any free one. --listen gives it too.");
  options.number("server.most_connections", most_connections, {1, 100'000},
                 "Open at once; one more is answered 503. An idle one costs less than a kilobyte.");
  options.number(
      "server.most_requests", most_requests, {1, 10'000},
      "Requests on threads of their own at once; more wait. As many streams; one more is answered 503. "
      "Events need none.");
  options.bytes("server.request_memory", request_memory, {int64_t{1} << 20, int64_t{1} << 40},
                "What requests at hand may hold in all; one that needs more is answered 503.");
  options.number("server.readers", readers, {1, 64},
                 "Threads that read requests and take small ones with events.");
  options.bytes("server.header_bytes", header_bytes, {int64_t{1} << 10, int64_t{1} << 20},
                "A request with a larger header is answered 431.");
  options.bytes("server.body_bytes", body_bytes, {int64_t{1} << 10, int64_t{64} << 20},
                "A request with a larger body is answered 413.");
  options.duration("server.request_time", request_time, {Duration(100), Duration(600'000)},
                   "For the rest of a request once it has begun; later: 408.");
  options.duration("server.idle_time", idle_time, {Duration(100), Duration(3'600'000)},
                   "A connection without a request is closed after this.");
}

}  // namespace tradewind::net
