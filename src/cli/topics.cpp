#include <cstdio>

#include "cli/remote.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind topics: the topics of a running platform.

  topics [list]          names, partitions, records, bytes on the disk, settings
  topics describe NAME   settings, offsets of each partition, who reads and writes it, its schemas
  topics create NAME     a new one
  topics alter NAME      other settings, as with create; its partitions stay as many as they are
  topics delete NAME     with all its records. A topic that a query reads or writes is refused: TERMINATE that first

  --partitions N         create: how many (default 1)
  --retention-ms N       how long records stay since they were appended, -1 for ever (default 7 days)
  --cleanup-policy P     delete (default), compact or compact,delete
  --config NAME=VALUE    any of cleanup.policy, retention.ms, retention.bytes, delete.retention.ms; several times
  --yes                  delete: also a topic on which a stream or table is declared
  --all                  list: also the platform's own (tw.… and _…), which nobody else creates, changes or deletes
  --json                 one JSON object a line
  --server URL           default: TW_SERVER, then http://127.0.0.1:8088

Examples:
  tradewind topics
  tradewind topics create clicks --partitions 4 --retention-ms 86400000
  tradewind topics alter clicks --config cleanup.policy=compact --config delete.retention.ms=60000
  tradewind topics describe orders --json
  tradewind topics delete clicks
)";

Json member(const Json& object, const char* name) {
  const Json* found = object.find(name);
  return found == nullptr ? Json() : *found;
}

int64_t number(const Json& object, const char* name) {
  return member(object, name).integer().value_or(0);
}

// What --config and its short forms ask for.
Result<Json> config_of(const Arguments& arguments) {
  Json config = Json::object();
  if (arguments.has("--retention-ms"))
    config.set("retention.ms", Json::string(arguments.get("--retention-ms")));
  if (arguments.has("--cleanup-policy"))
    config.set("cleanup.policy", Json::string(arguments.get("--cleanup-policy")));
  for (const std::string& pair : arguments.all("--config")) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return Error{Code::invalid,
                   "--config wants NAME=VALUE, such as retention.ms=86400000, not '" + pair + "'"};
    config.set(pair.substr(0, equals), Json::string(pair.substr(equals + 1)));
  }
  return config;
}

// On Kafka the brokers' to know.
std::string size_text(const Json& of) {
  return shown(of, "bytes").empty() ? "-" : bytes_text(number(of, "bytes"));
}

int list(Remote& remote, const Arguments& arguments) {
  const auto answer = remote.ask("GET", "/v1/topics");
  if (!answer.ok()) return refused(answer.error());
  Json shown_topics = Json::array();
  std::vector<Cells> rows;
  for (const Json& topic : answer->elements()) {
    const bool internal = member(topic, "internal") == Json::boolean(true);
    if (internal && !arguments.has("--all")) continue;
    shown_topics.push(topic);
    rows.push_back({shown(topic, "name"), shown(topic, "partitions"), shown(topic, "records"),
                    size_text(topic), shown(topic, "cleanup"), shown(topic, "retention_ms")});
  }
  if (arguments.has("--json"))
    print_lines(shown_topics);
  else
    Screen().table({"topic", "partitions", "records", "bytes", "cleanup.policy", "retention.ms"}, rows);
  return 0;
}

void show(const Json& topic) {
  Screen screen;
  screen.line("topic " + shown(topic, "name"));
  const Json config = member(topic, "config");
  for (const Json::Member& setting : config.members())
    screen.line("  " + setting.name + "=" + setting.value.text());
  for (const char* who : {"sources", "readers", "writers"}) {
    if (const std::string names = shown(topic, who); !names.empty())
      screen.line(std::string(who) + ": " + names);
  }
  const Json schemas = member(topic, "schemas");
  for (const Json& schema : schemas.elements())
    screen.line("schema " + shown(schema, "subject") + " version " + shown(schema, "version") + ", id " +
                shown(schema, "id") + ", " + shown(schema, "type"));
  std::vector<Cells> rows;
  const Json partitions = member(topic, "partitions");
  for (const Json& part : partitions.elements())
    rows.push_back({shown(part, "partition"), shown(part, "begin"), shown(part, "end"),
                    shown(part, "records"), size_text(part)});
  screen.table({"partition", "begin", "end", "records", "bytes"}, rows);
}

int answer(const Result<Json>& topic, const Arguments& arguments, const std::string& said) {
  if (!topic.ok()) return refused(topic.error());
  if (arguments.has("--json"))
    print_lines(*topic);
  else if (said.empty())
    show(*topic);
  else
    std::puts(said.c_str());
  return 0;
}

int create(Remote& remote, const Arguments& arguments, const std::string& name) {
  auto config = config_of(arguments);
  if (!config.ok()) return refused(config.error());
  Json body = Json::object();
  body.set("name", Json::string(name));
  const std::string partitions = arguments.get("--partitions", "1");
  if (partitions.empty() || partitions.find_first_not_of("0123456789") != std::string::npos)
    return fail("--partitions wants a number, not '" + partitions + "'", 2);
  body.set("partitions", Json::number(partitions));
  body.set("config", std::move(*config));
  return answer(remote.ask("POST", "/v1/topics", body.dump()), arguments, "created " + name);
}

int alter(Remote& remote, const Arguments& arguments, const std::string& name) {
  auto config = config_of(arguments);
  if (!config.ok()) return refused(config.error());
  if (arguments.has("--partitions"))
    return fail("a topic keeps its partitions: keys would change their place; create another one", 3);
  if (config->members().empty()) return fail("topics alter wants a --config NAME=VALUE; see --help", 2);
  Json body = Json::object();
  body.set("config", std::move(*config));
  return answer(remote.ask("PUT", "/v1/topics/" + path_segment(name), body.dump()), arguments,
                "altered " + name);
}

}  // namespace

int topics(const std::vector<std::string>& raw) {
  const auto [arguments, exit, action] = open_verb(
      raw, kHelp, {"--yes", "--all"}, {"--partitions", "--retention-ms", "--cleanup-policy", "--config"});
  if (exit) return *exit;
  Remote remote(server_of(arguments));
  if (action.empty() || (action == "list" && arguments.words.size() == 1)) return list(remote, arguments);
  const bool known = action == "describe" || action == "create" || action == "alter" || action == "delete";
  if (!known) return fail("topics cannot '" + action + "'; see --help", 2);
  if (arguments.words.size() != 2) return fail("topics " + action + " wants one NAME; see --help", 2);
  const std::string& name = arguments.words[1];
  const std::string path = "/v1/topics/" + path_segment(name);
  if (action == "describe") return answer(remote.ask("GET", path), arguments, "");
  if (action == "create") return create(remote, arguments, name);
  if (action == "alter") return alter(remote, arguments, name);
  return answer(remote.ask("DELETE", path + (arguments.has("--yes") ? "?yes=true" : "")), arguments,
                "deleted " + name);
}

}  // namespace tradewind::cli
