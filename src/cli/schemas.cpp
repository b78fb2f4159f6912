#include <cstdio>

#include "cli/remote.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind schemas: the schema registry of a running platform.

  schemas [list]                     subjects with their latest version
  schemas describe SUBJECT           a version's schema and the level of compatibility
  schemas register SUBJECT FILE      a new version; the same schema answers the version that is there
  schemas check SUBJECT FILE         whether it could be registered; says why not (exit 2)
  schemas compatibility SUBJECT [LEVEL]
                                     the level, or sets it: NONE, BACKWARD, FORWARD, FULL, each also _TRANSITIVE
  schemas delete SUBJECT             all its versions, or one

  --version N    describe, delete: that version (describe: default the latest)
  --type TYPE    register, check: AVRO (default) or JSON
  --permanent    delete: for good what was deleted before
  --json         one JSON object a line
  --server URL   default: TW_SERVER, then http://127.0.0.1:8088
The subject of a topic's values is TOPIC-value, of its keys TOPIC-key. FILE may be - for standard input.

Examples:
  tradewind schemas describe orders-value
  tradewind schemas check orders-value orders.avsc && tradewind schemas register orders-value orders.avsc
  tradewind schemas compatibility orders-value FULL
)";

Json latest_of(Remote& remote, const std::string& subject) {
  const auto known = remote.ask("GET", "/subjects/" + path_segment(subject) + "/versions/latest");
  return known.ok() ? *known : Json::object();
}

std::string type_of(const Json& schema) {
  const std::string type = shown(schema, "schemaType");
  return type.empty() ? "AVRO" : type;
}

int list(Remote& remote, bool json) {
  const auto subjects = remote.ask("GET", "/subjects");
  if (!subjects.ok()) return refused(subjects.error());
  std::vector<Cells> rows;
  for (const Json& subject : subjects->elements()) {
    const Json latest = latest_of(remote, subject.text());
    rows.push_back({subject.text(), shown(latest, "version"), shown(latest, "id"), type_of(latest)});
    if (!json) continue;
    std::printf("{\"subject\":%s,\"version\":%s,\"id\":%s,\"type\":\"%s\"}\n", subject.dump().c_str(),
                rows.back()[1].c_str(), rows.back()[2].c_str(), rows.back()[3].c_str());
  }
  if (!json) Screen().table({"subject", "version", "id", "type"}, rows);
  return 0;
}

Result<Json> level_of(Remote& remote, const std::string& subject) {
  return remote.ask("GET", "/config/" + path_segment(subject) + "?defaultToGlobal=true");
}

int describe(Remote& remote, const Arguments& arguments, const std::string& subject) {
  const std::string path = "/subjects/" + path_segment(subject) + "/versions";
  auto schema = remote.ask("GET", path + "/" + path_segment(arguments.get("--version", "latest")));
  if (!schema.ok()) return refused(schema.error());
  const auto versions = remote.ask("GET", path);
  const auto level = level_of(remote, subject);
  if (!versions.ok()) return refused(versions.error());
  if (!level.ok()) return refused(level.error());
  const std::string compatibility = shown(*level, "compatibilityLevel");
  if (arguments.has("--json")) {
    schema->set("versions", *versions);
    schema->set("compatibility", Json::string(compatibility));
    print_lines(*schema);
    return 0;
  }
  Json all = Json::object();
  all.set("versions", *versions);
  std::printf("subject %s version %s of %s, id %s, %s, compatibility %s\n%s\n", subject.c_str(),
              shown(*schema, "version").c_str(), shown(all, "versions").c_str(), shown(*schema, "id").c_str(),
              type_of(*schema).c_str(), compatibility.c_str(), shown(*schema, "schema").c_str());
  return 0;
}

// The body that the registry takes a schema in.
Result<std::string> body_of(const Arguments& arguments, const std::string& path) {
  Result<> read;
  const std::string text = read_all(path, read);
  if (!read.ok()) return read.error();
  Json body = Json::object();
  body.set("schema", Json::string(text));
  if (arguments.has("--type")) body.set("schemaType", Json::string(arguments.get("--type")));
  return body.dump();
}

