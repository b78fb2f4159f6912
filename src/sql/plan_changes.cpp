// CREATE OR REPLACE and ALTER: what may become of a source that others may read.
#include <algorithm>

#include "sql/check_source.h"
#include "sql/plan.h"
#include "stream/runtime.h"

namespace tradewind::sql {
namespace {

std::string kind_of(bool table) {
  return table ? "TABLE" : "STREAM";
}

std::string text_of(const SourceColumn& column) {
  return column.name + " " + column.type.text();
}

std::vector<std::string> texts(const Source& source, bool key) {
  std::vector<std::string> list;
  for (const SourceColumn& column : source.columns) {
    if (column.key == key) list.push_back(text_of(column));
  }
  return list;
}

Error refused(const Source& old, const std::string& what) {
  return {Code::invalid,
          old.name + " cannot be replaced: " + what + ". DROP it first, or choose another name"};
}

}  // namespace

void put_source(SourcePlan plan, Catalog& catalog) {
  const std::string name = plan.source.name;
  const auto columns = plan.topology ? plan.topology->late_columns() : std::vector<Field>();
  if (!columns.empty()) {
    Source late;
    late.name = name + "_LATE";
    late.topic = stream::late_topic(plan.source.query_id);
    late.key_format = schema::Format::kafka;
    late.value_format = schema::Format::json;
    late.read_only = true;
    for (const Field& field : columns) late.columns.push_back({field.name, field.type, false});
    late.statement = "(the rows that came too late for " + name + ")";
    catalog.late[late.name] = std::move(late);
  }
  catalog.sources[name] = std::move(plan.source);
}

void drop_source(const std::string& name, Catalog& catalog) {
  catalog.sources.erase(name);
  catalog.late.erase(name + "_LATE");
}

Result<Source> plan_alter(const Alter& statement, const Catalog& catalog) {
  const Source* old = catalog.find(statement.name);
  if (old == nullptr)
    return Error{Code::not_found,
                 "no " + std::string(statement.table ? "table" : "stream") + " is called " + statement.name};
  if (old->table != statement.table)
    return Error{Code::invalid, statement.name + " is a " + (old->table ? "table" : "stream") +
                                    ": write ALTER " + kind_of(old->table) + " " + statement.name};
  if (!old->query_id.empty())
    return Error{Code::invalid, statement.name + " is what query " + old->query_id +
                                    " gives; CREATE OR REPLACE it with the new columns"};
  if (old->read_only)
    return Error{Code::invalid, statement.name + " is read-only: it was made with CREATE SOURCE"};
  Source altered = *old;
  for (const ColumnClause& column : statement.columns) {
    const bool known = std::any_of(altered.columns.begin(), altered.columns.end(),
                                   [&](const SourceColumn& c) { return c.name == column.name; });
    if (known)
      return Error{Code::conflict,
                   at(column.place, statement.name + " has a column " + column.name + " already")};
    const auto headers = std::find_if(altered.columns.begin(), altered.columns.end(),
                                      [](const SourceColumn& c) { return c.headers; });
    altered.columns.insert(headers, {column.name, column.type, false});
  }
  TRY(check_source(altered));
  return altered;
}

Result<> check_replacement(const Source& old, const SourcePlan& now) {
  const Source& made = now.source;
  if (old.table != made.table) return refused(old, "it is a " + std::string(old.table ? "table" : "stream"));
  if (old.read_only) return refused(old, "it is read-only, made with CREATE SOURCE");
  if (old.query_id.empty() == now.topology.has_value()) {
    return refused(old, old.query_id.empty()
                            ? "no query writes it, and the new one would be written by one"
                            : "query " + old.query_id + " writes it, and nothing would write the new one");
  }
  if (std::find(now.reads.begin(), now.reads.end(), old.name) != now.reads.end())
    return refused(old, "the new query reads it");
  if (old.topic != made.topic) return refused(old, "its topic is " + old.topic + ", not " + made.topic);
  if (old.key_format != made.key_format || old.value_format != made.value_format)
    return refused(old, "its formats are " + std::string(schema::name_of(old.key_format)) + " and " +
                            schema::name_of(old.value_format));
  if (texts(old, true) != texts(made, true)) return refused(old, "its key would be another");
  if (old.window_type != made.window_type || old.window_size_ms != made.window_size_ms)
    return refused(old, "its windows would be others");
  const auto before = texts(old, false);
  const auto after = texts(made, false);
  for (size_t i = 0; i < before.size(); ++i) {
    if (i < after.size() && before[i] == after[i]) continue;
    return refused(old, "column " + before[i] +
                            (i < after.size() ? " would become " + after[i] : " would be gone") +
                            "; new columns come behind those that are there");
  }
  return {};
}

}  // namespace tradewind::sql
