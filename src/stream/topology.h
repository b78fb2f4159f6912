#pragma once
// Topology: what one query computes: a source topic, a chain of steps, a sink topic; joins take further
// sources in. Pure data, validated by Builder, printable; the runtime makes operators of it.
//
// Threads: immutable once built, share freely.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/type.h"
#include "expr/expression.h"
#include "schema/serde.h"
#include "stream/window.h"

namespace tradewind::stream {

// A column that holds the headers of records: all of them (ARRAY<STRUCT<KEY STRING, VALUE BYTES>>), or the
// value of the last one of a name (BYTES).
struct HeaderColumn {
  std::string name;
  std::optional<std::string> key;
  bool operator==(const HeaderColumn&) const = default;
};
Type type_of(const HeaderColumn& column);
// ARRAY<STRUCT<KEY STRING, VALUE BYTES>>
const Type& headers_type();

// A topic read as rows. The rows have the columns of source_schema().
struct SourceSpec {
  std::string topic;
  bool table = false;  // records are the last value of their key; no value deletes
  schema::Format key_format = schema::Format::kafka;
  schema::Format value_format = schema::Format::avro;
  std::vector<Field> key_columns;
  std::vector<Field> value_columns;
  std::vector<HeaderColumn> header_columns;
  std::optional<Duration> window_size;  // the key carries a window start (8 bytes) behind it
  bool sessions = false;                // the key carries a session's end and start (16 bytes) behind it
  std::string timestamp_column;         // BIGINT, TIMESTAMP or STRING; empty: the record's own time
  std::string timestamp_format;         // of a STRING
  schema::FormatDetail key_detail;
  schema::FormatDetail value_detail;
  std::vector<schema::Wanted> wanted;  // one per column of source_schema(); empty: all

  bool windowed() const { return window_size.has_value() || sessions; }
};

// Key columns, value columns, header columns, then WINDOWSTART and WINDOWEND (BIGINT; windowed sources only),
// then ROWTIME (BIGINT), ROWPARTITION (INTEGER), ROWOFFSET (BIGINT).
Schema source_schema(const SourceSpec& source);
// WINDOWSTART, WINDOWEND, ROWTIME, ROWPARTITION, ROWOFFSET.
bool is_pseudo_column(const std::string& name);
// How its keys, or its values, are encoded.
schema::SerdeSpec serde_spec(const SourceSpec& source, bool key);
// The column of source_schema() behind the last one that is read from key, value or headers.
size_t first_pseudo_column(const SourceSpec& source);
// The columns of source_schema() that tell rows of a table apart: its keys, and WINDOWSTART of a windowed
// one; with sessions WINDOWEND too.
std::vector<size_t> row_key_columns(const SourceSpec& source);

struct FilterStep {
  expr::ExpressionPtr condition;
};

struct ProjectStep {
  std::vector<expr::ExpressionPtr> expressions;
  std::vector<std::string> names;
};

// One row per element of the arrays (zipped, shorter ones padded with null). Its columns: those of the input,
// then one per array.
struct ExplodeStep {
  std::vector<expr::ExpressionPtr> arrays;
  std::vector<std::string> names;
  std::vector<bool> keep;  // which input columns later steps need; empty: all that were read
};

struct AggregateCall {
  std::string name;                   // "SUM"
  expr::ExpressionPtr argument;       // null: COUNT(*)
  std::string output;                 // column name of the result
  std::vector<Value> constants = {};  // what is fixed for the query, such as the n of TOPK
};

// Groups rows. Its columns: the keys, WINDOWSTART and WINDOWEND (BIGINT) when windowed, then the results.
// Rows where a key is null are left out. Emits what changed at each commit: as an update (retract, insert)
// when `retracts`.
struct AggregateStep {
  std::vector<expr::ExpressionPtr> keys;
  std::vector<std::string> key_names;
  std::vector<AggregateCall> calls;
  std::optional<WindowSpec> window;
  bool final = false;  // windowed only: rows come once, when their window closes, instead
  bool each = false;   // not of time windows or sessions: the result behind each row that goes in, instead
  bool total = false;  // without a window, the keys are constants: their group is there before any row
};

// Keeps the rows of a table by key: the old row is retracted before the new one is inserted, and a view can
// read them.
struct KeepStep {
  std::vector<size_t> keys;  // the columns that tell the rows apart
};

// How far rows of two streams may lie apart to meet: the right one in [left - before, left + after]. For so
// long behind that (grace) they are waited for.
struct JoinWindow {
  Duration before{0};
  Duration after{0};
  Duration grace{0};
  // A row of an outer side that finds nobody comes out alone at once, though somebody may still come; else
  // only once nobody can.
  bool eager = false;
};

// Joins the rows so far (left) with those of a further input (right). Its columns: those of the left side,
// those of the right side, the key columns (of the side that is there), ROWTIME (BIGINT) of the result.
struct JoinStep {
  enum class Kind { inner, left, right, full };
  // stream_table: a stream's rows look up what the table holds. tables: by the key of both. foreign_key: left
  // rows, which must come as updates, point to the right side's key. streams: within a window.
  enum class Form { stream_table, tables, foreign_key, streams };
  Kind kind = Kind::inner;
  Form form = Form::stream_table;
  size_t input = 0;                             // index in Topology::inputs; each is joined once, in order
  std::vector<expr::ExpressionPtr> left_keys;   // over the columns so far
  std::vector<expr::ExpressionPtr> right_keys;  // over the input's columns, of the same types
  std::vector<std::string> key_names;
  std::optional<JoinWindow> window;  // streams only
  std::vector<size_t> row_keys;      // foreign_key only: the left columns that tell its rows apart
  std::string left_name;             // stands before the names of the left columns; empty: they have theirs
  std::string right_name;
};

// Finds who took which steps of a funnel. Its columns: the groups, STEP (INTEGER, from 1), ELAPSED (BIGINT,
// ms since the step before; null at the first); a row for each step a try takes, with the time and the groups
// of its first step.
struct FunnelStep {
  expr::ExpressionPtr person;
  expr::ExpressionPtr time;  // BIGINT or TIMESTAMP, ms
  std::vector<expr::ExpressionPtr> conditions;
  std::vector<expr::ExpressionPtr> groups;
  std::vector<std::string> group_names;
  Duration within{0};
  bool best = true;   // each first step is a try; else a person has one open try
  Duration grace{0};  // rows further behind stream time are late
};

// Lets a row of a key pass when the condition becomes true, and then not again before it has been false
// (`clear` has been true, if there is one) and the cooldown is over.
struct EnterStep {
  std::vector<expr::ExpressionPtr> keys;
  expr::ExpressionPtr condition;
  expr::ExpressionPtr clear;  // may be null
  Duration cooldown{0};
};

// Of rows that are equal in `keys` the first passes, and the next one whose event time lies `within` or more
// from the last that did. A row with a null among them passes.
struct DeduplicateStep {
  std::vector<expr::ExpressionPtr> keys;
  Duration within{0};
};

using Step = std::variant<FilterStep, ProjectStep, ExplodeStep, AggregateStep, KeepStep, JoinStep, FunnelStep,
                          EnterStep, DeduplicateStep>;

// Where the rows go. Columns by index into the last step's columns.
struct SinkSpec {
  std::string topic;  // empty: nowhere, only views read the rows
  int32_t partitions = 1;
  bool table = false;  // a retracted row that is not replaced becomes a tombstone
  schema::Format key_format = schema::Format::kafka;
  schema::Format value_format = schema::Format::avro;
  std::vector<size_t> key_columns;
  std::vector<size_t> value_columns;
  std::optional<size_t> window_start;  // this BIGINT column is appended to the key, 8 bytes big-endian
  std::optional<size_t> window_end;    // sessions: this one too, before the start
  std::optional<Duration> retention;   // of the topic; none: the log's own, windows as long as they are kept
  std::optional<Duration> windows_kept;  // by the query
  std::string timestamp_column;          // of the result, sets the record's time; empty: the row's time
  std::string timestamp_format;          // where that column is a STRING
  schema::FormatDetail key_detail;
  schema::FormatDetail value_detail;
};

struct Topology {
  std::string name;  // the query's id: names its state, internal topics and transactional id
  SourceSpec source;
  std::vector<SourceSpec> inputs;  // further sources, one per JoinStep
  std::vector<Step> steps;
  std::optional<SinkSpec> sink;  // none: rows go to a subscriber (push queries)

