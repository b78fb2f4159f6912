#include "engine/engine.h"

#include "schema/serde.h"
#include "sql/parse.h"

namespace tradewind::engine {

Engine::Engine(log::Log& log, schema::Registry& registry, Clock& clock, stream::RuntimeOptions options)
    : log_(log),
      registry_(registry),
      clock_(clock),
      runtime_(stream::make_runtime(log, registry, clock, options)) {}

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

Result<std::vector<Field>> Engine::columns(const std::string& topic, bool key) {
  const std::string subject = topic + (key ? "-key" : "-value");
  const auto schema = registry_.latest(subject);
  if (!schema.ok()) {
    return Error{schema.error().code,
                 "no schema is registered as " + subject + ", so the columns must be declared"};
  }
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
      return create(known, statement.text, session);
    else if constexpr (std::is_same_v<T, sql::Drop>)
      return drop(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::Terminate>)
      return terminate(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::CreateType>)
      return create_type(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::InsertValues>)
      return insert(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::Show>)
      return show(known, statement.text, session);
    else if constexpr (std::is_same_v<T, sql::Describe>)
      return describe(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::Explain>)
      return explain(known, statement.text);
    else if constexpr (std::is_same_v<T, sql::SetProperty>) {
      if (known.value)
        session[known.name] = *known.value;
      else
        session.erase(known.name);
      return current_status(statement.text, "property/`" + known.name + "`/set",
                            known.name + " is set for this request", "", -1);
    } else if constexpr (std::is_same_v<T, sql::Define>) {
      return current_status(statement.text, "variable/`" + known.name + "`/define", known.name + " is known",
                            "", -1);
    } else if constexpr (std::is_same_v<T, sql::Unsupported>) {
      return Error{Code::unsupported, sql::at(statement.place, known.what + " is not offered yet")};
    } else if constexpr (std::is_same_v<T, sql::InsertSelect>) {
      return insert_query(known, statement.text, session);
    } else {
      return Error{Code::invalid,
                   sql::at(statement.place, "a SELECT belongs to /query, /query-stream or the shell")};
    }
  };
  return std::visit(run, statement.is);
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
