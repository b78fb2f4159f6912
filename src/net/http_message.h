#pragma once
// Request and Response: ours, so that no handler sees the HTTP library.
//
// Threads: plain values.

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tradewind::net {

struct Request {
  std::string method;                           // "GET"
  std::string path;                             // decoded, without the query
  std::map<std::string, std::string> query;     // decoded
  std::map<std::string, std::string> headers;   // names in lower case
  std::map<std::string, std::string> captures;  // what {name} in the route's pattern matched
  std::string body;

  std::string_view header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  }
};

// Writes a piece of a streamed body; false when the client has gone or the server stops.
using WritePiece = std::function<bool(std::string_view piece)>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  // Instead of a body: called once on the connection's thread, writes pieces until it returns.
  std::function<void(const WritePiece& write)> stream;
};

}  // namespace tradewind::net
