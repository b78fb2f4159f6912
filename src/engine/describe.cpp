// Statements that only look: answers as entities of ksqlDB's /ksql.
#include <algorithm>

#include "engine/engine.h"
#include "expr/aggregate.h"
#include "expr/function.h"
#include "schema/serde.h"
#include "sql/parse.h"
#include "sql/windowed_source.h"

namespace tradewind::engine {
namespace {

Json entity(const char* type, const std::string& text) {
  Json made = Json::object();
  made.set("@type", Json::string(type));
  made.set("statementText", Json::string(text));
  made.set("warnings", Json::array());
  return made;
}

Json schema_json(const Type& type) {
  Json made = Json::object();
  std::string name = type.text().substr(0, type.text().find_first_of("(<"));
  made.set("type", Json::string(name));
  Json fields;
  if (type.kind() == Kind::structure) {
    fields = Json::array();
    for (const Field& field : type.fields()) {
      Json one = Json::object();
      one.set("name", Json::string(field.name));
      one.set("schema", schema_json(field.type));
      fields.push(std::move(one));
    }
  }
  made.set("fields", std::move(fields));
  const bool list = type.kind() == Kind::array || type.kind() == Kind::map;
  made.set("memberSchema", list ? schema_json(type.element()) : Json());
  if (type.kind() == Kind::decimal) {
    Json parameters = Json::object();
    parameters.set("precision", Json::number(int64_t{type.precision()}));
    parameters.set("scale", Json::number(int64_t{type.scale()}));
    made.set("parameters", std::move(parameters));
  }
  return made;
}

Json fields_json(const sql::Source& source) {
  Json fields = Json::array();
  for (const sql::SourceColumn& column : source.columns) {
    Json one = Json::object();
    one.set("name", Json::string(column.name));
    one.set("schema", schema_json(column.type));
    if (column.key) one.set("type", Json::string("KEY"));
    if (column.headers) one.set("type", Json::string("HEADER"));
    if (column.header_key) one.set("headerKey", Json::string(*column.header_key));
    fields.push(std::move(one));
  }
  return fields;
}

Json query_json(const QueryRow& row, const stream::QueryStatus* status) {
  const std::string state = status == nullptr  ? "RUNNING"
                            : !status->running ? "ERROR"
                            : status->paused   ? "PAUSED"
                                               : "RUNNING";
  Json made = Json::object();
  made.set("queryString", Json::string(row.statement));
  made.set("sinks", Json::array({Json::string(row.sink)}));
  made.set("sinkKafkaTopics", Json::array({Json::string(row.sink_topic)}));
  made.set("id", Json::string(row.id));
  Json count = Json::object();
  count.set(state, Json::number(int64_t{1}));
  made.set("statusCount", std::move(count));
  made.set("queryType", Json::string("PERSISTENT"));
  made.set("state", Json::string(state));
  if (status != nullptr) {
    made.set("rowsRead", Json::number(status->rows_in));
    made.set("rowsWritten", Json::number(status->rows_out));
    made.set("lateRows", Json::number(status->late_rows));
    made.set("lag", Json::number(status->lag));
    if (!status->error.empty()) made.set("error", Json::string(status->error));
  }
  return made;
}

Json function_json(std::string_view name, const char* type) {
  Json made = Json::object();
  made.set("name", Json::string(std::string(name)));
  made.set("type", Json::string(type));
  made.set("category", Json::string(""));
  return made;
}

Json show_functions(const std::string& text) {
  Json made = entity("function_names", text);
  Json list = Json::array();
  for (const auto& kind : expr::aggregate_kinds()) list.push(function_json(kind.name, "AGGREGATE"));
  for (const auto& row : expr::function_rows()) {
    if (std::isalpha(static_cast<unsigned char>(row.name[0])) != 0 &&
        row.name.find(' ') == std::string_view::npos) {
      list.push(function_json(row.name, "SCALAR"));
    }
  }
  for (const auto& row : expr::table_functions()) list.push(function_json(row.name, "TABLE"));
  made.set("functions", std::move(list));
  return made;
}

// "SUM(value INTEGER | BIGINT)" -> what stands between the brackets.
std::string arguments_of(std::string_view signature) {
  const size_t from = signature.find('(');
  const size_t to = signature.rfind(')');
  if (from == std::string_view::npos || to == std::string_view::npos || to < from) return "";
  return std::string(signature.substr(from + 1, to - from - 1));
}

Result<Json> describe_function(const std::string& name, const std::string& text) {
  std::string_view signature, description, type = "SCALAR";
  if (const auto* kind = expr::find_aggregate(name)) {
    signature = kind->signature;
    description = kind->description;
    type = "AGGREGATE";
  } else if (const auto* function = expr::find_function(name)) {
    signature = function->signature;
    description = function->description;
  } else {
    for (const auto& row : expr::table_functions()) {
      if (row.name != name) continue;
      signature = row.signature;
      description = row.description;
      type = "TABLE";
    }
  }
  if (signature.empty())
    return Error{Code::not_found, "no function is called " + name + "; SHOW FUNCTIONS lists them"};
  Json made = entity("describe_function", text);
  made.set("name", Json::string(name));
  made.set("description", Json::string(std::string(description)));
  made.set("author", Json::string("Tradewind"));
  made.set("version", Json::string(""));
  made.set("path", Json::string("internal"));
  made.set("type", Json::string(std::string(type)));
  made.set("signature", Json::string(std::string(signature)));
  Json one = Json::object();
  one.set("arguments", Json::string(arguments_of(signature)));
  one.set("returnType", Json::string(""));
  one.set("description", Json::string(std::string(description)));
  made.set("functions", Json::array({std::move(one)}));
  return made;
}

Json show_properties(const std::string& text, const Session& session) {
  Json made = entity("properties", text);
  Json list = Json::array();
  Json overwritten = Json::array();
  Json defaults = Json::array();
  const auto add = [&](const std::string& name, const std::string& value, bool editable) {
    Json one = Json::object();
    one.set("name", Json::string(name));
    one.set("scope", Json::string(name.starts_with("ksql.") ? "KSQL" : "KAFKA_STREAMS"));
    one.set("value", Json::string(value));
    one.set("editable", Json::boolean(editable));
    one.set("level", Json::string("SERVER"));
    list.push(std::move(one));
  };
  for (const KnownProperty& property : known_properties()) {
    const auto set = session.find(property.name);
    add(property.name, set == session.end() ? property.value : set->second, property.editable);
    (set == session.end() ? defaults : overwritten).push(Json::string(property.name));
  }
  for (const auto& [name, value] : session) {
    const auto& known = known_properties();
    const bool listed =
        std::any_of(known.begin(), known.end(), [&](const KnownProperty& p) { return name == p.name; });
    if (listed || name.starts_with("${")) continue;
    add(name, value, true);
    overwritten.push(Json::string(name));
  }
  made.set("properties", std::move(list));
  made.set("overwrittenProperties", std::move(overwritten));
  made.set("defaultProperties", std::move(defaults));
  return made;
}

}  // namespace

Json Engine::show_queries(const std::string& text, bool extended) const {
  Json made = entity(extended ? "query_descriptions" : "queries", text);
  const auto status = runtime_->status();
  Json list = Json::array();
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : queries_) {
    const auto at = std::find_if(status.begin(), status.end(), [&](const auto& s) { return s.name == id; });
    Json one = query_json(row, at == status.end() ? nullptr : &*at);
    if (extended) {
      const sql::Source* sink = catalog_.find(row.sink);
      one.set("statementText", Json::string(row.statement));
      one.set("fields", sink == nullptr ? Json::array() : fields_json(*sink));
      one.set("sinks", Json::array({Json::string(row.sink)}));
      one.set("overriddenProperties", Json::object());
      one.set("queryErrors", Json::array());
    }
    list.push(std::move(one));
  }
  made.set(extended ? "queryDescriptions" : "queries", std::move(list));
  return made;
}