  // Over a table source, and for every table without an aggregate, the rows are kept by key first: the old
  // row is retracted before the new one is inserted, and a view can read them.
  bool materialized = false;

  // All rows meet in one worker, however many there are: what hangs on the order of rows of several
  // partitions is not cut into partials.
  bool one_worker = false;

  // The columns after step n (n = 0: the source's).
  std::vector<Schema> schemas;
  // Index in `steps` of the aggregate, if there is one.
  std::optional<size_t> aggregate() const;
  // The columns of the rows that came too late for their windows, as they lie in late_topic() (JSON): what is
  // read of the rows that are grouped, EVENT_TIME and STREAM_TIME. Empty where no row can be late, and of
  // joins, whose late rows are of several kinds.
  std::vector<Field> late_columns() const;
  // How many steps lie before what a view reads: the aggregate, else the last KeepStep, with it; 0: the
  // source.
  size_t kept_before() const;
  // Whether views have something to read.
  bool keeps() const;
  // A join of streams, or an aggregate, leaves late rows aside.
  bool has_late_rows() const;
  const SourceSpec& input(size_t i) const { return i == 0 ? source : inputs[i - 1]; }
  size_t input_count() const { return inputs.size() + 1; }
  // Which columns there are after step n; others are null pointers.
  std::vector<bool> present(size_t n) const;
  std::string text() const;
};

inline constexpr const char* kEventTime = "EVENT_TIME";
inline constexpr const char* kStreamTime = "STREAM_TIME";

// Whether what it computes needs to know how far every partition is, or hangs on the order of rows: build()
// then gives it to one worker.
bool needs_one_worker(const Topology& topology);

// Checks the parts and fills in `schemas`. invalid: what does not fit and where.
Result<Topology> build(Topology parts);

}  // namespace tradewind::stream
