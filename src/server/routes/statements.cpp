// /ksql and what belongs to it: statements, their statuses, properties.
#include <algorithm>
#include <charconv>

#include "server/auth.h"
#include "server/routes/rest.h"
#include "sql/parse.h"

namespace tradewind::server {
namespace {

constexpr int64_t kCommandWaitMs = 5000;

int64_t number_of(const std::string& text, int64_t otherwise) {
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

void read_members(const Json& body, const char* name, const std::function<void(const Json::Member&)>& take) {
  const Json* members = body.find(name);
  if (members == nullptr || !members->is(Json::Kind::object)) return;
  for (const Json::Member& member : members->members()) take(member);
}

std::string value_of(const Json& value) {
  const bool text_like = value.is(Json::Kind::string) || value.is(Json::Kind::number);
  return text_like ? value.text() : value.dump();
}

Json status_json(const engine::Outcome& outcome) {
  Json made = Json::object();
  made.set("status", Json::string("SUCCESS"));
  made.set("message", Json::string(outcome.message));
  made.set("queryId", outcome.query_id.empty() ? Json() : Json::string(outcome.query_id));
  return made;
}

bool of_query_endpoint(const sql::Statement& statement) {
  return std::holds_alternative<sql::Select>(statement.is) ||
         std::holds_alternative<sql::Print>(statement.is);
}

}  // namespace

int code_of(Code code) {
  switch (code) {
    case Code::invalid:
    case Code::conflict:
    case Code::not_found:
    case Code::unsupported: return 40001;
    case Code::unavailable: return 50300;
    default: return 50000;
  }
}

Result<Asked> read_asked(const std::string& text) {
  const Json body = TRY(parse_json(text));
  if (!body.is(Json::Kind::object)) return Error{Code::invalid, "the body is no JSON object"};
  Asked asked;
  auto statements = body.string_at("ksql");
  if (!statements) statements = body.string_at("sql");
  if (!statements)
    return Error{Code::invalid, "the body has no \"ksql\" (or \"sql\") with the statement's text"};
  asked.text = *statements;
  for (const char* name : {"streamsProperties", "properties"}) {
    read_members(body, name, [&](const Json::Member& m) { asked.session[m.name] = value_of(m.value); });
  }
  read_members(body, "sessionVariables", [&](const Json::Member& member) {
    asked.variables[upper(member.name)] = value_of(member.value);
    asked.session["${" + upper(member.name) + "}"] = value_of(member.value);
  });
  if (const Json* after = body.find("commandSequenceNumber"); after != nullptr && !after->is_null()) {
    asked.after = after->integer();
    if (!asked.after) return Error{Code::invalid, "commandSequenceNumber is a whole number"};
  }
  if (const auto reset = asked.session.find("ksql.streams.auto.offset.reset"); reset != asked.session.end())
    asked.session["auto.offset.reset"] = reset->second;
  return asked;
}

net::Response Rest::answer(const Refusal& refusal, const Json& entities) {
  const bool of_statement = !refusal.statement.empty();
  Json body = Json::object();
  body.set("@type", Json::string(of_statement ? "statement_error" : "generic_error"));
  body.set("error_code", Json::number(int64_t{refusal.code}));
  body.set("message", Json::string(refusal.message));
  if (of_statement) {
    body.set("statementText", Json::string(refusal.statement));
    body.set("entities", entities);
  }
  net::Response response;
  response.status = refusal.status;
  response.body = body.dump();
  if (refusal.status == 503) response.headers["Retry-After"] = "1";
  return response;
}

// What must be there before anything is asked: the engine, and the command the client waits for.
std::optional<Rest::Refusal> Rest::not_yet(const Asked& asked) {
  if (const auto reason = starting_()) return Refusal{503, 50302, "the server is starting: " + *reason, ""};
  if (!asked.after || *asked.after < 0) return std::nullopt;
  const auto wait = asked.session.find("tradewind.command.wait.ms");
  const int64_t wait_ms =
      wait == asked.session.end() ? kCommandWaitMs : number_of(wait->second, kCommandWaitMs);
  const auto applied = engine_.wait_for_command(*asked.after, Duration(std::min<int64_t>(wait_ms, 60'000)));
  if (applied.ok()) return std::nullopt;
  return Refusal{503, 50301, applied.error().message, ""};
}

namespace {

bool changes_something(const sql::Statement& statement) {
  return !std::holds_alternative<sql::Show>(statement.is) &&
         !std::holds_alternative<sql::Describe>(statement.is) &&
         !std::holds_alternative<sql::Explain>(statement.is) &&
         !std::holds_alternative<sql::SetProperty>(statement.is) &&
         !std::holds_alternative<sql::Define>(statement.is);
}

}  // namespace

net::Response Rest::ksql(const net::Request& request) {
  auto asked = read_asked(request.body);
  if (!asked.ok()) return answer(Refusal{.message = asked.error().message}, Json::array());
  if (const auto refusal = not_yet(*asked)) return answer(*refusal, Json::array());
  Json entities = Json::array();
  const auto refuse = [&](const Error& error, const std::string& statement, bool asserted) {
    const int code = asserted ? 41700 : code_of(error.code);
    return answer(Refusal{code / 100, code, error.message, statement}, entities);
  };
  const auto statements = engine_.parse(asked->text, asked->variables);
  if (!statements.ok()) return refuse(statements.error(), asked->text, false);
  for (const sql::Statement& statement : *statements) {
    if (!of_query_endpoint(statement)) continue;
    return answer(Refusal{400, 40002, "SELECT and PRINT belong to /query or /query-stream", statement.text},
                  entities);
  }
  if ((request.rights & kMayChange) == 0) {
    const auto changes = std::ranges::find_if(*statements, changes_something);
    if (changes != statements->end()) {
      const std::string why = "key " + request.caller + " may read, and not change anything";
      return answer(Refusal{403, 40300, why, changes->text}, entities);
    }
  }
  size_t failed = 0;
  const auto sound = engine_.check(*statements, failed);
  if (!sound.ok()) return refuse(sound.error(), (*statements)[failed].text, false);
  const engine::Engine::Together together(engine_);
  for (const sql::Statement& statement : *statements) {
    const auto entity = engine_.execute(statement, asked->session);
    if (!entity.ok()) {
      const bool asserted = std::holds_alternative<sql::Assert>(statement.is);
      return refuse(entity.error(), statement.text, asserted);
    }
    if (!entity->is_null()) entities.push(*entity);
  }
  net::Response response;
  response.content_type = kKsqlType;
  response.body = entities.dump();
  return response;
}

// The id as it stands in answers has its entity in back-quotes; clients leave them out, too.
net::Response Rest::status(const net::Request& request) const {
  const auto& parts = request.captures;
  const auto known = engine_.outcomes();
  std::string entity = parts.at("entity");
  if (!entity.starts_with('`')) entity = "`" + entity + "`";
  const auto found = known.find(parts.at("type") + "/" + entity + "/" + parts.at("action"));
  if (found == known.end())
    return answer(Refusal{404, 40400, "no command is called " + request.path.substr(8), ""}, Json::array());
  net::Response response;
  response.content_type = kKsqlType;
  response.body = status_json(found->second).dump();
  return response;
}

net::Response Rest::statuses() const {
  Json list = Json::object();
  for (const auto& [id, outcome] : engine_.outcomes()) list.set(id, Json::string("SUCCESS"));
  Json body = Json::object();
  body.set("commandStatuses", std::move(list));
  net::Response response;
  response.content_type = kKsqlType;
  response.body = body.dump();
  return response;
}

net::Response Rest::valid_property(const net::Request& request) const {
  const std::string& name = request.captures.at("name");
  if (!engine::is_property(name)) {
    return answer(Refusal{400, 40000, "no property is called '" + name + "'; SHOW PROPERTIES lists them", ""},
                  Json::array());
  }
  net::Response response;
  response.body = "true";
  return response;
}

}  // namespace tradewind::server
