#pragma once
// ServedPlatform: a platform on a disk in memory that answers on a free port of the loopback; for tests, as
// the base of their fixtures.
//
// A template for the clock: some tests move it, in others it goes on by itself. Threads: one uses it; the
// server has its own.

#include <map>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "log/faulty_disk.h"
#include "net/http_client.h"
#include "schema/local_registry.h"
#include "server/server.h"

namespace tradewind::server {

template <typename SomeClock>
class ServedPlatform {
 protected:
  explicit ServedPlatform(std::map<std::string, ingest::TopicRule> rules = {},
                          stream::RuntimeOptions runtime = {}, Duration stuck_after = Duration(30'000)) {
    log_ = std::move(log::open_embedded(
                         {.directory = "/log", .disk = &disk_, .clock = &clock_, .metrics = &metrics_}))
               .value();
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    ingestor_ = std::make_unique<ingest::Ingestor>(*log_, *registry_, clock_, std::move(rules),
                                                   ingest::IngestOptions{.metrics = &metrics_});
    runtime.idle_commit = Duration(0);
    runtime.metrics = &metrics_;
    engine_ = std::make_unique<engine::Engine>(*log_, *registry_, clock_, std::move(runtime));
    server_ = std::make_unique<Server>(Parts{.log = *log_,
                                             .registry = *registry_,
                                             .engine = *engine_,
                                             .ingestor = *ingestor_,
                                             .clock = clock_,
                                             .metrics = metrics_,
                                             .stuck_after = stuck_after,
                                             .own_registry = registry_.get()},
                                       net::HttpServerOptions{.port = 0});
    CHECK(server_->start().ok());
    client_ = std::make_unique<net::HttpClient>(url());
  }
  ~ServedPlatform() {
    server_->stop();
    engine_->stop();
  }

  // As serve does it, with nothing to be replayed.
  void make_ready() {
    CHECK(ingestor_->start().ok());
    server_->set_taking();
    CHECK(engine_->start().ok());
    server_->set_ready();
  }
  void add_topic(const log::TopicSpec& spec, const std::string& avro) {
    CHECK(log_->create_topic(spec).ok());
    CHECK(registry_->register_schema(spec.name + "-value", schema::SchemaKind::avro, avro).ok());
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  net::Answer get(const std::string& target) { return answered(client_->get(target, kPatience)); }
  net::Answer post(const std::string& target, const std::string& body,
                   const std::map<std::string, std::string>& headers = {}) {
    return answered(client_->post(target, body, headers, kPatience));
  }
  // {"NAME": "text"}, and `more` behind it.
  static std::string asking(const char* name, const std::string& text, const std::string& more = "") {
    return std::string("{\"") + name + "\":" + Json::string(text).dump() + more + "}";
  }
  net::Answer ksql(const std::string& text, const std::string& more = "") {
    return post("/ksql", asking("ksql", text, more));
  }
  static Json parsed(const net::Answer& answer) {
    auto json = parse_json(answer.body);
    CHECK(json.ok());
    return std::move(*json);
  }

  log::FaultyDisk disk_{7};
  SomeClock clock_{Timestamp{1'767'225'600'000}};
  telemetry::Registry metrics_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<ingest::Ingestor> ingestor_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<net::HttpClient> client_;

 private:
  static constexpr Duration kPatience{20'000};

  static net::Answer answered(const Result<net::Answer>& answer) {
    CHECK(answer.ok());
    return *answer;
  }
};

}  // namespace tradewind::server
