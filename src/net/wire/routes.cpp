#include "net/wire/routes.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/planted.h"
#include "net/metrics.h"

namespace tradewind::net {
namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET",   "POST", "PUT",    "DELETE",
                                                   "PATCH", "HEAD", "OPTIONS"};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(path[0] == '/' ? 1 : 0);
    const size_t end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// A pattern's segment takes the raw one before it is decoded, so that %2F stays inside a name. REQUIRES the
// escapes of `raw` are whole.
bool matches(const Route& route, const std::vector<std::string>& raw,
             std::map<std::string, std::string>& captures) {
  if (route.segments.size() != raw.size()) return false;
  for (size_t i = 0; i < raw.size(); ++i) {
    const std::string& wanted = route.segments[i];
    if (wanted.size() > 2 && wanted.front() == '{') {
      captures[wanted.substr(1, wanted.size() - 2)] = decode_url(raw[i], false).value_or("");
    } else if (wanted != raw[i]) {
      captures.clear();
      return false;
    }
  }
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode_url(pair.substr(0, equals), true);
    const auto value = decode_url(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return false;
    query[*name] = *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_url(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string encode_url(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

Response error_response(int status, const std::string& message) {
  Response response;
  response.status = status;
  response.body =
      "{\"@type\":\"generic_error\",\"error_code\":" + std::to_string(status * 100) + ",\"message\":";
  planted() ? void(response.body += '"' + message + '"') : append_json_string(response.body, message);
  response.body += "}";
  return response;
}

void Routes::add(const std::string& method, const std::string& pattern, Handler handler, bool pieces) {
  routes_.push_back({method, pattern, split_path(pattern), std::move(handler), pieces});
}

const Route* Routes::find(const std::string& target, Request& request, Response& refusal) const {
  const size_t question = target.find('?');
  const std::string raw_path = target.substr(0, question);
  const auto path = decode_url(raw_path, false);
  if (!path || (question != std::string::npos && !parse_query(target.substr(question + 1), request.query))) {
    refusal = error_response(400, "an escape in the address is broken: % wants two hexadecimal digits");
    return nullptr;
  }
  request.path = *path;
  const std::vector<std::string> segments = split_path(raw_path);
  bool path_known = false;
  for (const Route& route : routes_) {
    if (!matches(route, segments, request.captures)) continue;
    path_known = true;
    const bool head = request.method == "HEAD" && route.method == "GET";
    if (route.method == request.method || head) return &route;
  }
  refusal = path_known ? error_response(405, request.method + " is not offered for " + request.path)
                       : error_response(404, "nothing is at " + request.path);
  return nullptr;
}

Response Routes::answer(const Route& route, const Request& request) const {
  const auto began = std::chrono::steady_clock::now();
  Response response;
  try {
    response = route.handler(request);
  } catch (const std::exception& failure) {
    response = error_response(500, failure.what());
  }
  count(request.method, &route, response.status, std::chrono::steady_clock::now() - began);
  return response;
}

void Routes::count(std::string_view method, const Route* route, int status,
                   std::chrono::nanoseconds took) const {
  if (metrics_ == nullptr) return;
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) method = "other";
  const std::string_view pattern = route == nullptr ? std::string_view("none") : route->pattern;
  const std::string code = std::to_string(status);
  metrics_->counter(kRequests, std::array{method, pattern, std::string_view(code)}).add();
  if (route == nullptr) return;
  metrics_->histogram(kRequestDuration, std::array{method, pattern}).observe_ns(took.count());
}

}  // namespace tradewind::net
