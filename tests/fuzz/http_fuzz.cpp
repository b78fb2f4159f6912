// Any bytes as what a client sends: the whole platform behind HTTP, in one thread on a disk in memory. Every
// request is answered by a whole HTTP response or the connection ends; the answer is never "our fault", and
// bodies that call themselves JSON are JSON.
//
// The first byte chooses a frame around the input (none; an event, a statement or a query as a whole request,
// whole or in chunks), the second in what pieces the bytes arrive. What changed the platform is forgotten:
// each input meets the same one.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>

#include "apps/shop/topics.h"
#include "base/check.h"
#include "log/faulty_disk.h"
#include "log/open.h"
#include "schema/local_registry.h"
#include "server/server.h"
#include "sql/parse.h"

namespace tradewind::server {
namespace {

constexpr const char* kSetUp =
    "CREATE STREAM ORDERS (CUSTOMER_ID STRING KEY, ORDER_ID STRING, CURRENCY STRING)"
    " WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');"
    "CREATE STREAM S (K STRING KEY, N BIGINT, D DECIMAL(9, 2)) WITH (KAFKA_TOPIC='s', PARTITIONS=2,"
    " VALUE_FORMAT='JSON');"
    "CREATE TABLE T AS SELECT K, COUNT(*) AS C, SUM(D) AS D FROM S GROUP BY K EMIT CHANGES;"
    "INSERT INTO S VALUES ('a', 1, 2.50);";

class Platform {
 public:
  Platform() : disk_(1) {
    log_ = std::move(log::open_embedded({.directory = "/log",
                                         .disk = &disk_,
                                         .clock = &clock_,
                                         .own_thread = false,
                                         .first_segment_bytes = 64 << 10,
                                         .most_segment_bytes = 1 << 20}))
               .value();
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    CHECK(shop::declare_shop(*log_, *registry_).ok());
    std::map<std::string, ingest::TopicRule> rules;
    for (const shop::ShopTopic& topic : shop::shop_topics())
      rules[topic.name] = {.key_field = topic.key_field};
    ingestor_ = std::make_unique<ingest::Ingestor>(*log_, *registry_, clock_, rules);
    CHECK(ingestor_->start().ok());
    stream::RuntimeOptions options;
    options.own_threads = false;
    engine_ = std::make_unique<engine::Engine>(*log_, *registry_, clock_, options);
    CHECK(engine_->start().ok());
    engine::Session session;
    const auto statements = sql::parse(kSetUp);
    for (const sql::Statement& statement : *statements) {
      const auto done = engine_->execute(statement, session);
      CHECK(done.ok());
    }
    server_ = std::make_unique<Server>(Parts{*log_, *registry_, *engine_, *ingestor_, clock_, metrics_},
                                       net::HttpServerOptions{.header_bytes = 1024, .body_bytes = 3000});
    server_->set_ready();
    written_ = log_->written();
  }

  void serve(net::Connection& connection) { server_->serve(connection); }
  bool changed() const { return log_->written() != written_; }

 private:
  log::FaultyDisk disk_;
  telemetry::Registry metrics_;
  ManualClock clock_{Timestamp{1'767'225'600'000}};
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<ingest::Ingestor> ingestor_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Server> server_;
  uint64_t written_ = 0;
};

// Gives the input in pieces, keeps the answers.
class GivenBytes final : public net::Connection {
 public:
  GivenBytes(std::string_view input, size_t piece) : left_(input), piece_(std::max<size_t>(piece, 1)) {}

  Read read(char* out, size_t size, size_t& got) override {
    got = std::min({size, piece_, left_.size()});
    std::copy_n(left_.data(), got, out);
    left_.remove_prefix(got);
    return got > 0 ? Read::some : Read::end;
  }
  bool write(std::string_view bytes) override {
    answers.append(bytes);
    return true;
  }
  void set_wait(Duration) override {}
  bool gone() override { return left_.empty(); }

  std::string answers;

