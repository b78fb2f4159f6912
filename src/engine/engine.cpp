#include "engine/engine.h"

#include "engine/push_queries.h"
#include "schema/serde.h"
#include "sql/parse.h"

namespace tradewind::engine {
namespace {

constexpr size_t kMostOutcomes = 10'000;

}  // namespace

Engine::Engine(log::Log& log, schema::Registry& registry, Clock& clock, stream::RuntimeOptions options)
    : log_(log),
      registry_(registry),
      clock_(clock),
      runtime_(stream::make_runtime(log, registry, clock, options)),
      pushes_(std::make_unique<PushQueries>()) {}

Engine::~Engine() = default;

Result<> Engine::start() {
  auto made = log_.create_topic({.name = kCommandsTopic, .partitions = 1, .retention = Duration(-1)});
  if (!made.ok()) return made;
  producer_ = TRY(log_.producer({}));
  TRY(replay());
  return runtime_->start();
}

void Engine::stop() {
  runtime_->stop();
}

sql::Catalog Engine::catalog() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

Result<std::vector<Field>> Engine::columns(const std::string& topic, bool key, schema::SchemaId id) {
  const std::string subject = topic + (key ? "-key" : "-value");
  auto schema = id == 0 ? registry_.latest(subject) : registry_.by_id(id);
  if (!schema.ok()) {
    if (schema.error().code != Code::not_found) return schema.error();
    return Error{Code::not_found,
                 id == 0 ? "no schema is registered as " + subject + ", so the columns must be declared"
                         : "no schema has the id " + std::to_string(id)};
  }
  schema->subject = subject;
  return schema::columns_of(*schema);
}

Result<int32_t> Engine::partitions(const std::string& topic) {
  return TRY(log_.topic(topic)).partitions;
}

Result<std::vector<sql::Statement>> Engine::parse(const std::string& text,
                                                  const std::map<std::string, std::string>& variables) const {
  return sql::parse(text, variables, catalog().types);
}

Result<Json> Engine::execute(const sql::Statement& statement, Session& session) {
  const auto run = [&](const auto& known) -> Result<Json> {
    using T = std::remove_cvref_t<decltype(known)>;
    if constexpr (std::is_same_v<T, sql::CreateSource>)
      return done(TRY(create(known, statement.text, session)));
    else if constexpr (std::is_same_v<T, sql::Drop>)
      return done(TRY(drop(known, statement.text)));
    else if constexpr (std::is_same_v<T, sql::Terminate>)
      return done(TRY(terminate(known, statement.text)));
    else if constexpr (std::is_same_v<T, sql::Pause>)
      return done(TRY(pause(known, statement.text)));
    else if constexpr (std::is_same_v<T, sql::Alter>)
      return done(TRY(alter(known, statement.text)));
    else if constexpr (std::is_same_v<T, sql::CreateType>)
      return done(TRY(create_type(known, statement.text)));
    else if constexpr (std::is_same_v<T, sql::InsertValues>)
      return insert(known);
    else if constexpr (std::is_same_v<T, sql::Show>)
      return show(known, statement.text, session);
    else if constexpr (std::is_same_v<T, sql::Describe>)
      return describe(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::Explain>)
      return explain(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::Assert>)
      return assertion(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::SetProperty>) {
      if (known.value)
        session[known.name] = *known.value;
      else
        session.erase(known.name);
      return Json();
    } else if constexpr (std::is_same_v<T, sql::Define>) {
      if (known.value)
        session["${" + known.name + "}"] = *known.value;
      else
        session.erase("${" + known.name + "}");
      return Json();
    } else if constexpr (std::is_same_v<T, sql::Unsupported>) {
      return Error{Code::unsupported, sql::at(statement.place, known.what + " is not offered yet")};
    } else if constexpr (std::is_same_v<T, sql::AssertValues> || std::is_same_v<T, sql::AssertSource>) {
      return Error{Code::invalid,
                   sql::at(statement.place, "this ASSERT is for tests; tradewind test-runner knows it")};
    } else if constexpr (std::is_same_v<T, sql::InsertSelect>) {
      return done(TRY(insert_query(known, statement.text, session)));
    } else {
      return Error{Code::invalid,
                   sql::at(statement.place, "SELECT and PRINT belong to /query, /query-stream or the shell")};
    }
  };
  return std::visit(run, statement.is);
}

Json Engine::done(Json status) {
  const std::string id = status.string_at("commandId").value_or("");
  const Json* said = status.find("commandStatus");
  if (id.empty() || said == nullptr) return status;
  const std::lock_guard lock(mutex_);
  outcomes_[id] = {said->string_at("message").value_or(""), said->string_at("queryId").value_or("")};
  if (outcomes_.size() > kMostOutcomes) outcomes_.erase(outcomes_.begin());
  applied_.notify_all();
  return status;
}

std::map<std::string, Outcome> Engine::outcomes() const {
  const std::lock_guard lock(mutex_);
  return outcomes_;
}

Result<> Engine::wait_for_command(int64_t sequence, Duration wait) {
  std::unique_lock lock(mutex_);
  if (applied_.wait_for(lock, wait, [&] { return next_command_ > sequence; })) return {};
  return Error{Code::unavailable, "command " + std::to_string(sequence) +
                                      " has not been carried out within " + std::to_string(wait.count()) +
                                      " ms"};
}

Json current_status(const std::string& text, const std::string& entity, const std::string& message,
                    const std::string& query_id, int64_t sequence) {
  Json status = Json::object();
  status.set("status", Json::string("SUCCESS"));
  status.set("message", Json::string(message));
  status.set("queryId", query_id.empty() ? Json() : Json::string(query_id));
  Json made = Json::object();
  made.set("@type", Json::string("currentStatus"));
  made.set("statementText", Json::string(text));
  made.set("commandId", Json::string(entity));
  made.set("commandStatus", std::move(status));
  made.set("commandSequenceNumber", Json::number(sequence));
  made.set("warnings", Json::array());
  return made;
}

}  // namespace tradewind::engine
