// Statements that change something: bound first, then recorded, then done.
#include <algorithm>

#include "engine/engine.h"
#include "engine/record_writer.h"
#include "engine/resolved_text.h"
#include "log/partitioner.h"
#include "schema/serde.h"
#include "sql/check_source.h"
#include "sql/parse.h"

namespace tradewind::engine {
namespace {

log::TopicSpec topic_of(const sql::SourcePlan& plan) {
  if (plan.topology && plan.topology->sink && !plan.topology->sink->topic.empty())
    return stream::topic_of(*plan.topology->sink);
  log::TopicSpec spec{.name = plan.source.topic, .partitions = plan.source.partitions};
  if (plan.source.table) spec.cleanup = log::Cleanup::compact;
  spec.retention = plan.source.retention.value_or(spec.retention);
  return spec;
}

// For replays: what a statement was given when it was recorded stands in it, and nothing has been added
// since.
class RecordedColumns final : public sql::SchemaLookup {
 public:
  // `results`: the partitions that the results of a query go to.
  RecordedColumns(sql::SchemaLookup& topics, std::optional<int32_t> results)
      : topics_(topics), results_(results) {}
  Result<std::vector<Field>> columns(const std::string& topic, bool, schema::SchemaId) override {
    return Error{Code::not_found, "the columns of " + topic + " are not recorded"};
  }
  Result<int32_t> partitions(const std::string& topic) override {
    return results_ ? Result<int32_t>(*results_) : topics_.partitions(topic);
  }

 private:
  sql::SchemaLookup& topics_;
  const std::optional<int32_t> results_;
};

// A topic may have got other partitions since a stream was declared on it, by Kafka's tools: those that are
// there are read. Results stay in those they were begun in, where the rows of their keys lie.
Result<sql::SourcePlan> plan_again(sql::CreateSource statement, const Json& command,
                                   const sql::Catalog& catalog, sql::SchemaLookup& topics) {
  const Json* recorded = command.find("partitions");
  std::optional<int32_t> results;
  if (statement.query && recorded != nullptr) results = static_cast<int32_t>(recorded->integer().value_or(1));
  const auto topic = statement.with.find("KAFKA_TOPIC");
  if (!statement.query && topic != statement.with.end() && topics.partitions(topic->second).ok())
    statement.with.erase("PARTITIONS");
  RecordedColumns lookup(topics, results);
  return sql::plan_source(statement, catalog, lookup);
}

std::string entity_of(const sql::Source& source, const char* action) {
  return (source.table ? "table/`" : "stream/`") + source.name + "`/" + action;
}

std::string created_message(const sql::Source& source) {
  if (!source.query_id.empty()) return "Created query with ID " + source.query_id;
  return std::string(source.table ? "Table" : "Stream") + " created";
}

// White space folded, for telling whether a text has changed.
std::string folded(const std::string& text) {
  std::string out;
  bool blank = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      blank = true;
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    out += c;
  }
  return out;
}

}  // namespace

// Its place among the commands.
Result<int64_t> Engine::record(const Json& command) {
  const std::string text = command.dump();
  const log::RecordView record{.value = text, .time = clock_.now()};
  TRY(producer_->append({kCommandsTopic, 0}, {&record, 1}));
  const std::lock_guard lock(mutex_);
  return next_command_++;
}

Result<int64_t> Engine::record(const std::string& kind, const std::string& statement) {
  Json command = Json::object();
  command.set("kind", Json::string(kind));
  command.set("statement", Json::string(statement));
  return record(command);
}

Json Engine::creation(const sql::SourcePlan& plan, const std::string& text, bool earliest) {
  Json command = Json::object();
  command.set("kind", Json::string("create"));
  command.set("statement",
              Json::string(plan.topology && !plan.source.read_only ? text : resolved_text(plan.source)));
  command.set("listed", Json::string(text));
  command.set("query", Json::string(plan.source.query_id));
  command.set("partitions", Json::number(int64_t{plan.source.partitions}));
  command.set("earliest", Json::boolean(earliest));
  return command;
}