 private:
  std::string_view left_;
  size_t piece_;
};

// The body of one answer, cut off `rest`.
std::string body_of(std::string_view head, std::string_view& rest) {
  std::string body;
  if (head.find("\r\nTransfer-Encoding: chunked") == std::string_view::npos) {
    size_t size = 0;
    const size_t at = head.find("\r\nContent-Length: ");
    CHECK(at != std::string_view::npos);
    CHECK(std::from_chars(head.data() + at + 18, head.data() + head.size(), size).ec == std::errc());
    CHECK(size <= rest.size());
    body = std::string(rest.substr(0, size));
    rest.remove_prefix(size);
    return body;
  }
  for (size_t size = 1; size > 0;) {
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), size, 16);
    CHECK(problem == std::errc());
    rest.remove_prefix(static_cast<size_t>(end - rest.data()) + 2);
    CHECK(size + 2 <= rest.size() && rest.substr(size, 2) == "\r\n");
    body += rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  return body;
}

bool known_status(int status) {
  constexpr int kKnown[] = {200, 202, 307, 400, 404, 405, 406, 408, 413, 417, 431, 503};
  return std::find(std::begin(kKnown), std::end(kKnown), status) != std::end(kKnown);
}

void check_answers(std::string_view rest, bool heads) {
  while (!rest.empty()) {
    const size_t end = rest.find("\r\n\r\n");
    CHECK(end != std::string_view::npos && rest.starts_with("HTTP/1.1 "));
    const std::string_view head = rest.substr(0, end + 2);
    rest.remove_prefix(end + 4);
    const int status = std::atoi(std::string(head.substr(9, 3)).c_str());
    if (status == 100) continue;
    if (status == 101) return;  // HTTP/2 or a WebSocket follows
    if (!known_status(status)) std::fprintf(stderr, "%s\n", std::string(rest).c_str());
    CHECK(known_status(status));
    if (heads) return;  // an answer to HEAD tells the length of a body that it does not have
    const std::string body = body_of(head, rest);
    if (head.find("\r\nContent-Type: application/json\r\n") != std::string_view::npos && !body.empty())
      CHECK(parse_json(body, {.bytes = 64 << 20}).ok());
  }
}

std::string request(const char* target, const std::string& body, bool chunked) {
  std::string text = std::string("POST ") + target + " HTTP/1.1\r\nHost: h\r\n";
  if (!chunked) return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  text += "Transfer-Encoding: chunked\r\n\r\n";
  for (size_t at = 0; at < body.size(); at += 50) {
    const std::string piece = body.substr(at, 50);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    text += size + piece + "\r\n";
  }
  return text + "0\r\n\r\n";
}

std::string framed(uint8_t form, const std::string& rest) {
  const bool chunked = (form & 8) != 0;
  std::string asked = "{\"ksql\":";
  switch (form & 7) {
    case 1: return request("/v1/events/orders", rest, chunked);
    case 2: append_json_string(asked, rest); return request("/ksql", asked + "}", chunked);
    case 3: append_json_string(asked, rest); return request("/query", asked + "}", chunked);
    case 4: append_json_string(asked, rest); return request("/query-stream", asked + "}", chunked);
    case 5: return request("/v1/events/inventory", "[" + rest + "]", chunked);
    case 6: return request("/ksql", rest, chunked) + "GET /metrics HTTP/1.1\r\n\r\n";
    case 7: return request("/v1/topics/orders/records", "[" + rest + "]", chunked);
    default: return rest;
  }
}

}  // namespace
}  // namespace tradewind::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tradewind::server;
  if (size < 2) return 0;
  static auto platform = std::make_unique<Platform>();
  const std::string input = framed(data[0] & 15, {reinterpret_cast<const char*>(data) + 2, size - 2});
  GivenBytes connection(input, data[1] == 0 ? input.size() : data[1]);
  platform->serve(connection);
  if (input.starts_with("PRI * HTTP/2.0")) return 0;  // its answers are frames; that it ends is all
  check_answers(connection.answers, input.find("HEAD ") != std::string::npos);
  if (platform->changed()) platform = std::make_unique<Platform>();
  return 0;
}
