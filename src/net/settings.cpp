#include "base/options.h"
#include "net/http_server.h"

namespace tradewind::net {

void HttpServerOptions::fields(Options& options) {
  options.address("server.listen", address, port,
                  "Where HTTP is answered; port 0 takes any free one. --listen gives it too.");
  options.number("server.most_connections", most_connections, {1, 10'000},
                 "One connection more is answered 503.");
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
