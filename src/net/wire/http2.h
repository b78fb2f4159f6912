#pragma once
// Http2: the streams of one HTTP/2 connection, answered by the same routes as HTTP/1.1.
//
// Threads: serve() runs on the connection's thread and reads; each request at hand has a thread of its own,
// which writes. A lock is held over every use of the library and every write: a client that takes nothing
// holds up its own streams only, and is cut off after request_time.

#include <atomic>
#include <memory>
#include <string>

#include "net/connection.h"
#include "net/wire/budget.h"
#include "net/wire/routes.h"

namespace tradewind::net {

// What every HTTP/2 connection starts with.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Requests at hand in the whole server.
struct Working {
  size_t most = 256;
  std::atomic<size_t> now{0};
};

class Http2 {
 public:
  // All outlive it.
  Http2(Connection& connection, const Routes& routes, const HttpServerOptions& options,
        const std::atomic<bool>& stopping, Working& working, Budget& budget);
  ~Http2();

  // With prior knowledge: `first` are bytes that were read already, from the preface on.
  void serve(std::string_view first);
  // After "101 Switching Protocols": `settings` is the header HTTP2-Settings, `request` becomes stream 1.
  // False: the settings are broken, and nothing was sent.
  bool serve_upgraded(std::string_view settings, Request request, const std::string& target,
                      std::string_view first);

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace tradewind::net
