#include "sql/binder/relation.h"

#include <algorithm>

#include "sql/plan.h"
#include "sql/windowed_source.h"

namespace tradewind::sql {
namespace {

using expr::ExpressionPtr;
using stream::JoinStep;

constexpr int64_t kDayMs = 86'400'000;

Error wrong(Place place, const std::string& message) {
  return {Code::invalid, at(place, message)};
}

Result<const Source*> source_called(const std::string& name, Place place, const Catalog& catalog) {
  if (const Source* found = catalog.find(name)) return found;
  return Error{Code::not_found, at(place, "no stream or table is called " + name +
                                              "; SHOW STREAMS and SHOW TABLES list them")};
}

Result<JoinStep::Kind> kind_of(const JoinClause& clause) {
  const std::string& text = clause.text;
  if (text == "JOIN" || text == "INNER JOIN") return JoinStep::Kind::inner;
  if (text == "LEFT JOIN" || text == "LEFT OUTER JOIN") return JoinStep::Kind::left;
  if (text == "RIGHT JOIN" || text == "RIGHT OUTER JOIN") return JoinStep::Kind::right;
  if (text == "FULL JOIN" || text == "FULL OUTER JOIN") return JoinStep::Kind::full;
  return wrong(clause.place, text + " is no join; there are INNER, LEFT, RIGHT and FULL [OUTER] JOIN");
}

// A column of the source's windows: WINDOWSTART, or a session's WINDOWEND behind it.
size_t window_column(const stream::SourceSpec& source) {
  return source.key_columns.size() + source.value_columns.size();
}

Relation relation_of(const Source& source, const std::string& alias) {
  Relation made;
  made.source = source_spec(source);
  made.schema = stream::source_schema(made.source);
  made.parts.push_back({.alias = alias, .source = &source, .columns = made.schema});
  made.table = source.table;
  for (size_t i = 0; i < made.source.key_columns.size(); ++i) made.keys.push_back({{i}, i});
  made.time = *made.schema.find("ROWTIME");
  if (source.window_type) {
    made.window_start = window_column(made.source);
    if (made.source.sessions) made.window_end = *made.window_start + 1;
  }
  return made;
}

// Which of the sources an expression reads, by its columns.
void parts_read(const expr::Expression& expression, const std::vector<Scope::Part>& parts,
                std::vector<size_t>& read) {
  for (const ExpressionPtr& argument : expression.arguments) parts_read(*argument, parts, read);
  if (expression.node != expr::Node::column) return;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool inside =
        expression.index >= parts[i].first && expression.index < parts[i].first + parts[i].columns.size();
    if (inside && std::find(read.begin(), read.end(), i) == read.end()) read.push_back(i);
  }
}

// The expression over columns that lie `by` further back.
ExpressionPtr moved_back(const ExpressionPtr& expression, size_t by) {
  auto made = std::make_shared<expr::Expression>(*expression);
  if (made->node == expr::Node::column) made->index -= by;
  for (ExpressionPtr& argument : made->arguments) argument = moved_back(argument, by);
  return made;
}

bool holds_map(const Type& type) {
  if (type.kind() == Kind::map) return true;
  if (type.kind() == Kind::array) return holds_map(type.element());
  if (type.kind() != Kind::structure) return false;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [](const Field& field) { return holds_map(field.type); });
}

// Puts one more source beside a relation.
class JoinBinder {
 public:
  JoinBinder(Relation& left, const JoinClause& clause, const Source& source)
      : left_(left),
        clause_(clause),
        source_(source),
        alias_(clause.alias.empty() ? clause.source : clause.alias),
        right_(relation_of(source, alias_)) {}

  Result<> run() {
    step_.kind = TRY(kind_of(clause_));
    TRY(check_names());
    TRY(check_sides());
    TRY(bind_on());
    TRY(choose_form());
    TRY(check_windows());
    put_together();
    return {};
  }

 private:
  std::string left_text() const { return left_.parts.back().alias; }

  Result<> check_names() const {
    for (const Relation::Part& part : left_.parts) {
      if (part.source == &source_) {
        return wrong(clause_.source_place,
                     source_.name +
                         " cannot be joined with itself; declare its topic a second time: CREATE " +
                         (source_.table ? "TABLE" : "STREAM") + " ... WITH (KAFKA_TOPIC = '" + source_.topic +
                         "', ...)");
      }
      if (part.alias == alias_)
        return wrong(clause_.source_place, "two sources are called " + alias_ + "; give one another alias");
    }
    return {};
  }

