#pragma once
// Settings: what the platform can be told, gathered from its rooms.

#include <string>
#include <vector>

#include "base/options.h"
#include "engine/figure_topics.h"
#include "ingest/ingestor.h"
#include "log/open.h"
#include "net/http_server.h"
#include "schema/remote_registry.h"
#include "server/access.h"
#include "stream/runtime.h"
#include "telemetry/logger.h"

namespace tradewind::cli {

struct Arguments;

struct Settings {
  Settings() {
    log.directory = "data";
    stream.state_bytes = 0;  // read_settings() says how much that is here
  }

  std::string log_at = "embedded";
  std::string guarantee = "exactly_once";  // whichever is given, that is what is done
  log::EmbeddedOptions log;
  log::KafkaOptions kafka;
  schema::RemoteRegistryOptions registry;
  stream::RuntimeOptions stream;
  engine::FigureOptions figures;
  ingest::IngestOptions ingest;
  net::HttpServerOptions server;
  server::AccessOptions access;
  telemetry::LoggerOptions logger;

  void fields(Options& options);
};

// The flags that give a setting: --NAME of each, and the short ones.
std::vector<std::string> setting_flags();
// File (--config), then environment, then flags; the later wins. Answers notes worth a warning.
Result<std::vector<std::string>> read_settings(const Arguments& arguments, Settings& settings);
// docs/reference/settings.md
std::string settings_reference();

}  // namespace tradewind::cli