Json Engine::show_sources(const sql::Show& statement, const std::string& text,
                          const sql::Catalog& known) const {
  const bool tables = statement.what == "TABLES";
  Json made = entity(statement.extended ? "source_descriptions" : tables ? "tables" : "streams", text);
  Json list = Json::array();
  for (const auto& [name, source] : known.sources) {
    if (source.table != tables) continue;
    if (statement.extended) {
      list.push(about_source(source, true));
      continue;
    }
    Json one = Json::object();
    one.set("type", Json::string(tables ? "TABLE" : "STREAM"));
    one.set("name", Json::string(name));
    one.set("topic", Json::string(source.topic));
    one.set("keyFormat", Json::string(schema::name_of(source.key_format)));
    one.set("valueFormat", Json::string(schema::name_of(source.value_format)));
    one.set("isWindowed", Json::boolean(source.window_type.has_value()));
    list.push(std::move(one));
  }
  made.set(statement.extended ? "sourceDescriptions" : tables ? "tables" : "streams", std::move(list));
  return made;
}

// SHOW ALL TOPICS says `extended` too: what is ours is shown by both.
Result<Json> Engine::show_topics(const sql::Show& statement, const std::string& text) const {
  Json made = entity(statement.extended ? "kafka_topics_extended" : "kafka_topics", text);
  Json list = Json::array();
  for (const log::TopicSpec& spec : TRY(log_.topics())) {
    if (!statement.extended && (spec.name.starts_with("tw.") || spec.name.starts_with("_"))) continue;
    Json one = Json::object();
    one.set("name", Json::string(spec.name));
    Json replicas = Json::array();
    for (int32_t p = 0; p < spec.partitions; ++p) replicas.push(Json::number(int64_t{spec.replicas}));
    one.set("replicaInfo", std::move(replicas));
    if (statement.extended) {
      one.set("consumerCount", Json::number(int64_t{0}));
      one.set("consumerGroupCount", Json::number(int64_t{0}));
    }
    list.push(std::move(one));
  }
  made.set("topics", std::move(list));
  return made;
}

