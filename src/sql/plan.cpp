#include "sql/plan.h"

#include <algorithm>
#include <charconv>

#include "sql/binder/bind_query.h"
#include "sql/binder/plan_pull.h"
#include "sql/binder/scope.h"
#include "sql/source_properties.h"
#include "sql/windowed_source.h"

namespace tradewind::sql {
namespace {

// Columns that a registered schema gives where the statement declares none.
Result<> infer_columns(const CreateSource& statement, bool key, SchemaLookup& lookup, Source& source) {
  const schema::Format format = key ? source.key_format : source.value_format;
  const schema::SchemaId id = (key ? source.key_detail : source.value_detail).schema_id;
  if (!schema::uses_registry(format)) {
    if (key) return {};
    return Error{Code::invalid, statement.name + " declares no columns, and " + schema::name_of(format) +
                                    " has no registered schema to take them from; declare them"};
  }
  auto fields = lookup.columns(source.topic, key, id);
  // A topic may have no key; and a declared value stands for itself.
  if (!fields.ok() && key && id == 0 && fields.error().code == Code::not_found) return {};
  if (!fields.ok()) return fields.error();
  for (const Field& field : *fields) {
    const bool known = std::any_of(source.columns.begin(), source.columns.end(),
                                   [&](const auto& c) { return c.name == field.name; });
    if (!known) source.columns.push_back({field.name, field.type, key});
  }
  return {};
}

// All headers once, or single ones by name.
Result<> check_header_columns(const std::vector<ColumnClause>& columns, const ColumnClause& column) {
  const bool all = !column.header_key;
  for (const ColumnClause& other : columns) {
    if (!other.headers || &other == &column) continue;
    if (all || !other.header_key)
      return Error{Code::invalid, at(column.place, "a column of all HEADERS stands alone; leave " +
                                                       column.name + " or " + other.name + " out")};
    if (other.header_key == column.header_key)
      return Error{Code::invalid, at(column.place, column.name + " and " + other.name +
                                                       " hold the same header " + *column.header_key)};
  }
  if (column.type == (all ? stream::headers_type() : Type(Kind::bytes))) return {};
  return Error{Code::invalid,
               at(column.place, column.name +
                                    (all ? " HEADERS holds ARRAY<STRUCT<KEY STRING, VALUE BYTES>>, not "
                                         : " HEADER('...') holds BYTES, not ") +
                                    column.type.text())};
}

Result<> declare_columns(const CreateSource& statement, SchemaLookup& lookup, Source& source) {
  for (const ColumnClause& column : statement.columns) {
    if (!column.key || column.primary == statement.table) continue;
    return Error{Code::invalid,
                 at(column.place, column.name + ": the key of a " +
                                      (statement.table ? "table is its PRIMARY KEY" : "stream is a KEY"))};
  }
  const auto declared = [&](bool key) {
    return std::any_of(statement.columns.begin(), statement.columns.end(),
                       [&](const ColumnClause& column) { return column.key == key && !column.headers; });
  };
  for (const bool key : {true, false}) {
    for (const ColumnClause& column : statement.columns) {
      if (column.key == key && !column.headers) source.columns.push_back({column.name, column.type, key});
    }
    if (!declared(key)) TRY(infer_columns(statement, key, lookup, source));
  }
  for (const ColumnClause& column : statement.columns) {
    if (!column.headers) continue;
    TRY(check_header_columns(statement.columns, column));
    source.columns.push_back(
        {.name = column.name, .type = column.type, .headers = true, .header_key = column.header_key});
  }
  for (size_t i = 0; i < source.columns.size(); ++i) {
    for (size_t j = i + 1; j < source.columns.size(); ++j) {
      if (source.columns[i].name == source.columns[j].name) {
        return Error{Code::invalid,
                     "two columns of " + source.name + " are called " + source.columns[i].name};
      }
    }
  }
  const bool key =
      std::any_of(source.columns.begin(), source.columns.end(), [](const auto& c) { return c.key; });
  if (source.table && !key)
    return Error{Code::invalid, "table " + source.name + " needs a column that is its PRIMARY KEY"};
  return {};
}

// A SOURCE TABLE is kept, so that pull queries can read it.
Result<stream::Topology> keeping(const Source& table) {
  stream::Topology topology;
  topology.name = "unnamed";
  topology.source = source_spec(table);
  const Schema schema = stream::source_schema(topology.source);
  stream::SinkSpec shape{.table = true};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    (table.columns[i].key ? shape.key_columns : shape.value_columns).push_back(i);
  }
  if (table.window_type) shape.window_start = table.columns.size();
  if (table.window_type == stream::WindowSpec::Kind::session) shape.window_end = table.columns.size() + 1;
  topology.sink = std::move(shape);
  return stream::build(std::move(topology));
}

Result<SourcePlan> plan_declared(const CreateSource& statement, SchemaLookup& lookup) {
  SourcePlan plan;
  plan.source.name = statement.name;
  plan.source.table = statement.table;
  plan.source.read_only = statement.source;
  TRY(apply_formats(statement.with, plan.source));
  const auto topic = statement.with.find("KAFKA_TOPIC");
  if (topic == statement.with.end())
    return Error{Code::invalid, statement.name + " needs WITH (KAFKA_TOPIC = '...')"};
  plan.source.topic = topic->second;
  if (!statement.with.contains("FORMAT") && !statement.with.contains("VALUE_FORMAT")) {
    return Error{Code::invalid, statement.name + " needs WITH (VALUE_FORMAT = 'AVRO'), or another format"};
  }
  const auto existing = lookup.partitions(plan.source.topic);
  const auto wanted = TRY(partitions_of(statement.with));
  if (!existing.ok() && !wanted) {
    return Error{Code::not_found,
                 "topic " + plan.source.topic + " does not exist; add PARTITIONS to create it"};
  }
  if (existing.ok() && wanted && *existing != *wanted) {
    return Error{Code::conflict,
                 "topic " + plan.source.topic + " exists with " + std::to_string(*existing) + " partitions"};
  }
  plan.create_topic = !existing.ok();
  plan.source.partitions = existing.ok() ? *existing : *wanted;
  TRY(declare_columns(statement, lookup, plan.source));
  TRY(check_details(statement.with, plan.source));
  TRY(apply_retention(statement.with, plan.source));
  TRY(apply_timestamp(statement.with, plan.source));
  TRY(apply_window(statement.with, plan.source));
  if (statement.table && statement.source) plan.topology = TRY(keeping(plan.source));
  return plan;
}

const Source* source_of(const Query& query, const Catalog& catalog) {
  return catalog.find(query.from);
}

Error unknown_source(const Query& query) {
  return {Code::not_found, at(query.from_place, "no stream or table is called " + query.from +
                                                    "; SHOW STREAMS and SHOW TABLES list them")};
}

stream::SinkSpec sink_of(const Source& sink, const BoundQuery& bound) {
  stream::SinkSpec spec;
  spec.topic = sink.topic;
  spec.partitions = sink.partitions;
  spec.table = sink.table;
  spec.key_format = sink.key_format;
  spec.value_format = sink.value_format;
  spec.timestamp_column = sink.timestamp_column;
  spec.timestamp_format = sink.timestamp_format;
  spec.key_detail = sink.key_detail;
  spec.value_detail = sink.value_detail;
  spec.window_start = bound.window_start;
  spec.window_end = bound.window_end;
  spec.retention = sink.retention;
  spec.windows_kept = sink.windows_kept;
  for (size_t i = 0; i < bound.columns.size(); ++i) {
    (bound.columns[i].key ? spec.key_columns : spec.value_columns).push_back(i);
  }
  return spec;
}

Result<SourcePlan> plan_query(const CreateSource& statement, const Catalog& catalog, SchemaLookup& lookup) {
  const Source* from = source_of(*statement.query, catalog);
  if (from == nullptr) return unknown_source(*statement.query);
  if (statement.query->limit) return Error{Code::invalid, "LIMIT cannot stand in CREATE ... AS SELECT"};
  const BoundQuery bound = TRY(bind_query(*statement.query, catalog, true));
  if (bound.table != statement.table) {
    return Error{Code::invalid, bound.table ? "the query gives a table: write CREATE TABLE " + statement.name
                                            : "the query gives a stream: write CREATE STREAM " +
                                                  statement.name + ", or add a GROUP BY"};
  }
  SourcePlan plan;
  Source& sink = plan.source;
  sink.name = statement.name;
  sink.table = statement.table;
  sink.key_format = from->key_format;
  sink.value_format = from->value_format;
  const bool new_format = statement.with.contains("FORMAT");
  if (!new_format && !statement.with.contains("KEY_FORMAT"))
    sink.key_detail.delimiter = from->key_detail.delimiter;
  if (!new_format && !statement.with.contains("VALUE_FORMAT"))
    sink.value_detail.delimiter = from->value_detail.delimiter;
  sink.partitions = from->partitions;
  for (const bool key : {true, false}) {
    for (const BoundColumn& column : bound.columns) {
      if (column.key == key) sink.columns.push_back({column.name, column.type, key});
    }
  }
  const auto keys =
      std::count_if(sink.columns.begin(), sink.columns.end(), [](const auto& c) { return c.key; });
  if (static_cast<size_t>(keys) == sink.columns.size()) {
    return Error{Code::invalid, statement.name + " has keys only; select at least one value"};
  }
  if (bound.rekeyed || !bound.inputs.empty()) {
    if (keys == 0)
      sink.key_format = schema::Format::none;
    else if (sink.key_format == schema::Format::none)
      sink.key_format = schema::Format::kafka;
  }
  const bool groups = std::any_of(bound.steps.begin(), bound.steps.end(), [](const stream::Step& step) {
    return std::holds_alternative<stream::AggregateStep>(step);
  });
  if (groups && sink.key_format == schema::Format::none) sink.key_format = schema::Format::kafka;
  if (keys > 1 && sink.key_format == schema::Format::kafka && !statement.with.contains("KEY_FORMAT")) {
    sink.key_format = schema::Format::json;  // several columns do not fit KAFKA
  }
  TRY(apply_formats(statement.with, sink));
  TRY(check_details(statement.with, sink));
  if (keys > 1 && sink.key_format == schema::Format::kafka) {
    return Error{Code::invalid,
                 "the KAFKA key format holds one column; use WITH (KEY_FORMAT = 'JSON') or 'AVRO'"};
  }
  const auto topic = statement.with.find("KAFKA_TOPIC");
  sink.topic = topic == statement.with.end() ? sink.name : topic->second;
  if (const auto wanted = TRY(partitions_of(statement.with))) sink.partitions = *wanted;
  if (const auto existing = lookup.partitions(sink.topic); existing.ok()) sink.partitions = *existing;
  keep_windows(*from, bound, sink);
  TRY(apply_retention(statement.with, sink));
  TRY(apply_timestamp(statement.with, sink));
  plan.create_topic = true;
  stream::Topology topology;
  topology.name = "unnamed";
  topology.source = bound.source;
  topology.inputs = bound.inputs;
  topology.steps = bound.steps;
  topology.sink = sink_of(sink, bound);
  plan.topology = TRY(stream::build(std::move(topology)));
  plan.reads = bound.reads;
  return plan;
}

// The sink of INSERT INTO: the columns of the target, found among the query's by name.
Result<stream::SinkSpec> sink_into(const Source& target, const BoundQuery& bound) {
  stream::SinkSpec spec = sink_of(target, {});
  for (const SourceColumn& column : target.columns) {
    const auto found = std::find_if(bound.columns.begin(), bound.columns.end(),
                                    [&](const BoundColumn& c) { return c.name == column.name; });
    if (found == bound.columns.end())
      return Error{Code::invalid, target.name + " has a column " + column.name +
                                      " that the SELECT does not give; name one with AS " + column.name};
    if (found->key != column.key)
      return Error{Code::invalid, column.name + " is " + (column.key ? "" : "not ") + "the key of " +
                                      target.name + ", and " + (found->key ? "" : "not ") +
                                      "that of the SELECT; PARTITION BY makes the key"};
    if (found->type != column.type)
      return Error{Code::invalid, column.name + " of " + target.name + " is " + column.type.text() +
                                      ", the SELECT gives " + found->type.text() + "; CAST it"};
    (column.key ? spec.key_columns : spec.value_columns)
        .push_back(static_cast<size_t>(found - bound.columns.begin()));
  }
  if (bound.columns.size() > target.columns.size())
    return Error{Code::invalid, "the SELECT gives " + std::to_string(bound.columns.size()) + " columns, " +
                                    target.name + " has " + std::to_string(target.columns.size())};
  return spec;
}

Result<PushPlan> plan_push(const Query& query, const Catalog& catalog) {
  if (!query.joins.empty() && query.emit == Query::Emit::none) {
    return Error{Code::invalid,
                 at(query.joins[0].place, "a SELECT of what is there now takes no " + query.joins[0].text +
                                              "; add EMIT CHANGES, or make the join a table with CREATE "
                                              "TABLE ... AS SELECT and ask that")};
  }
  const BoundQuery bound = TRY(bind_query(query, catalog, false));
  PushPlan plan;
  plan.limit = query.limit;
  plan.until_now = query.emit == Query::Emit::none;
  stream::Topology topology;
  topology.name = "push";
  topology.source = bound.source;
  topology.inputs = bound.inputs;
  topology.steps = bound.steps;
  plan.topology = TRY(stream::build(std::move(topology)));
  for (const BoundColumn& column : bound.columns) plan.columns.push_back({column.name, column.type});
  plan.keys = row_keys(bound);
  plan.identity = bound.identity;
  return plan;
}

}  // namespace