Json Engine::created(const sql::Source& source, const std::string& text, int64_t sequence) {
  return current_status(text, entity_of(source, "create"), created_message(source), source.query_id,
                        sequence);
}

Result<Json> Engine::create(const sql::CreateSource& statement, const std::string& text,
                            const Session& session) {
  const std::lock_guard commands(commands_mutex_);
  const sql::Catalog known = catalog();
  if (const sql::Source* existing = known.find_made(statement.name)) {
    if (statement.if_not_exists) {
      Json warning = Json::object();
      warning.set("@type", Json::string("warning_entity"));
      warning.set("statementText", Json::string(text));
      warning.set("message", Json::string(statement.name + " exists already"));
      warning.set("warnings", Json::array());
      return warning;
    }
    if (statement.or_replace) return replace(statement, *existing, text);
    return Error{
        Code::conflict,
        statement.name + " exists already; DROP it first, or write IF NOT EXISTS or CREATE OR REPLACE"};
  }
  sql::SourcePlan plan = TRY(sql::plan_source(statement, known, *this));
  TRY(sql::check_source(plan.source));
  if (plan.create_topic) TRY(check_writable(plan.source.topic));
  const auto reset = session.find("auto.offset.reset");
  const bool earliest = plan.source.read_only || (reset != session.end() && reset->second == "earliest");
  plan.source.statement = text;
  int64_t sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    sequence = next_command_;
  }
  if (plan.topology) {
    const char* prefix = plan.source.read_only ? "CST_" : plan.source.table ? "CTAS_" : "CSAS_";
    plan.source.query_id = prefix + plan.source.name + "_" + std::to_string(sequence);
    plan.topology->name = plan.source.query_id;
  }
  if (plan.create_topic) {
    auto made = log_.create_topic(topic_of(plan));
    if (!made.ok()) return made.error();
  }
  // Before it runs: a query that ran unrecorded would leave state under an id that the next one gets.
  TRY(record(creation(plan, text, earliest)));
  if (plan.topology) {
    if (auto added = runtime_->add(*plan.topology, earliest); !added.ok()) {
      TRY(record("drop", std::string("DROP ") + (plan.source.table ? "TABLE `" : "STREAM `") +
                             plan.source.name + "`;"));
      return added.error();
    }
  }
  const std::lock_guard lock(mutex_);
  if (plan.topology) {
    queries_[plan.source.query_id] = {plan.source.query_id, text, plan.source.name, plan.source.topic,
                                      plan.reads};
  }
  Json status = created(plan.source, text, sequence);
  sql::put_source(std::move(plan), catalog_);
  return status;
}

// conflict when a query reads or feeds the source, beside the one that is its own.
Result<> Engine::check_unused(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : queries_) {
    const bool read = std::find(row.reads.begin(), row.reads.end(), name) != row.reads.end();
    if (!read && !(row.inserts && row.sink == name)) continue;
    return Error{Code::conflict, name + (read ? " is read by " : " is fed by ") + id + "; " +
                                     (row.inserts ? "TERMINATE " + id : "DROP " + row.sink) + " first"};
  }
  return {};
}

