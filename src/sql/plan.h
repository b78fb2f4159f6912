#pragma once
// Plans: bound statements: what the engine carries out. Names are resolved, types are checked, topologies are
// built.
//
// Threads: plain values.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "expr/expression.h"
#include "sql/catalog.h"
#include "sql/statement.h"
#include "stream/topology.h"
#include "stream/view.h"

namespace tradewind::sql {

// CREATE STREAM or TABLE, with or without AS SELECT. `topology` (not yet named) is set for the latter.
struct SourcePlan {
  Source source;
  bool create_topic = false;  // PARTITIONS was given, or it is a query's sink
  std::optional<stream::Topology> topology;
  std::vector<std::string> reads;
};
// Puts what was planned into the catalogue, and the stream of its late rows; takes both out.
void put_source(SourcePlan plan, Catalog& catalog);
void drop_source(const std::string& name, Catalog& catalog);

// SELECT of what a table holds now.
struct PullPlan {
  std::string table;
  std::optional<std::vector<std::vector<Value>>> keys;
  int64_t window_from = INT64_MIN;
  int64_t window_to = INT64_MAX;
  expr::ExpressionPtr where;  // over the view's columns; null: all
  std::vector<expr::ExpressionPtr> expressions;
  std::vector<Field> columns;  // of the answer
  std::vector<bool> keys_out;  // which of them are keys
  std::optional<int64_t> limit;
};

// SELECT ... EMIT CHANGES, and a SELECT over a stream up to now.
struct PushPlan {
  stream::Topology topology;  // without a sink
  std::vector<Field> columns;
  std::vector<bool> keys;  // which tell the rows of a table apart; empty: none do
  std::optional<int64_t> limit;
  bool until_now = false;
  std::vector<bool> identity;  // until now, of groups: which of the topology's columns tell them apart
};

struct InsertPlan {
  std::string target;
  std::vector<Value> values;  // in the order of the source's columns
  std::optional<int64_t> time_ms;
};

// INSERT INTO ... SELECT.
struct InsertQueryPlan {
  std::string target;
  std::string query_id;       // as asked for; empty: any
  stream::Topology topology;  // not yet named
  std::vector<std::string> reads;
};

// Columns that a registry knows for a topic, when a statement declares none.
class SchemaLookup {
 public:
  virtual ~SchemaLookup() = default;
  // Of the topic's latest schema, or of the one with this id unless it is 0.
  virtual Result<std::vector<Field>> columns(const std::string& topic, bool key, schema::SchemaId id) = 0;
  // Partitions of an existing topic; not_found.
  virtual Result<int32_t> partitions(const std::string& topic) = 0;
};

Result<SourcePlan> plan_source(const CreateSource& statement, const Catalog& catalog, SchemaLookup& lookup);
// What ALTER ... ADD COLUMN makes of a source.
Result<Source> plan_alter(const Alter& statement, const Catalog& catalog);
// Whether `now` may stand where `old` stands: invalid, with what cannot change.
Result<> check_replacement(const Source& old, const SourcePlan& now);
// One of the two, by what is asked.
Result<std::variant<PullPlan, PushPlan>> plan_select(const Query& query, const Catalog& catalog);
Result<InsertPlan> plan_insert(const InsertValues& statement, const Catalog& catalog,
                               const Moment& moment = {});
Result<InsertQueryPlan> plan_insert_query(const InsertSelect& statement, const Catalog& catalog);
// The plan of a query as text, for EXPLAIN.
Result<std::string> explain(const Query& query, const Catalog& catalog, SchemaLookup& lookup);

// How a source is read: all of its columns wanted.
stream::SourceSpec source_spec(const Source& source);
// How its keys, or its values, are encoded.
schema::SerdeSpec serde_spec(const Source& source, bool key);
// The columns of the view of a table: keys, [WINDOWSTART, WINDOWEND], values, ROWTIME.
Schema view_schema(const Source& table);

}  // namespace tradewind::sql
