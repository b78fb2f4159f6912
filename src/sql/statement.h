#pragma once
// Statement: the syntax tree of one statement, as written: names are not looked up yet.
//
// Threads: plain values; expressions are shared and immutable.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/type.h"
#include "data/value.h"

namespace tradewind::sql {

struct Place {
  int line = 1;
  int column = 1;
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

// One expression. What the children are hangs on the form.
struct Node {
  enum class Form {
    literal,    // value, type
    name,       // text; qualifier before the dot, if any
    call,       // text = function or operator; children = arguments
    star_call,  // COUNT(*)
    choose,     // children: condition, result, ..., [else]; `flag`: has an else
    cast,       // child as `type`
    field,      // child -> text
    element,    // child [child]
    make_array,
    make_map,
    make_structure,  // structure: names
    lambda,          // names => child; stands in calls only
  };
  Form form = Form::literal;
  Place place;
  std::string text;
  std::string qualifier;
  Type type;
  Value value;
  bool flag = false;
  std::vector<std::string> names;
  std::vector<NodePtr> children;
};

struct SelectItem {
  NodePtr expression;     // null: *
  std::string alias;      // empty: none
  std::string qualifier;  // of "t.*"
  bool fields = false;    // ->*: each field of the structure
  Place place;
};

struct WindowClause {
  enum class Kind { tumbling, hopping, session, sliding };
  Kind kind = Kind::tumbling;
  int64_t size_ms = 0;
  int64_t advance_ms = 0;
  std::optional<int64_t> grace_ms;
  std::optional<int64_t> retention_ms;
  Place place;
};

// ON ENTER (condition [, CLEAR condition] [, COOLDOWN time])
struct EnterClause {
  NodePtr condition;
  NodePtr clear;  // null: when the condition is false
  int64_t cooldown_ms = 0;
  Place place;
};

struct DeduplicateClause {
  std::vector<NodePtr> by;  // ... WITHIN a time
  int64_t within_ms = 0;
  Place place;
};

struct JoinClause {
  std::string text;  // "LEFT JOIN"
  std::string source;
  std::string alias;
  Place source_place;
  struct Within {
    int64_t before_ms = 0;
    int64_t after_ms = 0;
    std::optional<int64_t> grace_ms;
    Place place;
  };
  std::optional<Within> within;
  NodePtr on;
  Place place;
};

struct Query {
  enum class Emit { none, changes, final };
  std::vector<SelectItem> items;
  std::string from;
  std::string alias;
  Place from_place;
  std::vector<JoinClause> joins;
  std::optional<WindowClause> window;
  NodePtr where;
  std::optional<DeduplicateClause> deduplicate;
  std::vector<NodePtr> group_by;
  std::vector<NodePtr> partition_by;
  NodePtr having;
  std::optional<EnterClause> enter;
  Emit emit = Emit::none;
  Place emit_place;
  std::optional<int64_t> limit;
};

struct ColumnClause {
  std::string name;
  Type type;
  bool key = false;      // KEY or PRIMARY KEY
  bool primary = false;  // PRIMARY KEY
  bool headers = false;  // HEADERS or HEADER('k')
  std::optional<std::string> header_key = std::nullopt;
  Place place = {};
};

// WITH (NAME = 'value', ...): names in upper case, values as text.
using Properties = std::map<std::string, std::string>;

struct CreateSource {
  bool table = false;
  bool or_replace = false;
  bool if_not_exists = false;
  bool source = false;  // CREATE SOURCE ...
  std::string name;
  std::vector<ColumnClause> columns;
  Properties with;
  std::optional<Query> query;  // ... AS SELECT
};
struct InsertValues {
  std::string target;
  std::vector<std::string> columns;
  std::vector<NodePtr> values;
};
struct InsertSelect {
  std::string target;
  Properties with;
  Query query;
};
struct Select {
  Query query;
};
struct Drop {
  enum class What { stream, table, type, connector };
  What what = What::stream;
  std::string name;
  bool if_exists = false;
  bool delete_topic = false;
};
struct Terminate {
  std::string query;  // empty: ALL
};
// PAUSE and RESUME.
struct Pause {
  std::string query;  // empty: ALL
  bool resume = false;
};
// ALTER STREAM or TABLE ... ADD COLUMN.
struct Alter {
  bool table = false;
  std::string name;
  std::vector<ColumnClause> columns;
};
struct Show {
  std::string what;  // "STREAMS", "TABLES", "QUERIES", ...
  bool extended = false;
};
struct Describe {
  std::string name;  // or "STREAMS", "TABLES" with `all`
  bool all = false;
  bool extended = false;
  bool function = false;
};
struct Explain {
  std::string query_id;          // or
  std::shared_ptr<Query> query;  // ... a SELECT, or of a CREATE ... AS
  std::string statement;
};
struct SetProperty {
  std::string name;
  std::optional<std::string> value;  // none: UNSET
};
struct Define {
  std::string name;
  std::optional<std::string> value;  // none: UNDEFINE
};
struct CreateType {
  std::string name;
  Type type;
  bool if_not_exists = false;
};
// PRINT: the records of a topic as they lie there.
struct Print {
  std::string topic;
  bool from_beginning = false;
  int64_t interval = 1;  // every so many-th
  std::optional<int64_t> limit;
};
// ASSERT [NOT EXISTS] TOPIC or SCHEMA, waiting for it.
struct Assert {
  bool exists = true;
  bool schema = false;
  std::string topic;
  Properties with;  // of the topic
  std::string subject;
  std::optional<int64_t> id;
  int64_t timeout_ms = 1000;
};
// ASSERT VALUES x (..) VALUES (..), ASSERT NULL VALUES x (..) KEY (..): the next record of a topic; tests
// only.
struct AssertValues {
  bool tombstone = false;
  InsertValues row;
};
// ASSERT STREAM x (..) WITH (..), or TABLE: how a source is declared; tests only.
struct AssertSource {
  CreateSource source;
};
// Known to the language, not offered yet.
struct Unsupported {
  std::string what;
};

struct Statement {
  std::string text;  // as written, without the semicolon
  Place place;
  std::variant<CreateSource, InsertValues, InsertSelect, Select, Drop, Terminate, Pause, Alter, Show,
               Describe, Explain, SetProperty, Define, CreateType, Print, Assert, AssertValues, AssertSource,
               Unsupported>
      is;
};

// "line 3, column 14: message"
std::string at(Place place, const std::string& message);

}  // namespace tradewind::sql