Result<Json> Engine::drop(const sql::Drop& statement, const std::string& text) {
  const std::lock_guard commands(commands_mutex_);
  const sql::Catalog known = catalog();
  if (statement.what == sql::Drop::What::type && !known.types.contains(statement.name) &&
      !statement.if_exists) {
    return Error{Code::not_found, "no type is called " + statement.name};
  }
  const sql::Source* source = known.find_made(statement.name);
  const bool table = statement.what == sql::Drop::What::table;
  if (statement.what != sql::Drop::What::type) {
    if (source == nullptr) {
      if (statement.if_exists)
        return current_status(text, "stream/`" + statement.name + "`/drop", "nothing to drop", "", -1);
      if (known.find(statement.name) != nullptr)
        return Error{Code::invalid, statement.name + " belongs to its table and goes with it"};
      return Error{Code::not_found, "no stream or table is called " + statement.name};
    }
    if (source->table != table) {
      return Error{Code::invalid,
                   statement.name + " is a " +
                       (source->table ? "table: write DROP TABLE" : "stream: write DROP STREAM")};
    }
    if (source->read_only && statement.delete_topic) {
      return Error{Code::invalid, statement.name + " is read-only; DROP it without DELETE TOPIC"};
    }
    TRY(check_unused(statement.name));
    TRY(check_unused(statement.name + "_LATE"));
  }
  const int64_t sequence = TRY(record("drop", text));
  if (statement.what == sql::Drop::What::type) {
    const std::lock_guard lock(mutex_);
    catalog_.types.erase(statement.name);
  } else if (source != nullptr) {
    {
      const std::lock_guard lock(mutex_);
      queries_.erase(source->query_id);
      sql::drop_source(statement.name, catalog_);
    }
    if (!source->query_id.empty()) TRY(runtime_->remove(source->query_id));
    if (statement.delete_topic) TRY(log_.delete_topic(source->topic));
  }
  return current_status(text, (table ? "table/`" : "stream/`") + statement.name + "`/drop",
                        "Source `" + statement.name + "` was dropped.", "", sequence);
}

Result<Json> Engine::terminate(const sql::Terminate& statement, const std::string& text) {
  const std::lock_guard commands(commands_mutex_);
  const std::vector<std::string> ids = TRY(ids_of(statement.query));
  const int64_t sequence = TRY(record("terminate", text));
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& id : ids) {
      queries_.erase(id);
      for (auto& [name, source] : catalog_.sources) {
        if (source.query_id == id) source.query_id.clear();
      }
    }
  }
  for (const std::string& id : ids) TRY(runtime_->remove(id));
  return current_status(text, "terminate/`" + statement.query + "`/execute", "Query terminated.",
                        statement.query, sequence);
}

Result<Json> Engine::create_type(const sql::CreateType& statement, const std::string& text) {
  const std::lock_guard commands(commands_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (catalog_.types.contains(statement.name)) {
      if (statement.if_not_exists)
        return current_status(text, "type/`" + statement.name + "`/create", "it exists", "", -1);
      return Error{Code::conflict, "type " + statement.name + " exists already"};
    }
  }
  const int64_t sequence = TRY(record("type", text));
  const std::lock_guard lock(mutex_);
  catalog_.types[statement.name] = statement.type;
  return current_status(text, "type/`" + statement.name + "`/create", "Registered type " + statement.name, "",
                        sequence);
}

Result<Json> Engine::insert(const sql::InsertValues& statement) {
  const sql::Catalog known = catalog();
  const sql::InsertPlan plan = TRY(
      sql::plan_insert(statement, known, {clock_.now().ms, static_cast<uint64_t>(clock_.monotonic_ns())}));
  const sql::Source& target = *known.find(plan.target);
  TRY(check_writable(target.topic));
  log::RecordView record{.time = plan.time_ms ? Timestamp{*plan.time_ms} : clock_.now()};
  schema::Encoded encoded[2];
  for (const bool key : {true, false}) {
    const schema::SerdeSpec spec = sql::serde_spec(target, key);
    std::vector<ColumnPtr> columns;
    bool null_key = true;
    for (size_t i = 0; i < target.columns.size(); ++i) {
      if (target.columns[i].key != key || target.columns[i].headers) continue;
      columns.push_back(constant_column(target.columns[i].type, plan.values[i], 1));
      null_key = null_key && plan.values[i].is_null();
    }
    if (columns.empty() || spec.format == schema::Format::none || (key && null_key)) continue;
    auto encoder = TRY(schema::make_encoder(spec, &registry_));
    TRY(encoder->encode(columns, 1, encoded[key ? 0 : 1]));
    (key ? record.key : record.value) = encoded[key ? 0 : 1][0];
  }
  const int32_t partition = record.key ? log::partition_of(*record.key, target.partitions)
                                       : static_cast<int32_t>(record.time.ms % target.partitions);
  TRY(producer_->append({target.topic, partition}, {&record, 1}));
  return Json();
}