stream::SourceSpec source_spec(const Source& source) {
  stream::SourceSpec spec;
  spec.topic = source.topic;
  spec.table = source.table;
  spec.key_format = source.key_format;
  spec.value_format = source.value_format;
  spec.timestamp_column = source.timestamp_column;
  spec.timestamp_format = source.timestamp_format;
  spec.key_detail = source.key_detail;
  spec.value_detail = source.value_detail;
  if (source.window_size_ms) spec.window_size = Duration(*source.window_size_ms);
  spec.sessions = source.window_type == stream::WindowSpec::Kind::session;
  for (const SourceColumn& column : source.columns) {
    if (column.headers)
      spec.header_columns.push_back({column.name, column.header_key});
    else
      (column.key ? spec.key_columns : spec.value_columns).push_back({column.name, column.type});
  }
  return spec;
}

schema::SerdeSpec serde_spec(const Source& source, bool key) {
  return stream::serde_spec(source_spec(source), key);
}

Schema view_schema(const Source& table) {
  std::vector<Field> fields;
  for (const SourceColumn& column : table.columns) {
    if (column.key) fields.push_back({column.name, column.type});
  }
  if (table.window_type) {
    fields.push_back({"WINDOWSTART", Kind::bigint});
    fields.push_back({"WINDOWEND", Kind::bigint});
  }
  for (const SourceColumn& column : table.columns) {
    if (!column.key) fields.push_back({column.name, column.type});
  }
  fields.push_back({"ROWTIME", Kind::bigint});
  return Schema(std::move(fields));
}

