// Groups: who reads topics, and how far: consumers that keep their places in the log, and queries.
#include <algorithm>

#include "engine/record_writer.h"
#include "server/routes/places.h"
#include "server/routes/topics.h"
#include "server/server.h"
#include "stream/runtime.h"

namespace tradewind::server {
namespace {

enum class Kind {
  consumer,
  query,
  mirror  // the places of all queries, as tools of Kafka's find them
};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::consumer: return "consumer";
    case Kind::query: return "query";
    case Kind::mirror: return "mirror";
  }
  return "";
}

struct Group {
  std::string name;
  Kind kind = Kind::consumer;
  std::string state;  // of a query: RUNNING, PAUSED, ERROR
  log::Offsets places;
};

net::Response answer_of(const Result<std::string>& body) {
  if (!body.ok()) return error_answer(status_of(body.error().code), body.error().message);
  net::Response response;
  response.body = *body;
  return response;
}

class Groups {
 public:
  Groups(log::WatchedLog& log, engine::Engine& engine, Clock& clock)
      : log_(log), engine_(engine), clock_(clock) {}

  Result<std::string> list() {
    std::string body = "[";
    for (const Group& group : TRY(all())) {
      body += body.size() > 1 ? "," : "";
      TRY(append(group, false, body));
    }
    return body + "]";
  }

  Result<std::string> describe(const std::string& name) {
    std::string body;
    TRY(append(TRY(find(name)), true, body));
    return body;
  }

  // {"topic": …, "to": earliest|latest|OFFSET|TIME, "partition": N} or {"offsets": [{"topic", "partition",
  // "offset"}, …]}
  Result<std::string> set(const std::string& name, const std::string& text) {
    const auto known = find(name);
    if (known.ok() && known->kind == Kind::query) {
      return Error{Code::invalid, name + " is a query: its places move with its results and cannot be set; " +
                                      "DROP it and create it again to have it read anew"};
    }
    if (name.empty() || engine::is_internal(name) || is_runtime(name))
      return Error{Code::invalid, "the platform itself uses '" + name + "'; choose another name for a group"};
    const Json body = TRY(parse_json(text));
    const Json* listed = body.find("offsets");
    TRY(log_.admin().set_group_offsets(name,
                                       TRY(listed != nullptr ? listed_places(*listed) : named_places(body))));
    return describe(name);
  }

  Result<std::string> remove(const std::string& name) {
    const Group group = TRY(find(name));
    if (group.kind == Kind::query)
      return Error{Code::invalid, name + " is a query; DROP or TERMINATE ends it"};
    if (group.kind == Kind::mirror)
      return Error{Code::invalid, name + " mirrors the places of the platform's queries; it stays"};
    TRY(log_.admin().delete_group(name));
    return "{\"deleted\":" + Json::string(name).dump() + "}";
  }

 private:
  // The places of all queries together, which the runtime keeps beside those of each.
  bool is_runtime(const std::string& name) { return log_.topic(stream::state_topic(name)).ok(); }

  Result<std::vector<Group>> all() {
    std::vector<Group> groups;
    for (const std::string& name : TRY(log_.admin().groups())) {
      if (!is_runtime(name)) groups.push_back({.name = name, .places = TRY(log_.group_offsets(name))});
    }
    for (const stream::QueryStatus& query : engine_.status()) {
      const char* state = !query.running ? "ERROR" : query.paused ? "PAUSED" : "RUNNING";
      groups.push_back({query.name, Kind::query, state, query.positions});
    }
    return groups;
  }

  Result<Group> find(const std::string& name) {
    for (Group& group : TRY(all())) {
      if (group.name == name) return std::move(group);
    }
    if (is_runtime(name))
      return Group{.name = name, .kind = Kind::mirror, .places = TRY(log_.group_offsets(name))};
    return Error{Code::not_found, "no group is called " + name + "; `tradewind groups` lists them"};
  }

  Result<log::Offsets> named_places(const Json& body) {
    const auto topic = body.string_at("topic");
    const Json* to = body.find("to");
    if (!topic || to == nullptr || (!to->is(Json::Kind::string) && !to->is(Json::Kind::number)))
      return Error{Code::invalid, "a `topic` and where `to` go in it are needed"};
    const auto spec = log_.topic(*topic);
    if (!spec.ok()) return spec.error();
    std::optional<int32_t> partition;
    if (const Json* one = body.find("partition")) partition = TRY(partition_from(one->dump(), *spec));
    return places_of(log_, *spec, partition, to->text());
  }