Result<Json> Engine::insert_query(const sql::InsertSelect& statement, const std::string& text,
                                  const Session& session) {
  const std::lock_guard commands(commands_mutex_);
  const sql::Catalog known = catalog();
  sql::InsertQueryPlan plan = TRY(sql::plan_insert_query(statement, known));
  TRY(check_writable(known.find(plan.target)->topic));
  std::string id = plan.query_id;
  int64_t sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    sequence = next_command_;
    if (id.empty()) id = "INSERTQUERY_" + std::to_string(sequence);
    if (queries_.contains(id))
      return Error{Code::conflict, "a query " + id + " runs already; give another QUERY_ID"};
  }
  const auto reset = session.find("auto.offset.reset");
  const bool earliest = reset != session.end() && reset->second == "earliest";
  plan.topology.name = id;
  Json command = Json::object();
  command.set("kind", Json::string("insert"));
  command.set("statement", Json::string(text));
  command.set("query", Json::string(id));
  command.set("earliest", Json::boolean(earliest));
  TRY(record(command));
  if (auto added = runtime_->add(plan.topology, earliest); !added.ok()) {
    TRY(record("terminate", "TERMINATE `" + id + "`;"));
    return added.error();
  }
  const std::lock_guard lock(mutex_);
  queries_[id] = {id, text, plan.target, catalog_.sources[plan.target].topic, plan.reads, true};
  return current_status(text, "stream/`" + plan.target + "`/create", "Created query with ID " + id, id,
                        sequence);
}

Result<> Engine::replay_insert(const Json& command, const sql::InsertSelect& statement, Running& running) {
  sql::InsertQueryPlan plan = TRY(sql::plan_insert_query(statement, catalog_));
  const std::string id = command.string_at("query").value_or("");
  const Json* earliest = command.find("earliest");
  plan.topology.name = id;
  running[id] = {plan.topology, earliest != nullptr && earliest->truth()};
  queries_[id] = {id,          command.string_at("statement").value_or(""),
                  plan.target, catalog_.sources[plan.target].topic,
                  plan.reads,  true};
  return {};
}

Result<> Engine::replay() {
  const auto bounds = TRY(log_.bounds({kCommandsTopic, 0}, log::Visibility::durable));
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  TRY(consumer->assign({kCommandsTopic, 0}, bounds.begin));
  Running running;
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    for (const log::FetchedBatch& batch : TRY(consumer->poll(Duration(1000), 1000))) {
      for (const log::RecordView& record : batch.records) {
        const Json command = TRY(parse_json(record.value.value_or("{}")));
        auto done = replay_one(command, running);
        if (!done.ok()) return done.error().within("replaying command " + std::to_string(record.offset));
        ++next_command_;
      }
      next = batch.next;
    }
  }
  for (auto& [id, query] : running) {
    TRY(runtime_->add(std::move(query.topology), query.earliest, query.paused));
  }
  return {};
}