Json Engine::show_variables(const std::string& text, const Session& session) const {
  Json made = entity("variables", text);
  Json list = Json::array();
  for (const auto& [name, value] : session) {
    if (!name.starts_with("${")) continue;
    Json one = Json::object();
    one.set("name", Json::string(name.substr(2, name.size() - 3)));
    one.set("value", Json::string(value));
    list.push(std::move(one));
  }
  made.set("variables", std::move(list));
  return made;
}

Result<Json> Engine::show(const sql::Show& statement, const std::string& text, const Session& session) const {
  const sql::Catalog known = catalog();
  if (statement.what == "STREAMS" || statement.what == "TABLES") return show_sources(statement, text, known);
  if (statement.what == "TOPICS") return show_topics(statement, text);
  if (statement.what == "QUERIES") return show_queries(text, statement.extended);
  if (statement.what == "FUNCTIONS") return show_functions(text);
  if (statement.what == "VARIABLES") return show_variables(text, session);
  if (statement.what == "TYPES") {
    Json made = entity("type_list", text);
    Json types = Json::object();
    for (const auto& [name, type] : known.types) types.set(name, schema_json(type));
    made.set("types", std::move(types));
    return made;
  }
  return show_properties(text, session);
}

Json Engine::about_source(const sql::Source& source, bool extended) const {
  Json about = Json::object();
  about.set("name", Json::string(source.name));
  about.set("windowType", source.window_type ? Json::string(sql::name_of(*source.window_type)) : Json());
  Json writers = Json::array();
  Json readers = Json::array();
  {
    const std::lock_guard lock(mutex_);
    const auto status = runtime_->status();
    for (const auto& [id, row] : queries_) {
      const auto at = std::find_if(status.begin(), status.end(), [&](const auto& s) { return s.name == id; });
      const stream::QueryStatus* known = at == status.end() ? nullptr : &*at;
      if (id == source.query_id) writers.push(query_json(row, known));
      const bool reads = known != nullptr && id != source.query_id &&
                         std::any_of(known->positions.begin(), known->positions.end(),
                                     [&](const auto& p) { return p.first.topic == source.topic; });
      if (reads) readers.push(query_json(row, known));
    }
  }
  about.set("readQueries", std::move(readers));
  about.set("writeQueries", std::move(writers));
  about.set("fields", fields_json(source));
  about.set("type", Json::string(source.table ? "TABLE" : "STREAM"));
  about.set("timestamp", Json::string(source.timestamp_column));
  about.set("statistics", Json::string(""));
  about.set("errorStats", Json::string(""));
  about.set("extended", Json::boolean(extended));
  about.set("keyFormat", Json::string(schema::name_of(source.key_format)));
  about.set("valueFormat", Json::string(schema::name_of(source.value_format)));
  about.set("topic", Json::string(source.topic));
  about.set("partitions", Json::number(int64_t{source.partitions}));
  about.set("replication", Json::number(int64_t{1}));
  about.set("statement", Json::string(source.statement));
  about.set("queryOffsetSummaries", Json::array());
  about.set("sourceConstraints", Json::array());
  about.set("clusterStatistics", Json::array());
  about.set("clusterErrorStats", Json::array());
  return about;
}

