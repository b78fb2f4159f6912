#pragma once
// Request and Response: ours, so that no handler sees the HTTP library or which HTTP the client speaks.
//
// Threads: plain values.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tradewind::net {

enum class Piece {
  some,
  none,   // nothing came in time; more may
  end,    // the body is complete
  broken  // the client is gone, or what it sends is no body
};
// The next piece of a request's body. Called by the handler or its stream, on the same thread.
using ReadPiece = std::function<Piece(std::string& piece, Duration wait)>;

struct Request {
  std::string method;                           // "GET"
  std::string path;                             // decoded, without the query
  std::map<std::string, std::string> query;     // decoded
  std::map<std::string, std::string> headers;   // names in lower case
  std::map<std::string, std::string> captures;  // what {name} in the route's pattern matched
  std::string body;
  ReadPiece read;  // of a route that takes its body in pieces; `body` is empty then

  std::string_view header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  }
};

// Writes a piece of a streamed body; false when the client has gone or the server stops. An empty piece only
// asks.
using WritePiece = std::function<bool(std::string_view piece)>;

// How a WebSocket ends: RFC 6455's code, and why.
struct Farewell {
  int code = 1000;
  std::string reason;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  // Instead of a body: called once on the request's thread, writes pieces until it returns.
  std::function<void(const WritePiece& write)> stream;
  // Instead of both, for clients that ask for a WebSocket: each piece is a text message.
  std::function<Farewell(const WritePiece& write)> socket;
};

}  // namespace tradewind::net