int register_schema(Remote& remote, const Arguments& arguments, const std::string& subject) {
  const auto body = body_of(arguments, arguments.words[2]);
  if (!body.ok()) return refused(body.error());
  const std::string path = "/subjects/" + path_segment(subject);
  if (const auto made = remote.ask("POST", path + "/versions", *body); !made.ok())
    return refused(made.error());
  const auto found = remote.ask("POST", path, *body);
  if (!found.ok()) return refused(found.error());
  if (arguments.has("--json"))
    print_lines(*found);
  else
    std::printf("%s version %s, id %s\n", subject.c_str(), shown(*found, "version").c_str(),
                shown(*found, "id").c_str());
  return 0;
}

int check(Remote& remote, const Arguments& arguments, const std::string& subject) {
  const auto body = body_of(arguments, arguments.words[2]);
  if (!body.ok()) return refused(body.error());
  const auto answer = remote.ask(
      "POST", "/compatibility/subjects/" + path_segment(subject) + "/versions?verbose=true", *body);
  if (!answer.ok()) return refused(answer.error());
  const Json* found = answer->find("is_compatible");
  const bool compatible = found != nullptr && *found == Json::boolean(true);
  if (arguments.has("--json"))
    print_lines(*answer);
  else if (compatible)
    std::printf("compatible with %s\n", subject.c_str());
  if (compatible) return 0;
  return fail("not compatible with " + subject + ": " + shown(*answer, "messages"), 2);
}

int compatibility(Remote& remote, const Arguments& arguments, const std::string& subject) {
  if (arguments.words.size() == 3) {
    Json body = Json::object();
    body.set("compatibility", Json::string(arguments.words[2]));
    const auto done = remote.ask("PUT", "/config/" + path_segment(subject), body.dump());
    if (!done.ok()) return refused(done.error());
  }
  const auto level = level_of(remote, subject);
  if (!level.ok()) return refused(level.error());
  const std::string name = shown(*level, "compatibilityLevel");
  if (arguments.has("--json"))
    std::printf("{\"subject\":%s,\"compatibility\":\"%s\"}\n", Json::string(subject).dump().c_str(),
                name.c_str());
  else
    std::puts(name.c_str());
  return 0;
}

int remove(Remote& remote, const Arguments& arguments, const std::string& subject) {
  std::string path = "/subjects/" + path_segment(subject);
  if (arguments.has("--version")) path += "/versions/" + path_segment(arguments.get("--version"));
  const auto done = remote.ask("DELETE", path + (arguments.has("--permanent") ? "?permanent=true" : ""));
  if (!done.ok()) return refused(done.error());
  Json gone = Json::object();
  gone.set("deleted", Json::string(subject));
  gone.set("versions", done->is(Json::Kind::array) ? *done : Json::array({*done}));
  if (arguments.has("--json"))
    print_lines(gone);
  else
    std::printf("deleted %s version %s\n", subject.c_str(), shown(gone, "versions").c_str());
  return 0;
}

}  // namespace

int schemas(const std::vector<std::string>& raw) {
  const auto [arguments, exit, action] = open_verb(raw, kHelp, {"--permanent"}, {"--version", "--type"});
  if (exit) return *exit;
  Remote remote(server_of(arguments));
  const size_t words = arguments.words.size();
  if (action.empty() || (action == "list" && words == 1)) return list(remote, arguments.has("--json"));
  if (words < 2) return fail("schemas " + action + " wants a SUBJECT; see --help", 2);
  const std::string& subject = arguments.words[1];
  if (action == "describe" && words == 2) return describe(remote, arguments, subject);
  if (action == "register" && words == 3) return register_schema(remote, arguments, subject);
  if (action == "check" && words == 3) return check(remote, arguments, subject);
  if (action == "compatibility" && words <= 3) return compatibility(remote, arguments, subject);
  if (action == "delete" && words == 2) return remove(remote, arguments, subject);
  return fail("schemas cannot '" + action + "' with so many words; see --help", 2);
}

}  // namespace tradewind::cli