Result<Json> Engine::describe(const sql::Describe& statement, const std::string& text) const {
  if (statement.function) return describe_function(statement.name, text);
  const sql::Catalog known = catalog();
  if (statement.all) return show_sources({.what = statement.name, .extended = true}, text, known);
  const sql::Source* source = known.find(statement.name);
  if (source == nullptr) return Error{Code::not_found, "no stream or table is called " + statement.name};
  Json made = entity("sourceDescription", text);
  made.set("sourceDescription", about_source(*source, statement.extended));
  return made;
}

Result<Json> Engine::explain(const sql::Explain& statement, const std::string& text) {
  const sql::Catalog known = catalog();
  std::shared_ptr<sql::Query> query = statement.query;
  std::string id = statement.query_id;
  std::string listed = statement.statement;
  if (query == nullptr) {
    const std::lock_guard lock(mutex_);
    const auto found = queries_.find(id);
    if (found == queries_.end())
      return Error{Code::not_found, "no query is called " + id + "; SHOW QUERIES lists them"};
    listed = found->second.statement;
    const auto parsed = TRY(sql::parse(listed, {}, known.types));
    query = std::make_shared<sql::Query>(*std::get<sql::CreateSource>(parsed[0].is).query);
  }
  if (statement.query != nullptr && query->emit == sql::Query::Emit::none && !query->group_by.empty()) {
    query = std::make_shared<sql::Query>(*query);
    query->emit = sql::Query::Emit::changes;
  }
  const std::string plan = TRY(sql::explain(*query, known, *this));
  Json about = Json::object();
  about.set("id", Json::string(id));
  about.set("statementText", Json::string(listed));
  about.set("executionPlan", Json::string(plan));
  about.set("topology", Json::string(plan));
  about.set("queryType", Json::string(id.empty() ? "PUSH" : "PERSISTENT"));
  about.set("windowType", Json());
  about.set("fields", Json::array());
  about.set("sources", Json::array({Json::string(query->from)}));
  about.set("sinks", Json::array());
  about.set("overriddenProperties", Json::object());
  about.set("ksqlHostQueryStatus", Json::object());
  about.set("queryErrors", Json::array());
  about.set("tasksMetadata", Json::array());
  about.set("state", id.empty() ? Json() : Json::string("RUNNING"));
  Json made = entity("queryDescription", text);
  made.set("queryDescription", std::move(about));
  return made;
}

}  // namespace tradewind::engine
