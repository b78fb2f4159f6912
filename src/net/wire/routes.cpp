#include "net/wire/routes.h"

#include <algorithm>
#include <array>
#include <future>

#include "base/json.h"
#include "base/planted.h"
#include "net/metrics.h"

namespace tradewind::net {
namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET",   "POST", "PUT",    "DELETE",
                                                   "PATCH", "HEAD", "OPTIONS"};

// The segments of a path, walked without a copy.
class Segments {
 public:
  explicit Segments(std::string_view path) : rest_(path) {}
  bool next(std::string_view& segment) {
    if (rest_.empty()) return false;
    rest_.remove_prefix(rest_[0] == '/' ? 1 : 0);
    const size_t end = std::min(rest_.find('/'), rest_.size());
    segment = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return true;
  }

 private:
  std::string_view rest_;
};

size_t count_segments(std::string_view path) {
  Segments walk(path);
  size_t count = 0;
  for (std::string_view segment; walk.next(segment);) ++count;
  return count;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  Segments walk(path);
  for (std::string_view segment; walk.next(segment);) segments.emplace_back(segment);
  return segments;
}

bool is_capture(std::string_view wanted) {
  return wanted.size() > 2 && wanted.front() == '{';
}

bool fits(const Route& route, std::string_view raw_path) {
  Segments walk(raw_path);
  std::string_view segment;
  for (const std::string& wanted : route.segments) {
    if (!walk.next(segment) || (!is_capture(wanted) && wanted != segment)) return false;
  }
  return !walk.next(segment);
}

// A pattern's segment takes the raw one before it is decoded, so that %2F stays inside a name. What is there
// of the same names is written over: requests for one route follow each other. REQUIRES the route fits and
// the escapes of the path are whole.
void capture(const Route& route, std::string_view raw_path, std::map<std::string, std::string>& captures) {
  const auto wanted_captures = static_cast<size_t>(std::ranges::count_if(route.segments, is_capture));
  const auto take = [&] {
    Segments walk(raw_path);
    std::string_view segment;
    for (const std::string& wanted : route.segments) {
      walk.next(segment);
      if (is_capture(wanted))
        captures[wanted.substr(1, wanted.size() - 2)] = decode_url(segment, false).value_or("");
    }
  };
  if (captures.size() > wanted_captures) captures.clear();
  take();
  if (captures.size() == wanted_captures) return;
  captures.clear();
  take();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_query(std::string_view text, Request& request) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode_url(pair.substr(0, equals), true);
    const auto value = decode_url(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return false;
    request.query[*name] = *value;
    request.parameters.emplace_back(*name, *value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_url(std::string_view text, bool plus_is_space) {
  const size_t plain = std::min(text.find_first_of(plus_is_space ? "%+" : "%"), text.size());
  std::string out(text.substr(0, plain));
  for (size_t i = plain; i < text.size(); ++i) {
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

Response busy_response(const std::string& message) {
  Response response = error_response(503, message);
  response.headers["Retry-After"] = "1";
  return response;
}

Response too_large_response(size_t most) {
  return error_response(413, "the body is larger than " + std::to_string(most) + " bytes; send less at once");
}

Response dressed(Response response, const std::map<std::string, std::string>& headers) {
  response.headers.insert(headers.begin(), headers.end());
  return response;
}

void Routes::add(Route route) {
  route.segments = split_path(route.pattern);
  if (route.later != nullptr && metrics_ != nullptr) {
    const std::array<std::string_view, 3> labels{route.method, route.pattern, "202"};
    route.accepted = &metrics_->counter(kRequests, labels);
    route.duration = &metrics_->histogram(kRequestDuration, std::span(labels).first(2));
  }
  routes_.push_back(std::move(route));
}

const Route* Routes::match(std::string_view raw_path, Request& request, Response& refusal,
                           std::string_view& pattern) const {
  const size_t segments = count_segments(raw_path);
  for (const Route& route : routes_) {
    if (route.segments.size() != segments || !fits(route, raw_path)) continue;
    pattern = route.pattern;
    const bool head = request.method == "HEAD" && route.method == "GET";
    if (route.method != request.method && !head) continue;
    capture(route, raw_path, request.captures);
    return &route;
  }
  if (pattern.empty()) {
    refusal = error_response(404, "nothing is at " + request.path);
    return nullptr;
  }
  std::string allowed;
  for (const Route& route : routes_) {
    if (route.segments.size() == segments && fits(route, raw_path))
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  refusal = error_response(405, request.method + " is not offered for " + request.path + ", but " + allowed);
  refusal.headers.emplace("Allow", allowed);
  return nullptr;
}

const Route* Routes::find(std::string_view target, Request& request, Response& refusal) const {
  request.query.clear();
  request.parameters.clear();
  request.answer_headers.clear();
  const size_t question = target.find('?');
  const std::string_view raw_path = target.substr(0, question);
  const bool plain = raw_path.find('%') == std::string_view::npos;
  const auto decoded = plain ? std::nullopt : decode_url(raw_path, false);
  if ((!plain && !decoded) ||
      (question != std::string::npos && !parse_query(target.substr(question + 1), request))) {
    refusal = error_response(400, "an escape in the address is broken: % wants two hexadecimal digits");
    return nullptr;
  }
  request.path = plain ? raw_path : std::string_view(*decoded);
  std::string_view pattern;
  const Route* route = match(raw_path, request, refusal, pattern);
  if (gate_ != nullptr) {
    if (auto refused = gate_(request, pattern)) {
      refusal = std::move(*refused);
      route = nullptr;
    }
  }
  return route;
}

Response Routes::sheltered(const std::function<Response()>& handler) {
  try {
    return handler();
  } catch (const std::exception& failure) {
    return error_response(500, failure.what());
  }
}

Response Routes::answer(const Route& route, const Request& request) const {
  const auto began = std::chrono::steady_clock::now();
  Response response = sheltered([&] {
    if (route.later == nullptr) return route.handler(request);
    std::promise<Response> promise;
    auto answered = promise.get_future();
    route.later(request, [&promise](Response later) { promise.set_value(std::move(later)); });
    return answered.get();
  });
  count(request.method, &route, response.status, std::chrono::steady_clock::now() - began);
  return dressed(std::move(response), request.answer_headers);
}

void Routes::count(std::string_view method, const Route* route, int status,
                   std::chrono::nanoseconds took) const {
  if (metrics_ == nullptr) return;
  if (route != nullptr && route->accepted != nullptr && status == 202) {
    route->accepted->add();
    route->duration->observe_ns(took.count());
    return;
  }
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) method = "other";
  const std::string_view pattern = route == nullptr ? std::string_view("none") : route->pattern;
  const std::string code = std::to_string(status);
  metrics_->counter(kRequests, std::array{method, pattern, std::string_view(code)}).add();
  if (route == nullptr) return;
  metrics_->histogram(kRequestDuration, std::array{method, pattern}).observe_ns(took.count());
}

}  // namespace tradewind::net
