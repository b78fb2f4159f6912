#include <cstdio>

#include "cli/remote.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind groups: who reads topics, and how far: consumers and queries.

  groups [list]           names, kind, records not read yet, and how old the oldest of them is
  groups describe GROUP   place, end and lag of each partition
  groups reset GROUP --topic T --to PLACE [--partition N]
                          a consumer group reads on from there; it may be new. PLACE: earliest, latest, an offset or a
                          time (the first record that is not older)
  groups delete GROUP     forgets a consumer group

  --json         one JSON object a line
  --server URL   default: TW_SERVER, then http://127.0.0.1:8088
The places of a query belong to its results and move with them; they can be looked at, and not be reset or deleted.
lag_seconds is the age of the oldest record that was not read, by the record's own time.

Examples:
  tradewind groups
  tradewind groups reset billing --topic orders --to earliest
  tradewind groups reset billing --topic orders --to 2026-01-31T12:00:00Z
)";

int list(Remote& remote, bool json) {
  const auto groups = remote.ask("GET", "/v1/groups");
  if (!groups.ok()) return refused(groups.error());
  if (json) {
    print_lines(*groups);
    return 0;
  }
  std::vector<Cells> rows;
  for (const Json& group : groups->elements())
    rows.push_back({shown(group, "group"), shown(group, "kind"), shown(group, "state"),
                    shown(group, "topics"), shown(group, "lag"), shown(group, "lag_seconds")});
  Screen().table({"group", "kind", "state", "topics", "lag", "lag_seconds"}, rows);
  return 0;
}

int show(const Result<Json>& group, bool json) {
  if (!group.ok()) return refused(group.error());
  if (json) {
    print_lines(*group);
    return 0;
  }
  Screen screen;
  screen.line(shown(*group, "kind") + " " + shown(*group, "group") + " " + shown(*group, "state"));
  std::vector<Cells> rows;
  if (const Json* places = group->find("places")) {
    for (const Json& place : places->elements())
      rows.push_back({shown(place, "topic"), shown(place, "partition"), shown(place, "offset"),
                      shown(place, "end"), shown(place, "lag"), shown(place, "lag_seconds")});
  }
  screen.table({"topic", "partition", "offset", "end", "lag", "lag_seconds"}, rows);
  return 0;
}

int reset(Remote& remote, const Arguments& arguments, const std::string& group) {
  if (!arguments.has("--topic") || !arguments.has("--to"))
    return fail("groups reset wants --topic T and --to earliest|latest|OFFSET|TIME; see --help", 2);
  Json body = Json::object();
  body.set("topic", Json::string(arguments.get("--topic")));
  body.set("to", Json::string(arguments.get("--to")));
  if (arguments.has("--partition")) {
    const std::string partition = arguments.get("--partition");
    if (partition.empty() || partition.find_first_not_of("0123456789") != std::string::npos)
      return fail("--partition wants a number, not '" + partition + "'", 2);
    body.set("partition", Json::number(partition));
  }
  return show(remote.ask("PUT", "/v1/groups/" + path_segment(group) + "/offsets", body.dump()),
              arguments.has("--json"));
}

}  // namespace

int groups(const std::vector<std::string>& raw) {
  const auto [arguments, exit, action] = open_verb(raw, kHelp, {}, {"--topic", "--to", "--partition"});
  if (exit) return *exit;
  Remote remote(server_of(arguments));
  const bool json = arguments.has("--json");
  if (action.empty() || (action == "list" && arguments.words.size() == 1)) return list(remote, json);
  if (action != "describe" && action != "reset" && action != "delete")
    return fail("groups cannot '" + action + "'; see --help", 2);
  if (arguments.words.size() != 2) return fail("groups " + action + " wants one GROUP; see --help", 2);
  const std::string& group = arguments.words[1];
  const std::string path = "/v1/groups/" + path_segment(group);
  if (action == "describe") return show(remote.ask("GET", path), json);
  if (action == "reset") return reset(remote, arguments, group);
  const auto gone = remote.ask("DELETE", path);
  if (!gone.ok()) return refused(gone.error());
  if (json)
    print_lines(*gone);
  else
    std::printf("deleted %s\n", group.c_str());
  return 0;
}

}  // namespace tradewind::cli