Result<SourcePlan> plan_source(const CreateSource& statement, const Catalog& catalog, SchemaLookup& lookup) {
  TRY(check_properties(statement.with));
  if (statement.or_replace && statement.source)
    return Error{Code::invalid, "a SOURCE " + std::string(statement.table ? "TABLE" : "STREAM") +
                                    " cannot be replaced; write CREATE SOURCE without OR REPLACE"};
  return statement.query ? plan_query(statement, catalog, lookup) : plan_declared(statement, lookup);
}

Result<std::variant<PullPlan, PushPlan>> plan_select(const Query& query, const Catalog& catalog) {
  const Source* source = source_of(query, catalog);
  if (source == nullptr) return unknown_source(query);
  using Either = std::variant<PullPlan, PushPlan>;
  if (query.emit == Query::Emit::none && source->table && query.joins.empty())
    return Either(TRY(plan_pull(query, *source)));
  return Either(TRY(plan_push(query, catalog)));
}

Result<InsertQueryPlan> plan_insert_query(const InsertSelect& statement, const Catalog& catalog) {
  const Source* target = catalog.find(statement.target);
  if (target == nullptr) return Error{Code::not_found, "no stream is called " + statement.target};
  if (target->table)
    return Error{Code::invalid, target->name + " is a table; INSERT INTO ... SELECT works on streams"};
  if (target->read_only)
    return Error{Code::invalid, target->name + " is read-only: it was made with CREATE SOURCE"};
  if (target->window_type)
    return Error{Code::invalid, target->name + " has windows, which INSERT INTO ... SELECT does not write"};
  const Source* from = source_of(statement.query, catalog);
  if (from == nullptr) return unknown_source(statement.query);
  if (statement.query.limit) return Error{Code::invalid, "LIMIT cannot stand in INSERT INTO ... SELECT"};
  InsertQueryPlan plan;
  for (const auto& [name, value] : statement.with) {
    if (name != "QUERY_ID")
      return Error{Code::invalid, "INSERT INTO knows WITH (QUERY_ID = '...') only, not " + name};
    plan.query_id = value;
    std::transform(value.begin(), value.end(), plan.query_id.begin(),
                   [](unsigned char c) { return std::toupper(c); });
  }
  const BoundQuery bound = TRY(bind_query(statement.query, catalog, true));
  if (bound.table) {
    return Error{Code::invalid,
                 at(statement.query.from_place, "the query gives a table, and " + target->name +
                                                    " is a stream; use CREATE TABLE ... AS SELECT")};
  }
  stream::Topology topology;
  topology.name = "unnamed";
  topology.source = bound.source;
  topology.inputs = bound.inputs;
  topology.steps = bound.steps;
  topology.sink = TRY(sink_into(*target, bound));
  plan.topology = TRY(stream::build(std::move(topology)));
  plan.target = target->name;
  plan.reads = bound.reads;
  return plan;
}

Result<std::string> explain(const Query& query, const Catalog& catalog, SchemaLookup& lookup) {
  const Source* source = source_of(query, catalog);
  if (source == nullptr) return unknown_source(query);
  if (source->table && query.emit == Query::Emit::none && query.group_by.empty() && query.joins.empty()) {
    const PullPlan plan = TRY(plan_pull(query, *source));
    return "look up in " + plan.table +
           (plan.keys ? " by " + std::to_string(plan.keys->size()) + " key(s)" : " by scanning") +
           (plan.where == nullptr ? "" : "\n  where " + expr::text_of(*plan.where, view_schema(*source))) +
           "\n";
  }
  (void)lookup;
  return TRY(plan_push(query, catalog)).topology.text();
}

}  // namespace tradewind::sql