  static Result<log::Offsets> listed_places(const Json& list) {
    log::Offsets places;
    if (!list.is(Json::Kind::array)) return Error{Code::invalid, "offsets is a list"};
    for (const Json& place : list.elements()) {
      const auto topic = place.string_at("topic");
      const Json* partition = place.find("partition");
      const Json* offset = place.find("offset");
      if (!topic || partition == nullptr || offset == nullptr || !partition->integer() || !offset->integer())
        return Error{Code::invalid, "a place has a topic, a partition and an offset"};
      places[{*topic, static_cast<int32_t>(*partition->integer())}] = *offset->integer();
    }
    return places;
  }

  // How long ago the first record that was not read says it happened; 0: all is read.
  Result<int64_t> lag_ms(const log::Position& position, log::Offset next) {
    auto consumer = TRY(log_.consumer(log::Visibility::durable));
    TRY(consumer->assign(position, next));
    while (true) {
      const auto batches = TRY(consumer->poll(Duration(0), 1));
      if (batches.empty()) return int64_t{0};
      if (batches[0].records.empty()) continue;  // there was nothing but a transaction's mark
      return std::max<int64_t>(0, clock_.now().ms - batches[0].records[0].time.ms);
    }
  }

  Result<> append(const Group& group, bool places_too, std::string& out) {
    std::string places;
    int64_t records = 0;
    int64_t longest_ms = 0;
    std::vector<std::string> topics;
    for (const auto& [position, next] : group.places) {
      const auto bounds = log_.bounds(position, log::Visibility::durable);
      if (!bounds.ok()) continue;  // its topic is gone
      if (topics.empty() || topics.back() != position.topic) topics.push_back(position.topic);
      const int64_t lag = std::max<int64_t>(0, bounds->end - std::max(next, bounds->begin));
      const int64_t ms = lag == 0 ? 0 : TRY(lag_ms(position, next));
      records += lag;
      longest_ms = std::max(longest_ms, ms);
      places += places.empty() ? "{\"topic\":" : ",{\"topic\":";
      append_json_string(places, position.topic);
      places += ",\"partition\":" + std::to_string(position.partition) +
                ",\"offset\":" + std::to_string(next) + ",\"begin\":" + std::to_string(bounds->begin) +
                ",\"end\":" + std::to_string(bounds->end) + ",\"lag\":" + std::to_string(lag) +
                ",\"lag_seconds\":" + seconds(ms) + "}";
    }
    out += "{\"group\":";
    append_json_string(out, group.name);
    out += std::string(",\"kind\":\"") + name_of(group.kind) + "\"";
    if (group.kind == Kind::query) out += ",\"state\":\"" + group.state + "\"";
    out += ",\"topics\":[";
    for (size_t i = 0; i < topics.size(); ++i) {
      out += i == 0 ? "" : ",";
      append_json_string(out, topics[i]);
    }
    out += "],\"lag\":" + std::to_string(records) + ",\"lag_seconds\":" + seconds(longest_ms);
    if (places_too) out += ",\"places\":[" + places + "]";
    out += "}";
    return {};
  }

  static std::string seconds(int64_t ms) {
    char text[32];
    std::snprintf(text, sizeof text, "%lld.%03d", static_cast<long long>(ms / 1000),
                  static_cast<int>(ms % 1000));
    return text;
  }

  log::WatchedLog& log_;
  engine::Engine& engine_;
  Clock& clock_;
};

}  // namespace

void declare_group_routes(net::HttpServer& http, log::WatchedLog& log, engine::Engine& engine, Clock& clock) {
  using net::Request;
  const auto groups = std::make_shared<Groups>(log, engine, clock);
  http.route("GET", "/v1/groups", [groups](const Request&) { return answer_of(groups->list()); });
  http.route("GET", "/v1/groups/{group}",
             [groups](const Request& r) { return answer_of(groups->describe(r.captures.at("group"))); });
  http.route("PUT", "/v1/groups/{group}/offsets",
             [groups](const Request& r) { return answer_of(groups->set(r.captures.at("group"), r.body)); });
  http.route("DELETE", "/v1/groups/{group}",
             [groups](const Request& r) { return answer_of(groups->remove(r.captures.at("group"))); });
}

}  // namespace tradewind::server
