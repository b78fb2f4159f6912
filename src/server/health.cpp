// What the probes answer, and the whole of it for people: /healthz, /readyz, /startupz and /v1/health.
#include <cmath>

#include "server/server.h"
#include "telemetry/process.h"

namespace tradewind::server {
namespace {

// Further behind than this a query's table is worth a word.
constexpr int64_t kLaggingRecords = 100'000;
constexpr double kLaggingSeconds = 30;

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  return text;
}

std::optional<std::string> message(const std::optional<Error>& failed) {
  if (!failed) return std::nullopt;
  return failed->message;
}

// What is left of a restore, if it goes on as it did.
std::string restore_text(const stream::RuntimeFigures& figures, double seconds) {
  if (figures.restore_records == 0) return "restoring state";
  const double part =
      static_cast<double>(figures.restored_records) / static_cast<double>(figures.restore_records);
  std::string text = "restoring state: " + std::to_string(figures.restored_records) + " of " +
                     std::to_string(figures.restore_records) + " records (" +
                     std::to_string(static_cast<int>(part * 100)) + " %)";
  if (part > 0.02) text += ", about " + seconds_text(seconds * (1 - part) / part) + " left";
  return text;
}

Json state_json(const stream::QueryStatus& query) {
  Json one = Json::object();
  one.set("name", Json::string(query.name));
  one.set("state", Json::string(!query.running ? "ERROR" : query.paused ? "PAUSED" : "RUNNING"));
  one.set("error", query.error.empty() ? Json() : Json::string(query.error));
  one.set("lag_records", Json::number(query.lag));
  one.set("lag_ms", Json::number(std::llround(query.lag_seconds * 1000)));
  one.set("rows_in", Json::number(query.rows_in));
  one.set("rows_out", Json::number(query.rows_out));
  one.set("late_rows", Json::number(query.late_rows));
  one.set("bad_rows", Json::number(query.bad_rows));
  one.set("state_bytes", Json::number(query.state_bytes));
  return one;
}

Json texts(const std::vector<telemetry::Health::Finding>& findings) {
  Json list = Json::array();
  for (const auto& finding : findings) list.push(Json::string(finding.reason));
  return list;
}

net::Response answer(bool well, const Json& body) {
  net::Response response;
  response.status = well ? 200 : 503;
  response.body = body.dump();
  return response;
}

}  // namespace

void Server::set_stage(std::string stage) {
  const std::lock_guard lock(stage_mutex_);
  stage_ = std::move(stage);
}

void Server::set_ready() {
  const std::lock_guard lock(stage_mutex_);
  start_seconds_ = static_cast<double>(parts_.clock.monotonic_ns() - began_ns_) / 1e9;
  stage_ = "running";
  ready_ = true;
}

// Why nothing can be asked yet.
std::optional<std::string> Server::starting() const {
  if (ready_) return std::nullopt;
  const auto figures = parts_.engine.figures();
  const double seconds = static_cast<double>(parts_.clock.monotonic_ns() - began_ns_) / 1e9;
  if (figures.restoring) return restore_text(figures, seconds);
  const std::lock_guard lock(stage_mutex_);
  return stage_;
}

std::optional<std::string> Server::lagging() const {
  std::string behind;
  for (const stream::QueryStatus& query : parts_.engine.status()) {
    if (query.paused || !query.running) continue;
    if (query.lag <= kLaggingRecords && query.lag_seconds <= kLaggingSeconds) continue;
    behind += (behind.empty() ? "" : ", ") + query.name + " is " + std::to_string(query.lag) +
              " records and " + seconds_text(query.lag_seconds) + " behind";
  }
  if (behind.empty()) return std::nullopt;
  return behind;
}

std::optional<std::string> Server::stopped() const {
  std::string all;
  for (const stream::QueryStatus& query : parts_.engine.status()) {
    if (query.running) continue;
    all += (all.empty() ? "" : ", ") + query.name + ": " + query.error;
  }
  if (all.empty()) return std::nullopt;
  return all;
}

