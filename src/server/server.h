#pragma once
// Server: what HTTP asks of the platform, and its answers. No algorithm lives here.
//
// Threads: start() and stop() by one; the rest happens on the connections' threads.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "ingest/ingestor.h"
#include "log/open.h"
#include "net/http_server.h"
#include "schema/local_registry.h"
#include "schema/remote_registry.h"
#include "server/access.h"
#include "telemetry/health.h"
#include "telemetry/metrics.h"

namespace tradewind::server {

struct Parts {
  log::WatchedLog& log;
  schema::Registry& registry;
  engine::Engine& engine;
  ingest::Ingestor& ingestor;
  Clock& clock;
  telemetry::Registry& metrics;
  Duration stuck_after{30'000};  // a thread of ours that makes no step for so long is taken for dead
  int64_t state_bytes = 0;       // set aside for all tables together, to be told
  // The registry again, as what it is: its REST is answered here, or handed on to where it runs.
  schema::LocalRegistry* own_registry = nullptr;
  schema::RemoteRegistry* remote_registry = nullptr;
};

class Rest;

class Server {
 public:
  Server(Parts parts, net::HttpServerOptions options, Access access = {});
  ~Server();
  Result<> start();
  void stop();
  int port() const { return http_.port(); }
  // One connection on the caller's thread, as HttpServer::serve().
  void serve(net::Connection& connection) { http_.serve(connection); }
  // What the start is at, for those who wait for it: "restoring state".
  void set_stage(std::string stage);
  // From now on events are taken: the ids of earlier ones are known.
  void set_taking() { taking_ = true; }
  // From now on the platform says that it is ready, and from then on that it is not.
  void set_ready();
  void set_stopping() { stopping_ = true; }

 private:
  void declare_routes();

  // health.cpp
  void declare_checks();
  void declare_health();
  std::optional<std::string> starting() const;
  std::optional<std::string> lagging() const;
  std::optional<std::string> stopped() const;
  net::Response not_yet(const std::string& reason) const;
  net::Response liveness() const;
  net::Response readiness() const;
  net::Response startup() const;
  net::Response whole_health() const;

  net::Response metrics() const;
  net::Response health() const;
  net::Response info() const;
  net::Response cluster() const;

  Parts parts_;
  const Access access_;
  const size_t body_bytes_;
  net::HttpServer http_;
  telemetry::Health health_;
  const int64_t began_ns_;
  std::atomic<bool> taking_{false};
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  mutable std::mutex stage_mutex_;
  std::string stage_ = "opening";
  double start_seconds_ = 0;  // how long the start took; set by set_ready()
  std::unique_ptr<Rest> rest_;
};

// Every metric of the platform, for its reference page.
std::vector<const telemetry::Metric*> all_metrics();

// HTTP status of an error; the body ksqlDB's clients read.
int status_of(Code code);
net::Response error_answer(int status, const std::string& message, const std::string& statement = "");

}  // namespace tradewind::server