Result<> Engine::replay_one(const Json& command, Running& running) {
  const std::string text = command.string_at("statement").value_or("");
  const auto statements = TRY(sql::parse(text, {}, catalog_.types));
  if (statements.size() != 1) return Error{Code::corrupt, "a command is not one statement"};
  const sql::Statement& statement = statements[0];
  if (const auto* create = std::get_if<sql::CreateSource>(&statement.is)) {
    sql::SourcePlan plan = TRY(plan_again(*create, command, catalog_, *this));
    plan.source.statement = command.string_at("listed").value_or(text);
    plan.source.query_id = command.string_at("query").value_or("");
    if (plan.topology) {
      plan.topology->name = plan.source.query_id;
      const Json* earliest = command.find("earliest");
      const auto before = running.find(plan.source.query_id);  // replaced: it stays where it is
      if (before != running.end())
        before->second.topology = *plan.topology;
      else
        running[plan.source.query_id] = {*plan.topology, earliest != nullptr && earliest->truth()};
      queries_[plan.source.query_id] = {plan.source.query_id, plan.source.statement, plan.source.name,
                                        plan.source.topic, plan.reads};
    }
    outcomes_[entity_of(plan.source, "create")] = {created_message(plan.source), plan.source.query_id};
    sql::put_source(std::move(plan), catalog_);
  } else if (const auto* insert = std::get_if<sql::InsertSelect>(&statement.is)) {
    return replay_insert(command, *insert, running);
  } else if (const auto* paused = std::get_if<sql::Pause>(&statement.is)) {
    replay_pause(*paused, running);
  } else if (const auto* altered = std::get_if<sql::Alter>(&statement.is)) {
    catalog_.sources[altered->name] = TRY(sql::plan_alter(*altered, catalog_));
  } else if (const auto* type = std::get_if<sql::CreateType>(&statement.is)) {
    catalog_.types[type->name] = type->type;
  } else if (const auto* drop = std::get_if<sql::Drop>(&statement.is)) {
    if (drop->what == sql::Drop::What::type) catalog_.types.erase(drop->name);
    if (const sql::Source* source = catalog_.find(drop->name)) {
      running.erase(source->query_id);
      queries_.erase(source->query_id);
      sql::drop_source(drop->name, catalog_);
    }
  } else if (const auto* terminate = std::get_if<sql::Terminate>(&statement.is)) {
    std::vector<std::string> ended;
    for (const auto& [id, row] : queries_) {
      if (terminate->query.empty() || terminate->query == id) ended.push_back(id);
    }
    for (const std::string& id : ended) {
      running.erase(id);
      queries_.erase(id);
      for (auto& [name, source] : catalog_.sources) {
        if (source.query_id == id) source.query_id.clear();
      }
    }
  }
  return {};
}

// Whether this INSERT INTO ... SELECT is one of the queries.
bool Engine::runs(const sql::Statement& statement) const {
  if (!std::holds_alternative<sql::InsertSelect>(statement.is)) return false;
  const std::lock_guard lock(mutex_);
  return std::any_of(queries_.begin(), queries_.end(), [&](const auto& entry) {
    return entry.second.inserts && folded(entry.second.statement) == folded(statement.text);
  });
}

Result<> Engine::run_files(const std::map<std::string, std::string>& files, std::vector<std::string>& notes) {
  struct Waiting {
    std::string file;
    sql::Statement statement;
  };
  std::vector<Waiting> waiting;
  for (const auto& [file, text] : files) {
    auto statements = parse(text, {});
    if (!statements.ok()) return statements.error().within(file);
    for (sql::Statement& statement : *statements) waiting.push_back({file, std::move(statement)});
  }
  Session session = {{"auto.offset.reset", "earliest"}};
  const Together together(*this);
  while (!waiting.empty()) {  // files may build on each other in any order: what fails now may work after the
                              // others
    std::vector<Waiting> left;
    std::optional<Error> failed;
    for (Waiting& next : waiting) {
      const auto* create = std::get_if<sql::CreateSource>(&next.statement.is);
      const sql::Catalog known = catalog();
      const sql::Source* existing = create == nullptr ? nullptr : known.find(create->name);
      if (existing != nullptr) {
        if (folded(existing->statement) != folded(next.statement.text)) {
          notes.push_back(next.file + ": " + create->name +
                          " runs with another text; the running one stays. DROP it to change it");
        }
        continue;
      }
      if (runs(next.statement)) continue;
      auto done = execute(next.statement, session);
      if (done.ok()) continue;
      if (!failed) failed = done.error().within(next.file);
      left.push_back(std::move(next));
    }
    if (left.size() == waiting.size()) return *failed;
    waiting = std::move(left);
  }
  return {};
}

}  // namespace tradewind::engine
