#pragma once
// Server: what HTTP asks of the platform, and its answers. No algorithm lives here.
//
// Threads: start() and stop() by one; the rest happens on the connections' threads.

#include <memory>
#include <string>

#include "engine/engine.h"
#include "ingest/ingestor.h"
#include "log/open.h"
#include "net/http_server.h"
#include "schema/local_registry.h"
#include "telemetry/health.h"
#include "telemetry/metrics.h"

namespace tradewind::server {

struct Parts {
  log::EmbeddedLog& log;
  schema::LocalRegistry& registry;
  engine::Engine& engine;
  ingest::Ingestor& ingestor;
  Clock& clock;
  telemetry::Registry& metrics;
};

class Rest;

class Server {
 public:
  Server(Parts parts, net::HttpServerOptions options);
  ~Server();
  Result<> start();
  void stop();
  int port() const { return http_.port(); }
  // One connection on the caller's thread, as HttpServer::serve().
  void serve(net::Connection& connection) { http_.serve(connection); }
  // From now on the platform says that it is ready.
  void set_ready() { ready_ = true; }

 private:
  void declare_routes();
  void declare_checks();
  net::Response events(const net::Request& request);
  net::Response producer(const net::Request& request);
  net::Response metrics() const;
  net::Response liveness() const;
  net::Response readiness() const;
  net::Response health() const;
  net::Response info() const;
  net::Response cluster() const;

  Parts parts_;
  net::HttpServer http_;
  telemetry::Health health_;
  std::atomic<bool> ready_{false};
  std::unique_ptr<Rest> rest_;
};

// Every metric of the platform, for its reference page.
std::vector<const telemetry::Metric*> all_metrics();

// HTTP status of an error; the body ksqlDB's clients read.
int status_of(Code code);
net::Response error_answer(int status, const std::string& message, const std::string& statement = "");

}  // namespace tradewind::server
