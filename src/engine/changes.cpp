// Statements that change what is there: CREATE OR REPLACE, ALTER, PAUSE and RESUME.
#include "engine/engine.h"
#include "sql/check_source.h"
#include "stream/upgrade.h"

namespace tradewind::engine {

// REQUIRES commands_mutex_. The query keeps its id, its places and its state.
Result<Json> Engine::replace(const sql::CreateSource& statement, const sql::Source& old,
                             const std::string& text) {
  sql::SourcePlan plan = TRY(sql::plan_source(statement, catalog(), *this));
  TRY(sql::check_source(plan.source));
  TRY(sql::check_replacement(old, plan));
  plan.source.query_id = old.query_id;
  plan.source.statement = text;
  const std::string& id = plan.source.query_id;
  if (plan.topology) {
    plan.topology->name = id;
    if (plan.topology->sink) {  // its keys stay where they are, also where the topic has got more since
      plan.source.partitions = plan.topology->sink->partitions = old.partitions;
    }
    const auto running = runtime_->topology(id);
    if (running == nullptr) return Error{Code::unavailable, "query " + id + " is not running"};
    TRY(stream::check_upgrade(*running, *plan.topology));
  }
  const int64_t sequence = TRY(record(creation(plan, text, false)));
  if (plan.topology) {
    if (auto replaced = runtime_->replace(*plan.topology); !replaced.ok()) {
      sql::SourcePlan before{.source = old, .topology = *runtime_->topology(id)};
      TRY(record(creation(before, old.statement, false)));
      return replaced.error();
    }
  }
  const std::lock_guard lock(mutex_);
  if (plan.topology) queries_[id] = {id, text, plan.source.name, plan.source.topic, plan.reads};
  Json status = created(plan.source, text, sequence);
  sql::put_source(std::move(plan), catalog_);
  return status;
}

Result<Json> Engine::alter(const sql::Alter& statement, const std::string& text) {
  const std::lock_guard commands(commands_mutex_);
  sql::Source altered = TRY(sql::plan_alter(statement, catalog()));
  const int64_t sequence = TRY(record("alter", text));
  const std::lock_guard lock(mutex_);
  const std::string kind = altered.table ? "table" : "stream";
  catalog_.sources[altered.name] = std::move(altered);
  return current_status(text, kind + "/`" + statement.name + "`/alter",
                        (statement.table ? "Table " : "Stream ") + statement.name + " altered successfully.",
                        "", sequence);
}

Result<std::vector<std::string>> Engine::ids_of(const std::string& query) const {
  std::vector<std::string> ids;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : queries_) {
    if (query.empty() || query == id) ids.push_back(id);
  }
  if (ids.empty() && !query.empty())
    return Error{Code::not_found, "no query is called " + query + "; SHOW QUERIES lists them"};
  return ids;
}

Result<Json> Engine::pause(const sql::Pause& statement, const std::string& text) {
  const std::lock_guard commands(commands_mutex_);
  const std::vector<std::string> ids = TRY(ids_of(statement.query));
  const int64_t sequence = TRY(record(statement.resume ? "resume" : "pause", text));
  for (const std::string& id : ids) TRY(runtime_->pause(id, !statement.resume));
  return current_status(text, "query/`" + statement.query + "`/" + (statement.resume ? "resume" : "pause"),
                        statement.resume ? "Query resumed." : "Query paused.", statement.query, sequence);
}

void Engine::replay_pause(const sql::Pause& pause, Running& running) {
  for (auto& [id, query] : running) {
    if (pause.query.empty() || pause.query == id) query.paused = !pause.resume;
  }
}

}  // namespace tradewind::engine
