#include "server/access.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "server/server.h"

namespace tradewind::server {
namespace {

constexpr const char* kPreflightSeconds = "600";
constexpr const char* kAskedHeaders =
    "Authorization, X-API-Key, Content-Type, Content-Encoding, Tw-Producer, Tw-Sequence";

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

// "https://shop.example" or "http://localhost:3000": no path, no slash behind.
bool is_origin(const std::string& text) {
  const size_t host = text.find("://");
  return host != std::string::npos && host > 0 && host + 3 < text.size() &&
         text.find_first_of("/ ?#*", host + 3) == std::string::npos;
}

Result<std::vector<std::string>> parse_origins(const std::string& text) {
  std::vector<std::string> origins;
  std::string words = text;
  std::replace(words.begin(), words.end(), ',', ' ');
  std::istringstream in(words);
  for (std::string origin; in >> origin;) {
    if (origin == "none" && origins.empty()) continue;
    if (origin != "*" && !is_origin(origin))
      return Error{Code::invalid, "server.cors_origins has '" + origin +
                                      "'; it takes origins such as https://shop.example, or *"};
    origins.push_back(origin);
  }
  return origins;
}

bool of_registry(const std::string& path) {
  constexpr std::array<std::string_view, 5> kFamily{"/subjects", "/schemas", "/config", "/mode",
                                                    "/compatibility"};
  return std::ranges::any_of(kFamily, [&](std::string_view family) {
    return path.starts_with(family) && (path.size() == family.size() || path[family.size()] == '/');
  });
}

// Routes that no key is asked for: probes, and the page where one enters a key.
bool is_open(std::string_view pattern) {
  constexpr std::array<std::string_view, 8> kOpen{"",        "/",         "/console/{file}", "/healthz",
                                                  "/readyz", "/startupz", "/chc/ready",      "/chc/live"};
  return std::ranges::find(kOpen, pattern) != kOpen.end();
}

// POST that changes nothing. /ksql looks at its statements itself.
bool only_reads(std::string_view pattern) {
  constexpr std::array<std::string_view, 6> kReading{"/query", "/query-stream",       "/close-query",
                                                     "/live",  "/subjects/{subject}", "/ksql"};
  return std::ranges::find(kReading, pattern) != kReading.end() || pattern.starts_with("/compatibility/");
}

std::string rights_text(int right) {
  if (right == kMayRead) return "read";
  if (right == kMayWrite) return "write events";
  return "do this, which takes the right all,";
}

}  // namespace

net::Response refusal(const std::string& path, int status, const std::string& message) {
  net::Response response = error_answer(status, message);
  if (of_registry(path)) {
    Json body = Json::object();
    body.set("error_code", Json::number(int64_t{status == 401 ? 401 : 40301}));
    body.set("message", Json::string(message));
    response.body = body.dump();
    response.content_type = "application/vnd.schemaregistry.v1+json";
  }
  // Not Basic: a browser would ask for it in a window of its own.
  if (status == 401) response.headers["WWW-Authenticate"] = "Bearer realm=\"tradewind\"";
  return response;
}

Result<Access> Access::create(const AccessOptions& options, const std::string& address) {
  Access access;
  if (!options.keys.empty()) access.keys_ = TRY(Keys::parse(options.keys.reveal()));
  if (access.keys_.empty() && !options.open && !is_loopback(address)) {
    return Error{Code::invalid, "server.listen is " + address +
                                    ", where others reach it, and there are no keys: whoever does may do "
                                    "all; set server.keys, listen on 127.0.0.1, or set server.open: true"};
  }
  access.open_metrics_ = options.open_metrics;
  access.origins_ = TRY(parse_origins(options.cors_origins));
  access.any_origin_ = std::ranges::find(access.origins_, "*") != access.origins_.end();
  return access;
}

std::optional<int> Access::asked_by(std::string_view method, std::string_view pattern) const {
  if (is_open(pattern) || (pattern == "/metrics" && open_metrics_)) return std::nullopt;
  if (pattern == "/v1/events/{topic}" || pattern == "/v1/producers/{id}") return kMayWrite;
  if (pattern == "/v1/backup") return kMayChange;  // the whole log, whatever lies in it
  if (method == "GET" || method == "HEAD") return kMayRead;
  return only_reads(pattern) && method == "POST" ? kMayRead : kMayChange;
}

std::optional<net::Response> Access::admit(net::Request& request, std::string_view pattern) const {
  const auto asked = asked_by(request.method, pattern);
  const std::string_view origin = request.header("origin");
  if (!origins_.empty() && !origin.empty()) {
    const bool known = any_origin_ || std::ranges::find(origins_, origin) != origins_.end();
    if (!any_origin_) request.answer_headers["Vary"] = "Origin";
    if (known && request.method == "OPTIONS" && !pattern.empty()) return preflight(request, pattern);
    if (known && asked != kMayChange) {
      request.answer_headers["Access-Control-Allow-Origin"] = any_origin_ ? "*" : std::string(origin);
      request.answer_headers["Access-Control-Expose-Headers"] = "Retry-After";
    }
  }
  if (keys_.empty() || !asked) return std::nullopt;
  return let_in(request, pattern, *asked);
}

// What a browser asks before it sends what a page of another origin wants sent.
std::optional<net::Response> Access::preflight(net::Request& request, std::string_view pattern) const {
  const std::string_view method = request.header("access-control-request-method");
  if (method.empty() || asked_by(method, pattern) == kMayChange) return std::nullopt;
  net::Response response;
  response.status = 204;
  response.headers["Access-Control-Allow-Origin"] = any_origin_ ? "*" : std::string(request.header("origin"));
  response.headers["Access-Control-Allow-Methods"] = std::string(method);
  response.headers["Access-Control-Allow-Headers"] = kAskedHeaders;
  response.headers["Access-Control-Max-Age"] = kPreflightSeconds;
  return response;
}

std::optional<net::Response> Access::let_in(net::Request& request, std::string_view pattern,
                                            int asked) const {
  std::optional<Shown> shown = shown_in(request.header("authorization"));
  if (const auto text = request.header("x-api-key"); !shown && !text.empty())
    shown = Shown{"", std::string(text)};
  // A page that goes away sends its last events without headers (sendBeacon). Keys in addresses are seen by
  // many, so only ones that can do no more than that are taken there.
  bool in_address = false;
  if (const auto text = request.query.find("api_key"); !shown && text != request.query.end()) {
    shown = Shown{"", text->second};
    in_address = true;
  }
  if (!shown) {
    return refusal(request.path, 401,
                   "a key is asked for: send it as Authorization: Bearer KEY, as X-API-Key, or as the "
                   "password of HTTP Basic with its name");
  }
  const Key* key = keys_.find(*shown);
  if (key == nullptr) return refusal(request.path, 401, "this is no key of this server");
  if (in_address && (key->rights != kMayWrite || pattern != "/v1/events/{topic}")) {
    return refusal(request.path, 403,
                   "only a key that may do no more than write events is taken in the address; send it as "
                   "Authorization: Bearer KEY");
  }
  if ((key->rights & asked) == 0)
    return refusal(request.path, 403, "key " + key->name + " may not " + rights_text(asked) + " here");
  request.caller = key->name;
  request.rights = key->rights;
  return std::nullopt;
}

}  // namespace tradewind::server
