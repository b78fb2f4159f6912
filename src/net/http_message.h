#pragma once
// Request and Response: ours, so that no handler sees the HTTP library or which HTTP the client speaks.
//
// Threads: plain values.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// The fields of a header; names in lower case, of one that comes twice the last. Cleared, it keeps its memory
// for the next.
class Headers {
 public:
  void set(std::string_view name, std::string_view value) {
    for (size_t i = 0; i < used_; ++i) {
      if (fields_[i].first == name) return void(fields_[i].second = value);
    }
    if (used_ == fields_.size()) fields_.emplace_back();
    fields_[used_].first = name;
    fields_[used_++].second = value;
  }
  // Empty when there is none.
  std::string_view get(std::string_view name) const {
    const std::string* const value = find(name);
    return value == nullptr ? std::string_view() : *value;
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  void clear() { used_ = 0; }

 private:
  const std::string* find(std::string_view name) const {
    for (size_t i = 0; i < used_; ++i) {
      if (fields_[i].first == name) return &fields_[i].second;
    }
    return nullptr;
  }

  std::vector<std::pair<std::string, std::string>> fields_;
  size_t used_ = 0;
};

struct Request {
  std::string method;                        // "GET"
  std::string path;                          // decoded, without the query
  std::map<std::string, std::string> query;  // decoded; of a name that comes twice the last
  std::vector<std::pair<std::string, std::string>> parameters;  // the same, all of them in order
  Headers headers;
  std::map<std::string, std::string> captures;  // what {name} in the route's pattern matched
  std::string body;
  ReadPiece read;    // of a route that takes its body in pieces; `body` is empty then
  std::string peer;  // the client's address, "127.0.0.1"; empty when it has none
  // What a gate makes of it: who asks, what that one may, and headers that every answer bears.
  std::string caller;
  int rights = -1;
  std::map<std::string, std::string> answer_headers;

  std::string_view header(std::string_view name) const { return headers.get(name); }
  // All values of a parameter of the query.
  std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [known, value] : parameters) {
      if (known == name) values.push_back(value);
    }
    return values;
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
  std::string content_type;  // empty: JSON
  std::string body;
  std::map<std::string, std::string> headers;
  // Instead of a body: called once on the request's thread, writes pieces until it returns.
  std::function<void(const WritePiece& write)> stream;
  // Instead of both, for clients that ask for a WebSocket: each piece is a text message.
  std::function<Farewell(const WritePiece& write)> socket;

  std::string_view type() const {
    return content_type.empty() ? "application/json" : std::string_view(content_type);
  }
};

}  // namespace tradewind::net
