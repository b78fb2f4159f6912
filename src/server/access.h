#pragma once
// Access: whether a request may be answered: keys and their rights, and pages of other origins (CORS). Sees a
// request before its body.
//
// Threads: immutable, share freely. Errors: invalid, with the setting and the remedy.

#include <optional>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "server/auth.h"

namespace tradewind::server {

struct AccessOptions {
  Secret keys;                // as Keys::parse() reads them; none: whoever reaches the server may do all
  bool open = false;          // without keys also where others than this machine reach it
  bool open_metrics = false;  // /metrics asks for no key
  std::string cors_origins = "none";

  void fields(Options& options);
};

class Access {
 public:
  // Everybody may do all; no other origin.
  Access() = default;
  // `address` is where the server listens.
  static Result<Access> create(const AccessOptions& options, const std::string& address);

  // Nothing: it may be answered. Sets the request's caller, rights and the headers its answer bears.
  std::optional<net::Response> admit(net::Request& request, std::string_view pattern) const;

 private:
  // What a route asks for; nothing: no key.
  std::optional<int> asked_by(std::string_view method, std::string_view pattern) const;
  std::optional<net::Response> preflight(net::Request& request, std::string_view pattern) const;
  std::optional<net::Response> let_in(net::Request& request, std::string_view pattern, int asked) const;

  Keys keys_;
  bool open_metrics_ = false;
  bool any_origin_ = false;
  std::vector<std::string> origins_;
};

// What a key without the right is told, in the shape that clients of the path read.
net::Response refusal(const std::string& path, int status, const std::string& message);

}  // namespace tradewind::server