  Result<> check_sides() const {
    const bool streams = !left_.table && !source_.table;
    if (left_.table && !source_.table) {
      return wrong(clause_.source_place,
                   "a table cannot stand on the left of a stream; put the stream first: "
                   "FROM " +
                       source_.name + " JOIN " + left_.first().name);
    }
    if (streams && !clause_.within) {
      return wrong(clause_.source_place,
                   "a join of two streams needs WITHIN: how far apart in time rows of " + left_text() +
                       " and " + alias_ + " may lie, such as WITHIN 1 HOUR, behind " + source_.name);
    }
    if (!streams && clause_.within) {
      return wrong(clause_.within->place, "WITHIN is for two streams; " + source_.name +
                                              " is a table, which has its last rows only; "
                                              "leave it out");
    }
    const bool one_sided = step_.kind == JoinStep::Kind::inner || step_.kind == JoinStep::Kind::left;
    if (!left_.table && source_.table && !one_sided) {
      return wrong(clause_.place, clause_.text +
                                      " of a stream with a table is not possible, for only the "
                                      "stream's rows give results; use INNER JOIN or LEFT JOIN");
    }
    return {};
  }

  // Exactly one equality, each side over one source.
  Result<> bind_on() {
    const Node& on = *clause_.on;
    if (on.form == Node::Form::call && (on.text == "AND" || on.text == "OR")) {
      return wrong(on.place,
                   "a join has one condition, an equality; filter with WHERE, or join on "
                   "expressions that hold several columns, such as STRUCTs");
    }
    if (on.form != Node::Form::call || on.text != "=" || on.children.size() != 2) {
      return wrong(on.place,
                   "ON needs an equality of an expression of " + left_text() + " and one of " + alias_);
    }
    Scope both = left_.scope();
    if (both.parts.empty()) both.parts.push_back({left_.parts[0].alias, 0, left_.parts[0].columns});
    const size_t first = left_.schema.size();
    both.parts.push_back({alias_, first, right_.schema});
    both.joined.clear();
    std::vector<Field> fields = left_.schema.fields();
    fields.insert(fields.end(), right_.schema.fields().begin(), right_.schema.fields().end());
    both.schema = Schema(std::move(fields));
    std::optional<ExpressionPtr> left;
    std::optional<ExpressionPtr> right;
    for (const NodePtr& child : on.children) {
      const ExpressionPtr bound = TRY(bind(*child, both));
      std::vector<size_t> read;
      parts_read(*bound, both.parts, read);
      if (read.size() != 1) {
        return wrong(child->place,
                     std::string("each side of ON is an expression of one source; this one reads ") +
                         (read.empty() ? "none" : "several"));
      }
      const bool of_right = read[0] + 1 == both.parts.size();
      std::optional<ExpressionPtr>& side = of_right ? right : left;
      if (side) {
        return wrong(child->place, "both sides of ON read " + both.parts[read[0]].alias +
                                       "; one of them must be an "
                                       "expression of " +
                                       (of_right ? left_text() : alias_));
      }
      side = of_right ? moved_back(bound, first) : bound;
    }
    CHECK(left && right);
    if ((*left)->type != (*right)->type) {
      return wrong(on.place, "the sides of ON differ in type: " + (*left)->type.text() + " of " +
                                 left_text() + ", " + (*right)->type.text() + " of " + alias_ +
                                 "; CAST one of them");
    }
    if (holds_map((*left)->type)) return wrong(on.place, "a MAP cannot be joined on");
    step_.left_keys = {*left};
    step_.right_keys = {*right};
    return {};
  }

  static std::optional<size_t> column_of(const ExpressionPtr& expression) {
    return expression->node == expr::Node::column ? std::optional(expression->index) : std::nullopt;
  }

  // The key of a relation, if the expression is it.
  static const Relation::Key* key_of(const Relation& relation, const ExpressionPtr& expression) {
    const auto column = column_of(expression);
    if (!column || relation.keys.size() != 1) return nullptr;
    const Relation::Key& key = relation.keys[0];
    const bool is = std::find(key.columns.begin(), key.columns.end(), *column) != key.columns.end();
    return is ? &key : nullptr;
  }

  static std::string key_names(const Relation& relation) {
    std::string names;
    for (const Field& key : relation.source.key_columns) names += (names.empty() ? "" : ", ") + key.name;
    return names;
  }

