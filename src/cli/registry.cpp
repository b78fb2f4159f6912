#include "cli/registry.h"

#include "cli/settings.h"
#include "cli/verbs.h"
#include "engine/engine.h"

namespace tradewind::cli {
namespace {

constexpr const char* kSchemasTopic = "_schemas";

Result<bool> is_there(log::Log& log, const char* topic) {
  const auto known = log.topic(topic);
  if (known.ok()) return true;
  if (known.error().code == Code::not_found) return false;
  return known.error();
}

Result<bool> holds_records(log::Log& log, const char* topic) {
  if (!TRY(is_there(log, topic))) return false;
  const auto bounds = TRY(log.bounds({topic, 0}, log::Visibility::durable));
  return bounds.end > bounds.begin;
}

// Records name their schemas by ids, and every registry has its own: a log cannot change to another. On Kafka
// the topic may be that of the registry elsewhere, so that its records say nothing.
Result<> check_same_registry(log::Log& log, bool embedded, bool elsewhere) {
  if (elsewhere && embedded && TRY(holds_records(log, kSchemasTopic))) {
    return Error{
        Code::invalid,
        "registry.url is set, but the records of this log name schemas by the ids of its own registry "
        "(topic _schemas); begin with an empty log, or start without registry.url"};
  }
  if (!elsewhere && TRY(is_there(log, engine::kCommandsTopic)) && !TRY(is_there(log, kSchemasTopic))) {
    return Error{Code::invalid,
                 "the records of this log name schemas by the ids of a registry elsewhere; set registry.url "
                 "(TW_REGISTRY_URL) as it was, or begin with an empty log"};
  }
  return {};
}

}  // namespace

schema::Registry& OpenedRegistry::operator*() const {
  if (remote != nullptr) return *remote;
  return *own;
}

Result<schema::Outlook> OpenedRegistry::outlook(const std::string& subject, const std::string& text) const {
  if (remote != nullptr) return remote->outlook(subject, schema::SchemaKind::avro, text);
  return own->outlook(subject, schema::SchemaKind::avro, text);
}

Result<OpenedRegistry> open_registry(log::WatchedLog& log, bool embedded,
                                     const schema::RemoteRegistryOptions& options, Clock& clock) {
  TRY(check_same_registry(log, embedded, options.given()));
  OpenedRegistry opened;
  if (options.given()) {
    opened.remote = TRY(schema::RemoteRegistry::open(options, clock));
  } else {
    opened.own = TRY(schema::LocalRegistry::open(log));
  }
  return opened;
}

Result<schema::RemoteRegistryOptions> registry_in_environment() {
  Settings settings;
  TRY(read_settings(Arguments(), settings));
  return settings.registry;
}

}  // namespace tradewind::cli
