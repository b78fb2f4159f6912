// One topic: what it is, who has to do with it; and creating, altering, deleting topics.
#include "engine/record_writer.h"
#include "server/routes/topics.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

net::Response answer_of(const Result<std::string>& body) {
  if (!body.ok()) return error_answer(status_of(body.error().code), body.error().message);
  net::Response response;
  response.body = *body;
  return response;
}

Error unknown(const std::string& topic) {
  return {Code::not_found, "no topic is called " + topic + "; `tradewind topics` lists them"};
}

void put_names(JsonWriter& json, const char* key, const std::vector<std::string>& names) {
  json.key(key);
  json.begin_array();
  for (const std::string& name : names) json.string(name);
  json.end_array();
}

void put_number(JsonWriter& json, const char* key, int64_t value) {
  json.key(key);
  json.number(value);
}

Result<> put_partitions(JsonWriter& json, const log::TopicSpec& spec, log::WatchedLog& log) {
  json.key("partitions");
  json.begin_array();
  for (int32_t p = 0; p < spec.partitions; ++p) {
    const auto bounds = TRY(log.bounds({spec.name, p}, log::Visibility::durable));
    json.begin_object();
    put_number(json, "partition", p);
    put_number(json, "begin", bounds.begin);
    put_number(json, "end", bounds.end);
    put_number(json, "records", bounds.end - bounds.begin);
    const auto bytes = log.admin().bytes({spec.name, p});
    if (!bytes.ok() && bytes.error().code != Code::unsupported) return bytes.error();
    if (bytes.ok()) put_number(json, "bytes", *bytes);  // on Kafka the brokers' to know
    json.end_object();
  }
  json.end_array();
  return {};
}

void put_schemas(JsonWriter& json, const std::string& topic, schema::Registry& registry) {
  json.key("schemas");
  json.begin_array();
  for (const char* part : {"-key", "-value"}) {
    const auto latest = registry.latest(topic + part);
    if (!latest.ok()) continue;
    json.begin_object();
    json.key("subject");
    json.string(topic + part);
    put_number(json, "version", latest->version);
    put_number(json, "id", latest->id);
    json.key("type");
    json.string(latest->kind == schema::SchemaKind::avro   ? "AVRO"
                : latest->kind == schema::SchemaKind::json ? "JSON"
                                                           : "PROTOBUF");
    json.end_object();
  }
  json.end_array();
}

Result<std::string> describe(const std::string& topic, log::WatchedLog& log, schema::Registry& registry,
                             const engine::Engine& engine) {
  const auto spec = log.topic(topic);
  if (!spec.ok()) return unknown(topic);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("name");
  json.string(topic);
  json.key("internal");
  json.boolean(engine::is_internal(topic));
  put_number(json, "replicas", spec->replicas);
  json.key("config");
  json.begin_object();
  for (const auto& [name, value] : log::config_of(*spec)) {
    json.key(name);
    json.string(value);
  }
  json.end_object();
  TRY(put_partitions(json, *spec, log));
  const auto use = engine.use_of(topic);
  put_names(json, "sources", use.sources);
  put_names(json, "readers", use.readers);
  put_names(json, "writers", use.writers);
  put_schemas(json, topic, registry);
  json.end_object();
  return body;
}

// The members of `config`, whose values are texts or numbers.
Result<> read_config(const Json& body, log::TopicSpec& spec) {
  const Json* config = body.find("config");
  if (config == nullptr) return {};
  if (!config->is(Json::Kind::object))
    return Error{Code::invalid, "config is an object such as {\"retention.ms\": \"60000\"}"};
  for (const Json::Member& member : config->members()) {
    const bool plain = member.value.is(Json::Kind::string) || member.value.is(Json::Kind::number);
    TRY(log::set_config(spec, member.name, plain ? member.value.text() : member.value.dump()));
  }
  return {};
}

Result<std::string> create(const net::Request& request, log::WatchedLog& log, schema::Registry& registry,
                           const engine::Engine& engine) {
  const Json body = TRY(parse_json(request.body));
  log::TopicSpec spec;
  spec.name = body.string_at("name").value_or("");
  TRY(log::check_topic_name(spec.name));
  if (engine::is_internal(spec.name))
    return Error{Code::invalid, "names that begin with tw. or _ are the platform's own; choose another"};
  if (log.topic(spec.name).ok())
    return Error{Code::conflict,
                 "topic " + spec.name + " exists; `tradewind topics alter` changes its settings"};
  if (const Json* partitions = body.find("partitions")) {
    const auto number = partitions->integer();
    if (!number || *number < 1 || *number > 10'000)
      return Error{Code::invalid, "partitions is a number from 1 to 10000, not " + partitions->dump()};
    spec.partitions = static_cast<int32_t>(*number);
  }
  TRY(read_config(body, spec));
  TRY(log.create_topic(spec));
  return describe(spec.name, log, registry, engine);
}

Result<std::string> alter(const net::Request& request, log::WatchedLog& log, schema::Registry& registry,
                          const engine::Engine& engine) {
  const std::string& topic = request.captures.at("topic");
  auto spec = log.topic(topic);
  if (!spec.ok()) return unknown(topic);
  if (engine::is_internal(topic))
    return Error{Code::invalid,
                 "topic " + topic + " is the platform's own; its settings hang on what it keeps"};
  TRY(read_config(TRY(parse_json(request.body)), *spec));
  TRY(log.admin().alter_topic(*spec));
  return describe(topic, log, registry, engine);
}

Result<std::string> remove(const net::Request& request, const log::WatchedLog&, engine::Engine& engine) {
  const std::string& topic = request.captures.at("topic");
  const auto yes = request.query.find("yes");
  const auto done = engine.delete_topic(topic, yes != request.query.end() && yes->second != "false");
  if (!done.ok()) return done.error().code == Code::not_found ? unknown(topic) : done.error();
  return "{\"deleted\":" + Json::string(topic).dump() + "}";
}

}  // namespace

void declare_topic_admin_routes(net::HttpServer& http, log::WatchedLog& log, schema::Registry& registry,
                                engine::Engine& engine) {
  using net::Request;
  http.route("POST", "/v1/topics",
             [&](const Request& r) { return answer_of(create(r, log, registry, engine)); });
  http.route("GET", "/v1/topics/{topic}", [&](const Request& r) {
    return answer_of(describe(r.captures.at("topic"), log, registry, engine));
  });
  http.route("PUT", "/v1/topics/{topic}",
             [&](const Request& r) { return answer_of(alter(r, log, registry, engine)); });
  http.route("DELETE", "/v1/topics/{topic}",
             [&](const Request& r) { return answer_of(remove(r, log, engine)); });
}

}  // namespace tradewind::server