  Result<> choose_form() {
    using Form = JoinStep::Form;
    if (clause_.within) {
      step_.form = Form::streams;
      // Of a RIGHT JOIN it is said from the right row's point of view, as in ksqlDB.
      const bool right = step_.kind == JoinStep::Kind::right;
      const Duration before(right ? clause_.within->after_ms : clause_.within->before_ms);
      const Duration after(right ? clause_.within->before_ms : clause_.within->after_ms);
      step_.window = stream::JoinWindow{.before = before,
                                        .after = after,
                                        .grace = Duration(clause_.within->grace_ms.value_or(kDayMs)),
                                        .eager = !clause_.within->grace_ms};
      return {};
    }
    if (key_of(right_, step_.right_keys[0]) == nullptr) {
      return wrong(clause_.on->place,
                   "table " + alias_ + " is joined by its PRIMARY KEY, and that alone; write ON " +
                       left_text() + ".... = " + alias_ + "." + key_names(right_) +
                       (right_.keys.size() == 1 ? "" : ", which takes a key of one column"));
    }
    step_.form = left_.table ? Form::tables : Form::stream_table;
    if (!left_.table || key_of(left_, step_.left_keys[0]) != nullptr) return {};
    if (left_.joined()) {
      return wrong(
          clause_.on->place,
          "the left side is joined by its key here; a join by another column (a foreign key) comes first "
          "in a chain of joins, or over a table that a query of its own makes");
    }
    if (step_.kind != JoinStep::Kind::inner && step_.kind != JoinStep::Kind::left) {
      return wrong(clause_.place,
                   clause_.text + " needs the PRIMARY KEY of both tables, and this is not that of " +
                       left_text() + "; by a foreign key INNER JOIN and LEFT JOIN are possible");
    }
    step_.form = Form::foreign_key;
    step_.row_keys = stream::row_key_columns(left_.source);
    return {};
  }

  // Rows of windows meet within the same window.
  Result<> check_windows() {
    const Source& left = left_.first();
    const bool left_windowed = left_.window_start.has_value();
    if (!left_windowed && !source_.window_type) return {};
    if (!left_windowed || !source_.window_type) {
      return wrong(clause_.source_place, (left_windowed ? left_text() : alias_) + " has windows and " +
                                             (left_windowed ? alias_ : left_text()) +
                                             " has none; both have the same or neither has");
    }
    if (left.window_type != source_.window_type || left.window_size_ms != source_.window_size_ms) {
      const auto text = [](const Source& source) {
        const auto size = source.window_size_ms;
        return name_of(*source.window_type) + (size ? " of " + std::to_string(*size) + " ms" : "");
      };
      return wrong(clause_.source_place, "the windows of " + left_text() + " are " + text(left) +
                                             ", those of " + alias_ + " are " + text(source_) +
                                             "; only the same can be joined");
    }
    if (key_of(left_, step_.left_keys[0]) == nullptr || key_of(right_, step_.right_keys[0]) == nullptr) {
      return wrong(clause_.on->place,
                   "where rows have windows they are joined by their key columns as they are");
    }
    add_key(*left_.window_start, *right_.window_start);
    add_key(*left_.window_start + 1, *right_.window_start + 1);  // the end lies beside it
    return {};
  }

  void add_key(size_t left, size_t right) {
    step_.left_keys.push_back(expr::column(left, Kind::bigint));
    step_.right_keys.push_back(expr::column(right, Kind::bigint));
  }

  // The columns that may stand for the key of the result.
  std::vector<size_t> standing_for_key(size_t first) const {
    using Kind = JoinStep::Kind;
    std::vector<size_t> left;
    std::vector<size_t> right;
    if (const Relation::Key* key = key_of(left_, step_.left_keys[0]))
      left = key->columns;
    else if (const auto column = column_of(step_.left_keys[0]))
      left = {*column};
    if (const auto column = column_of(step_.right_keys[0])) right = {first + *column};
    switch (step_.kind) {
      case Kind::inner: left.insert(left.end(), right.begin(), right.end()); return left;
      case Kind::left: return left.empty() ? right : left;
      case Kind::right: return right.empty() ? left : right;
      case Kind::full: return {};
    }
    return {};
  }

