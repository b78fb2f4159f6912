#include "server/routes/events.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/json.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

using ingest::Shape;
using ingest::Taken;

net::Response taken_answer(const Taken& taken) {
  net::Response response;
  response.status = taken.accepted == 0 && !taken.rejected.empty() ? 400 : 202;
  response.body.reserve(64);
  JsonWriter json(response.body);
  json.begin_object();
  json.key("accepted");
  json.number(static_cast<int64_t>(taken.accepted));
  json.key("rejected");
  json.begin_array();
  for (const ingest::Rejected& rejected : taken.rejected) {
    json.begin_object();
    json.key("index");
    json.number(static_cast<int64_t>(rejected.index));
    if (!rejected.field.empty()) {
      json.key("field");
      json.string(rejected.field);
    }
    if (!rejected.expected.empty()) {
      json.key("expected");
      json.string(rejected.expected);
    }
    json.key("error");
    json.string(rejected.error);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return response;
}

net::Response answer_of(const Result<Taken>& taken) {
  if (taken.ok()) return taken_answer(*taken);
  net::Response response = error_answer(status_of(taken.error().code), taken.error().message);
  if (response.status == 503) response.headers["Retry-After"] = "1";
  return response;
}

net::Response later_answer(int64_t wait_ms) {
  net::Response response = error_answer(
      429, "more events than ingest.quota_rate allows this client; send on after the seconds in Retry-After");
  response.headers["Retry-After"] = std::to_string((wait_ms + 999) / 1000);
  return response;
}

// A page that goes away sends text/plain, whatever is in it: lines where it is not one JSON.
Shape shape_of(std::string_view content_type, std::string_view body) {
  if (content_type.find("ndjson") != std::string_view::npos ||
      content_type.find("jsonl") != std::string_view::npos)
    return Shape::lines;
  const size_t end = body.find_last_not_of(" \t\r\n");
  const bool several =
      content_type.starts_with("text/plain") && body.substr(0, end).find('\n') != std::string_view::npos;
  return several && !parse_json(body).ok() ? Shape::lines : Shape::json;
}

// What gzip says at its end that it holds; bytes.
size_t unpacked_size(std::string_view packed) {
  if (packed.size() < 18) return 0;
  uint32_t size = 0;
  std::memcpy(&size, packed.data() + packed.size() - 4, sizeof size);
  return size;
}

// False: this is not gzip of so many bytes.
bool unpack(std::string_view packed, size_t size, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return false;
  out.resize(size + 1);  // one more, to see that there is none
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = inflate(&stream, Z_FINISH);
  const bool fine = done == Z_STREAM_END && stream.total_out == size && stream.avail_in == 0;
  inflateEnd(&stream);
  out.resize(fine ? size : 0);
  return fine;
}

// The handler of events.
class EventRoute {
 public:
  EventRoute(net::HttpServer& http, ingest::Ingestor& ingestor, Clock& clock, size_t body_bytes)
      : http_(http), ingestor_(ingestor), clock_(clock), body_bytes_(body_bytes) {}

  void take(const net::Request& request, net::Reply reply) const {
    const std::string_view encoding = request.header("content-encoding");
    if (encoding.empty() || encoding == "identity") return take_body(request, request.body, std::move(reply));
    if (encoding != "gzip") {
      return reply(error_answer(
          415, "Content-Encoding " + std::string(encoding) + " is not taken; send gzip or none"));
    }
    const size_t size = unpacked_size(request.body);
    if (size > body_bytes_) {
      return reply(error_answer(413, "the body is larger than " + std::to_string(body_bytes_) +
                                         " bytes when it is unpacked, or no whole gzip; send less at once"));
    }
    const std::shared_ptr<void> held = http_.hold(size);
    std::string body;
    if (held == nullptr) {
      net::Response busy = error_answer(503, "requests at hand hold all the memory they may; try again");
      busy.headers["Retry-After"] = "1";
      return reply(std::move(busy));
    }
    if (!unpack(request.body, size, body)) return reply(error_answer(400, "the body is no whole gzip"));
    take_body(request, body, [reply, held](net::Response response) { reply(std::move(response)); });
  }

 private:
  void take_body(const net::Request& request, const std::string& body, net::Reply reply) const {
    ingest::Quota& quota = ingestor_.quota();
    std::string client;
    if (!quota.unlimited()) {
      client = request.caller.empty() ? request.peer : request.caller;
      const int64_t now_ms = clock_.monotonic_ns() / 1'000'000;
      if (const int64_t wait = quota.wait_ms(client, now_ms); wait > 0) return reply(later_answer(wait));
    }
    const auto numbered = numbered_in(request);
    if (!numbered.ok()) return reply(error_answer(400, numbered.error().message));
    const Shape shape = shape_of(request.header("content-type"), body);
    ingestor_.submit(
        request.captures.at("topic"), body, *numbered, shape,
        [this, client = std::move(client), reply = std::move(reply)](const Result<Taken>& taken) {
          if (!client.empty() && taken.ok()) charge(client, *taken);
          reply(answer_of(taken));
        });
  }

  // Rejected events are no cheaper to look at.
  void charge(const std::string& client, const Taken& taken) const {
    ingestor_.quota().take(client, static_cast<int64_t>(taken.accepted + taken.rejected.size()),
                           clock_.monotonic_ns() / 1'000'000);
  }

  net::HttpServer& http_;
  ingest::Ingestor& ingestor_;
  Clock& clock_;
  const size_t body_bytes_;
};

}  // namespace

Result<std::optional<ingest::Numbered>> numbered_in(const net::Request& request) {
  const std::string_view producer = request.header("tw-producer");
  if (producer.empty()) return std::optional<ingest::Numbered>();
  const std::string_view number = request.header("tw-sequence");
  int64_t sequence = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), sequence);
  if (error != std::errc() || end != number.data() + number.size() || sequence < 0) {
    return Error{Code::invalid,
                 "Tw-Producer wants a Tw-Sequence beside it: a whole number from 0 to 9223372036854775807, "
                 "higher with each request; found '" +
                     std::string(number) + "'"};
  }
  return std::optional(ingest::Numbered{std::string(producer), sequence});
}

void declare_event_routes(net::HttpServer& http, ingest::Ingestor& ingestor, Clock& clock, size_t body_bytes,
                          std::function<std::optional<net::Response>()> not_yet) {
  const auto route = std::make_shared<EventRoute>(http, ingestor, clock, body_bytes);
  http.route_later("POST", "/v1/events/{topic}",
                   [route, not_yet = std::move(not_yet)](const net::Request& request, net::Reply reply) {
                     if (auto refused = not_yet()) return reply(std::move(*refused));
                     route->take(request, std::move(reply));
                   });
  http.route("GET", "/v1/producers/{id}", [&ingestor](const net::Request& request) {
    const auto sequence = ingestor.last_sequence(request.captures.at("id"));
    if (!sequence.ok()) return error_answer(status_of(sequence.error().code), sequence.error().message);
    return net::Response{.body = "{\"sequence\":" + std::to_string(*sequence) + "}"};
  });
}

}  // namespace tradewind::server