void Server::declare_checks() {
  using telemetry::Probe;
  health_.add(Probe::ready, "start", [this]() -> std::optional<std::string> {
    const auto reason = starting();
    if (!reason) return std::nullopt;
    return "starting: " + *reason;
  });
  health_.add(Probe::ready, "stop", [this]() -> std::optional<std::string> {
    if (!stopping_) return std::nullopt;
    return "stopping";
  });
  health_.add(Probe::alive, "log", [this] { return message(parts_.log.failure()); });
  health_.add(Probe::alive, "workers", [this]() -> std::optional<std::string> {
    const double silent = parts_.engine.figures().silent_seconds;
    if (silent * 1000 < static_cast<double>(parts_.stuck_after.count())) return std::nullopt;
    return "a worker has made no step for " + seconds_text(silent) + "; restart the process";
  });
  health_.add(Probe::ready, "sync", [this]() -> std::optional<std::string> {
    const double waiting = parts_.log.figures().sync_waiting_seconds;
    if (waiting * 1000 < static_cast<double>(parts_.stuck_after.count())) return std::nullopt;
    return "the disk has been syncing the journal for " + seconds_text(waiting) + "; look at the disk";
  });
  health_.add(Probe::ready, "room", [this] { return message(parts_.log.refusing()); });
  health_.add(Probe::ready, "runtime", [this]() -> std::optional<std::string> {
    if (const auto failed = parts_.engine.failure()) return failed->message;
    const std::string trouble = parts_.engine.figures().trouble;
    if (trouble.empty()) return std::nullopt;
    return "queries wait, and go on by themselves: " + trouble;
  });
  health_.add(Probe::ready, "registry", [this]() -> std::optional<std::string> {
    const std::string reason = parts_.engine.figures().waits_for;
    if (reason.empty()) return std::nullopt;
    return reason;
  });
  health_.add(Probe::lagging, "registry", [this]() -> std::optional<std::string> {
    if (parts_.remote_registry == nullptr) return std::nullopt;
    return message(parts_.remote_registry->trouble());
  });
  health_.add(Probe::lagging, "trim", [this]() -> std::optional<std::string> {
    const std::string reason = parts_.engine.figures().untrimmed;
    if (reason.empty()) return std::nullopt;
    return "records that are no longer needed stay, and starts take longer: " + reason;
  });
  health_.add(Probe::lagging, "queries", [this] { return lagging(); });
}

void Server::declare_health() {
  using net::Request;
  http_.route("GET", "/healthz", [this](const Request&) { return liveness(); });
  http_.route("GET", "/readyz", [this](const Request&) { return readiness(); });
  http_.route("GET", "/startupz", [this](const Request&) { return startup(); });
  http_.route("GET", "/v1/health", [this](const Request&) { return whole_health(); });
}

net::Response Server::not_yet(const std::string& reason) const {
  net::Response response = error_answer(503, "the server is starting: " + reason);
  response.headers["Retry-After"] = "1";
  return response;
}

net::Response Server::liveness() const {
  const auto findings = health_.findings(telemetry::Probe::alive);
  Json body = Json::object();
  body.set("alive", Json::boolean(findings.empty()));
  if (!findings.empty()) body.set("reason", Json::string(findings[0].reason));
  return answer(findings.empty(), body);
}

net::Response Server::readiness() const {
  const auto unready = health_.findings(telemetry::Probe::ready);
  Json body = Json::object();
  body.set("ready", Json::boolean(unready.empty()));
  body.set("reasons", texts(unready));
  body.set("lagging", texts(health_.findings(telemetry::Probe::lagging)));
  if (const auto ended = stopped()) body.set("stopped", Json::string(*ended));
  return answer(unready.empty(), body);
}

// Once started it says so as long as the process lives.
net::Response Server::startup() const {
  Json body = Json::object();
  const auto reason = starting();
  body.set("started", Json::boolean(!reason));
  const auto figures = parts_.engine.figures();
  {
    const std::lock_guard lock(stage_mutex_);
    const int64_t ms =
        reason ? (parts_.clock.monotonic_ns() - began_ns_) / 1'000'000 : std::llround(start_seconds_ * 1000);
    body.set("stage", Json::string(figures.restoring ? "restoring state" : stage_));
    body.set("ms", Json::number(ms));
  }
  Json restored = Json::object();
  restored.set("records", Json::number(figures.restored_records));
  restored.set("of", Json::number(figures.restore_records));
  restored.set("bytes", Json::number(figures.restored_bytes));
  body.set("restored", std::move(restored));
  Json reasons = Json::array();
  if (reason) reasons.push(Json::string(*reason));
  body.set("reasons", std::move(reasons));
  net::Response response = answer(!reason, body);
  if (reason) response.headers["Retry-After"] = "1";
  return response;
}

net::Response Server::whole_health() const {
  const auto unready = health_.findings(telemetry::Probe::ready);
  Json body = Json::object();
  body.set("ready", Json::boolean(unready.empty()));
  body.set("alive", Json::boolean(health_.findings(telemetry::Probe::alive).empty()));
  body.set("reasons", texts(unready));
  body.set("lagging", texts(health_.findings(telemetry::Probe::lagging)));
  Json queries = Json::array();
  for (const stream::QueryStatus& query : parts_.engine.status()) queries.push(state_json(query));
  body.set("queries", std::move(queries));
  const log::LogFigures log = parts_.log.figures();
  Json disk = Json::object();
  disk.set("journal_bytes", Json::number(log.bytes));
  disk.set("live_bytes", Json::number(log.live_bytes));
  if (const auto room = parts_.log.room(); room.ok()) {
    disk.set("free_bytes", Json::number(room->free));
    disk.set("total_bytes", Json::number(room->total));
  }
  body.set("disk", std::move(disk));
  const auto process = telemetry::process_figures();
  Json memory = Json::object();
  memory.set("resident_bytes", Json::number(process.resident_bytes));
  memory.set("state_bytes", Json::number(parts_.engine.figures().state_bytes));
  memory.set("state_limit_bytes", Json::number(parts_.state_bytes));
  body.set("memory", std::move(memory));
  body.set("cpu_ms", Json::number(std::llround(process.cpu_seconds * 1000)));
  body.set("now_ms", Json::number(parts_.clock.now().ms));
  return answer(true, body);
}

}  // namespace tradewind::server
