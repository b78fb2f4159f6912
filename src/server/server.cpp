#include "server/server.h"

#include "server/console/console.h"
#include "server/routes/events.h"
#include "server/routes/rest.h"
#include "server/routes/schemas.h"
#include "server/routes/topics.h"

namespace tradewind::server {
namespace {

net::HttpServerOptions counted(net::HttpServerOptions options, telemetry::Registry& metrics) {
  options.metrics = &metrics;
  return options;
}

// Whose cluster this is: one process, so one for all.
net::Response metadata(bool whole) {
  const std::string id =
      R"({"id":"tradewind","scope":{"path":[],"clusters":{"kafka-cluster":"embedded","ksql-cluster":"tradewind"}}})";
  net::Response response;
  response.body = whole ? R"({"version":"0.29.0","clusterId":)" + id + "}" : id;
  return response;
}

}  // namespace

Server::Server(Parts parts, net::HttpServerOptions options, Access access)
    : parts_(parts),
      access_(std::move(access)),
      body_bytes_(options.body_bytes),
      http_(counted(std::move(options), parts.metrics)),
      began_ns_(parts.clock.monotonic_ns()),
      rest_(std::make_unique<Rest>(parts.engine, [this] { return starting(); })) {
  declare_checks();
  declare_routes();
}
Server::~Server() {
  stop();
}

void Server::declare_routes() {
  using net::Request;
  http_.set_gate([this](Request& r, std::string_view pattern) { return access_.admit(r, pattern); });
  if (parts_.own_registry != nullptr) declare_schema_routes(http_, *parts_.own_registry);
  if (parts_.remote_registry != nullptr) declare_forwarded_routes(http_, *parts_.remote_registry);
  rest_->declare(http_);
  declare_topic_routes(http_, parts_.log, parts_.registry);
  declare_topic_admin_routes(http_, parts_.log, parts_.registry, parts_.engine);
  declare_record_routes(http_, parts_.log, parts_.registry, parts_.clock);
  declare_group_routes(http_, parts_.log, parts_.engine, parts_.clock);
  declare_backup_route(http_, parts_.log, parts_.clock);
  declare_console(http_);
  declare_health();
  declare_event_routes(http_, parts_.ingestor, parts_.clock, body_bytes_,
                       [this]() -> std::optional<net::Response> {
                         if (taking_) return std::nullopt;
                         return not_yet(starting().value_or("the server is starting"));
                       });
  http_.route("GET", "/metrics", [this](const Request&) { return metrics(); });
  http_.route("GET", "/healthcheck", [this](const Request&) { return health(); });
  http_.route("GET", "/info", [this](const Request&) { return info(); });
  http_.route("GET", "/clusterStatus", [this](const Request&) { return cluster(); });
  http_.route("GET", "/v1/metadata", [this](const Request&) { return metadata(true); });
  http_.route("GET", "/v1/metadata/id", [this](const Request&) { return metadata(false); });
  http_.route("GET", "/chc/ready",
              [](const Request&) { return net::Response{.content_type = "text/plain"}; });
  http_.route("GET", "/chc/live", [](const Request&) { return net::Response{.content_type = "text/plain"}; });
}

Result<> Server::start() {
  return http_.start();
}

void Server::stop() {
  rest_->stop();
  http_.stop();
}

int status_of(Code code) {
  switch (code) {
    case Code::invalid:
    case Code::conflict: return 400;
    case Code::not_found: return 404;
    case Code::unsupported: return 400;
    case Code::unavailable: return 503;
    default: return 500;
  }
}

net::Response error_answer(int status, const std::string& message, const std::string& statement) {
  Json body = Json::object();
  const bool of_statement = !statement.empty();
  body.set("@type", Json::string(of_statement ? "statement_error" : "generic_error"));
  body.set("error_code", Json::number(int64_t{status} * 100 + (of_statement && status == 400 ? 1 : 0)));
  body.set("message", Json::string(message));
  if (of_statement) {
    body.set("statementText", Json::string(statement));
    body.set("entities", Json::array());
  }
  net::Response response;
  response.status = status;
  response.body = body.dump();
  return response;
}

net::Response Server::health() const {
  const bool well = health_.findings(telemetry::Probe::ready).empty();
  const std::string flag = well ? "true" : "false";
  net::Response response;
  response.body = "{\"isHealthy\":" + flag + ",\"details\":{\"metastore\":{\"isHealthy\":" + flag +
                  "},\"kafka\":{\"isHealthy\":" + flag + "},\"commandRunner\":{\"isHealthy\":" + flag +
                  "}},\"serverState\":\"" + (ready_ ? "RUNNING" : "STARTING") + "\"}";
  return response;
}

net::Response Server::info() const {
  net::Response response;
  response.body =
      "{\"KsqlServerInfo\":{\"version\":\"0.29.0\",\"kafkaClusterId\":\"embedded\",\"ksqlServiceId\":"
      "\"tradewind\",\"serverStatus\":\"RUNNING\",\"tradewindVersion\":\"0.1.0\"}}";
  return response;
}

// One node, which holds everything.
net::Response Server::cluster() const {
  const std::string host = "127.0.0.1:" + std::to_string(http_.port());
  net::Response response;
  response.body = "{\"clusterStatus\":{\"" + host +
                  "\":{\"hostAlive\":true,\"lastStatusUpdateMs\":" + std::to_string(parts_.clock.now().ms) +
                  ",\"activeStandbyPerQuery\":{},\"hostStoreLags\":{\"stateStoreLags\":{},\"updateTimeMs\":" +
                  std::to_string(parts_.clock.now().ms) + "}}}}";
  return response;
}

}  // namespace tradewind::server