  void put_together() {
    step_.input = left_.inputs.size();
    if (!left_.joined()) step_.left_name = left_.parts[0].alias;
    step_.right_name = alias_;
    const size_t first = left_.schema.size();
    const size_t key = first + right_.schema.size();
    std::vector<size_t> standing = standing_for_key(first);
    const bool foreign = step_.form == JoinStep::Form::foreign_key;
    name_keys(standing.empty());
    std::vector<Field> fields;
    const auto append = [&](const Schema& schema, const std::string& name) {
      for (const Field& field : schema.fields())
        fields.push_back({name.empty() ? field.name : name + "." + field.name, field.type});
    };
    append(left_.schema, step_.left_name);
    append(right_.schema, step_.right_name);
    for (size_t i = 0; i < step_.left_keys.size(); ++i)
      fields.push_back({step_.key_names[i], step_.left_keys[i]->type});
    fields.push_back({"ROWTIME", Kind::bigint});
    left_.time = fields.size() - 1;
    left_.schema = Schema(std::move(fields));
    left_.parts.push_back({.alias = alias_, .source = &source_, .first = first, .columns = right_.schema});
    left_.inputs.push_back(right_.source);
    left_.table = left_.table && source_.table;
    left_.key_name.reset();
    if (foreign) left_.steps.emplace_back(stream::KeepStep{step_.row_keys});
    if (!foreign) {
      if (standing.empty()) {
        left_.key_name = step_.key_names[0];
        standing = {key};
      }
      left_.keys = {{std::move(standing), key}};
    }
    if (left_.window_start) left_.window_start = key + 1;
    if (left_.window_end) left_.window_end = key + 2;
    left_.steps.emplace_back(std::move(step_));
  }

  void name_keys(bool synthetic) {
    std::string name = "ROWKEY";
    const auto taken = [&] {
      const auto has = [&](const Relation::Part& part) { return part.columns.find(name).has_value(); };
      return right_.schema.find(name) || std::any_of(left_.parts.begin(), left_.parts.end(), has);
    };
    for (int n = 1; synthetic && taken(); ++n) name = "ROWKEY_" + std::to_string(n);
    step_.key_names = {name, "WINDOWSTART", "WINDOWEND"};
    step_.key_names.resize(step_.left_keys.size());
  }

  Relation& left_;
  const JoinClause& clause_;
  const Source& source_;
  const std::string alias_;
  Relation right_;
  JoinStep step_;
};

}  // namespace

Scope Relation::scope() const {
  Scope scope;
  scope.schema = schema;
  scope.alias = parts[0].alias;
  if (!joined()) return scope;
  for (const Part& part : parts) scope.parts.push_back({part.alias, part.first, part.columns});
  scope.joined["ROWTIME"] = time;
  if (key_name) scope.joined[*key_name] = keys[0].value;
  if (window_start) {
    scope.joined["WINDOWSTART"] = *window_start;
    scope.joined["WINDOWEND"] = *window_start + 1;
  }
  return scope;
}

void Relation::want(Usage usage) {
  for (const stream::Step& step : steps) {
    if (const auto* keep = std::get_if<stream::KeepStep>(&step)) {
      for (const size_t key : keep->keys) usage.add_column(key);
    }
    const auto* join = std::get_if<JoinStep>(&step);
    if (join == nullptr) continue;
    for (const ExpressionPtr& key : join->left_keys) usage.add(*key);
  }
  const std::vector<schema::Wanted> wanted = usage.wanted();
  for (size_t i = 0; i < parts.size(); ++i) {
    stream::SourceSpec& spec = i == 0 ? source : inputs[i - 1];
    const auto first = wanted.begin() + static_cast<ptrdiff_t>(parts[i].first);
    spec.wanted.assign(first, first + static_cast<ptrdiff_t>(parts[i].columns.size()));
    if (!joined()) continue;
    // What a join keeps it keeps whole.
    for (schema::Wanted& one : spec.wanted) one.parts.clear();
  }
  for (const stream::Step& step : steps) {
    const auto* join = std::get_if<JoinStep>(&step);
    if (join == nullptr) continue;
    const std::vector<ExpressionPtr> no_arrays;
    Usage right(parts[join->input + 1].columns, no_arrays);
    for (const ExpressionPtr& key : join->right_keys) right.add(*key);
    std::vector<schema::Wanted>& into = inputs[join->input].wanted;
    for (size_t i = 0; i < into.size(); ++i) into[i].any = into[i].any || right.reads(i);
  }
}

Result<Relation> bind_relation(const Query& query, const Catalog& catalog) {
  const Source* first = TRY(source_called(query.from, query.from_place, catalog));
  Relation relation = relation_of(*first, query.alias.empty() ? query.from : query.alias);
  for (const JoinClause& clause : query.joins) {
    const Source* source = TRY(source_called(clause.source, clause.source_place, catalog));
    TRY(JoinBinder(relation, clause, *source).run());
  }
  if (!relation.joined() || !relation.table) return relation;
  // The result is a table of its own: what changes in it is known only where it is kept.
  stream::KeepStep keep;
  for (const Relation::Key& key : relation.keys) keep.keys.push_back(key.value);
  if (relation.window_start) keep.keys.push_back(*relation.window_start);
  if (relation.window_end) keep.keys.push_back(*relation.window_end);
  relation.steps.emplace_back(std::move(keep));
  return relation;
}

}  // namespace tradewind::sql
