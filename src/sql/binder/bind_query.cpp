#include "sql/binder/bind_query.h"

#include <algorithm>

#include "base/planted.h"
#include "expr/aggregate.h"
#include "sql/binder/bind_window.h"
#include "sql/binder/check_clauses.h"
#include "sql/binder/relation.h"

namespace tradewind::sql {
namespace {

using expr::ExpressionPtr;
using stream::AggregateStep;

Error wrong(Place place, const std::string& message) {
  return {Code::invalid, at(place, message)};
}

bool is_null(const Node& node) {
  return node.form == Node::Form::literal && node.value.is_null();
}

bool is_window_bound(const Node& node) {
  return node.form == Node::Form::name && (node.text == "WINDOWSTART" || node.text == "WINDOWEND");
}

class QueryBinder {
 public:
  QueryBinder(const Query& query, Relation relation, bool persistent)
      : query_(query), relation_(std::move(relation)), persistent_(persistent) {}

  Result<BoundQuery> run() {
    TRY(check_clauses(query_, relation_));
    scope_ = relation_.scope();
    scope_.may_explode = true;
    items_ = TRY(expand_stars());
    for (const SelectItem& item : items_) {
      if (!item.alias.empty() && contains(*item.expression, is_explode))
        scope_.aliases[item.alias] = item.expression;
    }
    // Without a GROUP BY all rows are one group; a table would have no key, so only readers may ask for it.
    const bool one_group =
        !persistent_ && std::any_of(items_.begin(), items_.end(), [](const SelectItem& item) {
          return contains(*item.expression, is_aggregate);
        });
    TRY(bind_where());
    TRY(bind_deduplicate());
    const bool aggregates = !query_.group_by.empty() || one_group;
    TRY(aggregates ? bind_aggregate() : bind_projection());
    bound_.keys = aggregates ? query_.group_by.size() : relation_.keys.size();
    bound_.windowed = aggregates ? bound_.window.has_value() : relation_.window_start.has_value();
    finish_steps();
    bound_.source = relation_.source;
    bound_.inputs = relation_.inputs;
    for (const Relation::Part& part : relation_.parts) bound_.reads.push_back(part.source->name);
    return std::move(bound_);
  }

 private:
  // "*" as the columns it stands for.
  Result<std::vector<SelectItem>> expand_stars() {
    std::vector<SelectItem> items;
    for (const SelectItem& item : query_.items) {
      if (item.expression != nullptr) {
        TRY(expand_fields(item, scope_, items));
        continue;
      }
      if (!query_.group_by.empty())
        return wrong(item.place, "* cannot stand beside GROUP BY; name the columns");
      if (item.qualifier.empty() && relation_.key_name)
        append_column(item.place, "", *relation_.key_name, items);
      bool known = false;
      for (const Relation::Part& part : relation_.parts) {
        if (!item.qualifier.empty() && item.qualifier != part.alias) continue;
        known = true;
        for (const SourceColumn& column : part.source->columns)
          append_column(item.place, relation_.joined() ? part.alias : "", column.name, items);
      }
      if (!known) return wrong(item.place, "no source is called " + item.qualifier + " here");
    }
    if (relation_.joined()) name_by_source(items);
    return items;
  }

  static void append_column(Place place, const std::string& alias, const std::string& column,
                            std::vector<SelectItem>& items) {
    auto name = std::make_shared<Node>();
    name->form = Node::Form::name;
    name->text = column;
    name->qualifier = alias;
    name->place = place;
    items.push_back({.expression = name, .alias = alias.empty() ? "" : alias + "_" + column, .place = place});
  }

  // A column that several of the joined sources have is called SOURCE_COLUMN unless it is named.
  void name_by_source(std::vector<SelectItem>& items) const {
    for (SelectItem& item : items) {
      const Node& node = *item.expression;
      if (!item.alias.empty() || node.form != Node::Form::name || node.qualifier.empty()) continue;
      const auto having = std::ranges::count_if(relation_.parts, [&](const Relation::Part& part) {
        return part.columns.find(node.text).has_value();
      });
      if (having > 1) item.alias = node.qualifier + "_" + node.text;
    }
  }

  Result<> bind_where() {
    if (query_.where == nullptr) return {};
    where_ = TRY(bind(*query_.where, scope_));
    if (where_->type.kind() != Kind::boolean) {
      return wrong(query_.where->place, "WHERE needs a condition, not " + where_->type.text());
    }
    where_explodes_ = contains(*query_.where, is_explode) || !scope_.arrays.empty();
    return {};
  }

  Result<> bind_deduplicate() {
    if (!query_.deduplicate) return {};
    deduplicate_.emplace();
    deduplicate_->within = Duration(query_.deduplicate->within_ms);
    const size_t arrays = scope_.arrays.size();
    for (const NodePtr& node : query_.deduplicate->by) deduplicate_->keys.push_back(TRY(bind(*node, scope_)));
    // Rows as they come, unless it looks at what they are exploded to, or WHERE does, which comes first.
    deduplicates_exploded_ = where_explodes_ || scope_.arrays.size() > arrays;
    return {};
  }

  Result<> bind_projection() {
    TRY(bind_partition_by());
    ItemNames names(items_);
    stream::ProjectStep project;
    for (const SelectItem& item : items_) {
      if (contains(*item.expression, is_aggregate)) {
        return wrong(item.place, "an aggregate needs a GROUP BY");
      }
      ExpressionPtr bound = TRY(bind(*item.expression, scope_));
      const std::string name = names.name_of(item);
      const bool key = bound_.rekeyed ? is_new_key(*bound) : take_key(bound);
      TRY(add_column(item, name, *bound, key));
      project.names.push_back(name);
      project.expressions.push_back(std::move(bound));
    }
    if (persistent_) TRY(check_keys());
    if (query_.enter) TRY(bind_enter_of_rows());
    bound_.table = relation_.table;
    if (relation_.table && !scope_.arrays.empty())
      return wrong(query_.from_place, "EXPLODE does not work on a table");
    if (relation_.window_start) add_window(*relation_.window_start, *relation_.first().window_type, project);
    after_.emplace_back(std::move(project));
    return {};
  }

  Result<> bind_enter_of_rows() {
    TRY(bind_enter([this](const Node& node) { return bind(node, scope_); }));
    enter_->keys = new_key_;
    for (size_t i = 0; !bound_.rekeyed && i < relation_.keys.size(); ++i) {
      const size_t column = relation_.keys[i].value;
      enter_->keys.push_back(expr::column(column, relation_.schema[column].type));
    }
    if (enter_->keys.empty())
      return wrong(query_.enter->place, "ON ENTER looks at the rows of a key; add PARTITION BY or GROUP BY");
    after_.emplace_back(std::move(*enter_));
    return {};
  }

  // What the new key is made of; with a star, what nothing selects is selected behind it.
  Result<> bind_partition_by() {
    if (query_.partition_by.empty()) return {};
    bound_.rekeyed = true;
    if (is_null(*query_.partition_by[0])) return {};
    const bool star = std::any_of(query_.items.begin(), query_.items.end(),
                                  [](const SelectItem& item) { return item.expression == nullptr; });
    for (const NodePtr& node : query_.partition_by) {
      new_key_.push_back(TRY(bind(*node, scope_)));
      bool selected = false;
      for (const SelectItem& item : items_) {
        const auto bound = bind(*item.expression, scope_);
        selected = selected || (bound.ok() && expr::same(**bound, *new_key_.back()));
      }
      if (star && !selected) items_.push_back({.expression = node, .place = node->place});
    }
    return {};
  }

  bool is_new_key(const expr::Expression& expression) const {
    return std::any_of(new_key_.begin(), new_key_.end(),
                       [&](const ExpressionPtr& key) { return expr::same(*key, expression); });
  }

  // Hands on the window's start, and of a session its end, which stands beside it.
  void add_window(size_t start, stream::WindowSpec::Kind kind, stream::ProjectStep& project) {
    bound_.window_start = project.names.size();
    project.names.push_back("WINDOWSTART");
    project.expressions.push_back(expr::column(start, Kind::bigint));
    if (kind != stream::WindowSpec::Kind::session) return;
    bound_.window_end = project.names.size();
    project.names.push_back("WINDOWEND");
    project.expressions.push_back(expr::column(start + 1, Kind::bigint));
  }

  // Whether an expression is a key column as it stands. After a join the first of those that may stand for
  // the key is it, and is given the key's value.
  bool take_key(ExpressionPtr& expression) {
    if (expression->node != expr::Node::column) return false;
    taken_keys_.resize(relation_.keys.size());
    for (size_t i = 0; i < relation_.keys.size(); ++i) {
      const Relation::Key& key = relation_.keys[i];
      const bool stands = std::ranges::find(key.columns, expression->index) != key.columns.end();
      if (!stands || taken_keys_[i].value_or(expression->index) != expression->index) continue;
      taken_keys_[i] = expression->index;
      expression = expr::column(key.value, expression->type);
      return true;
    }
    return false;
  }

  Result<> add_column(const SelectItem& item, const std::string& name, const expr::Expression& bound,
                      bool key) {
    const auto is_cast = [](const Node& node) { return node.form == Node::Form::cast; };
    const bool typed = contains(*item.expression, is_cast);
    if (bound.node == expr::Node::constant && bound.value.is_null() && !typed) {
      return wrong(item.place, "a column of NULLs has no type; CAST it");
    }
    for (const BoundColumn& known : bound_.columns) {
      if (known.name == name)
        return wrong(item.place, "two columns would be called " + name + "; give one an alias with AS");
    }
    const bool pseudo = name == "ROWTIME" || name == "ROWPARTITION" || name == "ROWOFFSET" ||
                        name == "WINDOWSTART" || name == "WINDOWEND";
    if (persistent_ && pseudo)
      return wrong(item.place, name + " needs an alias here, such as AS " + name + "_VALUE");
    bound_.columns.push_back({name, bound.type, key});
    return {};
  }

  Result<> check_keys() {
    if (bound_.rekeyed) return check_new_key();
    const auto found = std::count_if(bound_.columns.begin(), bound_.columns.end(),
                                     [](const BoundColumn& c) { return c.key; });
    if (relation_.keys.empty() || static_cast<size_t>(found) == relation_.keys.size()) return {};
    if (!relation_.joined()) {
      return wrong(query_.from_place, "the key column " + relation_.source.key_columns[0].name + " of " +
                                          relation_.first().name +
                                          " must be selected, once; add it to the SELECT");
    }
    std::string key;
    if (relation_.key_name) key = *relation_.key_name;
    for (size_t i = 0; i < relation_.keys.size() && !relation_.key_name; ++i) {
      key += i == 0 ? "" : " and ";
      for (const size_t column : relation_.keys[i].columns)
        key += (column == relation_.keys[i].columns.front() ? "" : " or ") + relation_.schema[column].name;
    }
    return wrong(query_.from_place,
                 "the key of the join, " + key + ", must be selected, once; add it to the SELECT");
  }

  Result<> check_new_key() {
    const auto found = std::count_if(bound_.columns.begin(), bound_.columns.end(),
                                     [](const BoundColumn& c) { return c.key; });
    if (static_cast<size_t>(found) == new_key_.size()) return {};
    return wrong(query_.partition_by[0]->place,
                 "what is partitioned by is the key and must be selected, once; AS_VALUE(...) gives a copy");
  }

  Result<> bind_aggregate() {
    AggregateStep step;
    for (const NodePtr& node : query_.group_by) {
      if (contains(*node, is_aggregate)) return wrong(node->place, "an aggregate cannot be grouped by");
      step.keys.push_back(TRY(bind(*node, scope_)));
    }
    if (step.keys.empty()) step.keys.push_back(expr::constant(Kind::integer, Value(int64_t{1})));
    step.final = query_.emit == Query::Emit::final;
    step.each = query_.enter.has_value();
    step.total = query_.group_by.empty() && query_.emit == Query::Emit::none;
    if (query_.window) step.window = TRY(window_of(*query_.window, step.final));
    if (step.window && step.window->kind != stream::WindowSpec::Kind::sliding) bound_.window = step.window;
    // Nothing is known of the results before all select items are bound: their columns are found by number.
    first_result_ = step.keys.size() + (step.window ? 2 : 0);
    ItemNames names(items_);
    std::vector<std::pair<std::string, ExpressionPtr>> outputs;
    step_ = std::move(step);
    key_items_.assign(step_.keys.size(), "");
    for (const SelectItem& item : items_) {
      ExpressionPtr bound = TRY(bind_after(*item.expression));
      const std::string name = names.name_of(item);
      const bool key = bound->node == expr::Node::column && bound->index < step_.keys.size();
      if (key && persistent_ && !key_items_[bound->index].empty()) {
        return wrong(item.place, name + " and " + key_items_[bound->index] +
                                     " are the same key; AS_VALUE(...) gives a copy of it as a value");
      }
      if (key && key_items_[bound->index].empty()) key_items_[bound->index] = name;
      TRY(add_column(item, name, *bound, key));
      outputs.emplace_back(name, std::move(bound));
    }
    ExpressionPtr having;
    if (query_.having != nullptr) having = TRY(bind_after(*query_.having));
    if (having != nullptr && having->type.kind() != Kind::boolean)
      return wrong(query_.having->place, "HAVING needs a condition");
    if (step_.calls.empty())
      return wrong(query_.from_place, "a GROUP BY needs an aggregate such as COUNT(*) in SELECT or HAVING");
    if (funnel_ && step_.calls.size() > 1)
      return wrong(funnel_place_,
                   "FUNNEL counts tries, not rows; other aggregates need a query of their own");
    if (query_.enter) TRY(bind_enter([this](const Node& node) { return bind_after(node); }));
    const bool one_too_far = planted() && step_.window && having != nullptr;
    for (size_t i = 0; i < key_items_.size() + (one_too_far ? 1 : 0); ++i) {
      if (!persistent_ || !key_items_[i].empty()) continue;
      return wrong(query_.group_by[i]->place,
                   "what is grouped by is the key of the table and must be selected, once");
    }
    finish_aggregate(std::move(outputs), std::move(having));
    return {};
  }

  void finish_aggregate(std::vector<std::pair<std::string, ExpressionPtr>> outputs, ExpressionPtr having) {
    for (size_t i = 0; i < step_.keys.size(); ++i) {
      step_.key_names.push_back(key_items_[i].empty() ? "KEY_" + std::to_string(i) : key_items_[i]);
    }
    bound_.table = !enter_;
    stream::ProjectStep project;
    for (auto& [name, expression] : outputs) {
      project.names.push_back(name);
      project.expressions.push_back(std::move(expression));
    }
    if (bound_.window) add_window(step_.keys.size(), step_.window->kind, project);
    if (!persistent_ && query_.emit == Query::Emit::none)
      bound_.identity = add_unselected_keys(step_, key_items_, bound_.window ? 2 : 0, project);
    if (enter_) {
      for (size_t i = 0; i < step_.keys.size(); ++i)
        enter_->keys.push_back(expr::column(i, step_.keys[i]->type));
    }
    if (funnel_) {
      funnel_->groups = step_.keys;
      funnel_->group_names = step_.key_names;
      for (size_t i = 0; i < step_.keys.size(); ++i) step_.keys[i] = expr::column(i, step_.keys[i]->type);
      after_.emplace_back(std::move(*funnel_));
    }
    after_.emplace_back(std::move(step_));
    if (enter_) after_.emplace_back(std::move(*enter_));
    if (having != nullptr) after_.emplace_back(stream::FilterStep{std::move(having)});
    after_.emplace_back(std::move(project));
  }

  // An expression over the groups: aggregates, what is grouped by, and what is made of them.
  Result<ExpressionPtr> bind_after(const Node& node) {
    if (is_aggregate(node)) return bind_call(node);
    if (step_.window && is_window_bound(node)) {
      return expr::column(step_.keys.size() + (node.text == "WINDOWEND" ? 1 : 0), Kind::bigint);
    }
    if (!contains(node, is_aggregate) && !(step_.window && contains(node, is_window_bound))) {
      const ExpressionPtr bound = TRY(bind(node, scope_));
      for (size_t i = 0; i < step_.keys.size(); ++i) {
        if (expr::same(*bound, *step_.keys[i])) return expr::column(i, bound->type);
      }
      if (bound->node == expr::Node::constant || bound->node == expr::Node::parameter) return bound;
    }
    if (node.form == Node::Form::name || node.children.empty() || is_explode(node)) {
      return wrong(node.place, (node.text.empty() ? std::string("this") : node.text) +
                                   " is neither grouped by nor inside an aggregate; add it to GROUP BY");
    }
    auto children = TRY(bind_children(node, scope_, [this](const Node& child) { return bind_after(child); }));
    return assemble(node, std::move(children));
  }

  Result<> bind_enter(const BindOne& bind_one) {
    enter_.emplace();
    enter_->cooldown = Duration(query_.enter->cooldown_ms);
    const auto condition = [&](const NodePtr& node, const char* what) -> Result<ExpressionPtr> {
      ExpressionPtr bound = TRY(bind_one(*without_aliases(node, items_)));
      if (bound->type.kind() == Kind::boolean) return bound;
      return wrong(node->place, std::string(what) + " needs a condition, not " + bound->type.text());
    };
    enter_->condition = TRY(condition(query_.enter->condition, "ON ENTER"));
    if (query_.enter->clear != nullptr) enter_->clear = TRY(condition(query_.enter->clear, "CLEAR"));
    return {};
  }

  Result<ExpressionPtr> bind_funnel_call(const Node& node) {
    stream::FunnelStep funnel = TRY(bind_funnel(node, scope_));
    if (funnel_ && !same_funnel(*funnel_, funnel))
      return wrong(node.place, "one query has one FUNNEL; write another query for the other one");
    if (query_.enter) return wrong(node.place, "FUNNEL does not go with ON ENTER");
    const size_t keys = step_.keys.size();
    const auto made = expr::bind_funnel(expr::column(keys, Kind::integer),
                                        expr::column(keys + 1, Kind::bigint), funnel.conditions.size());
    if (!funnel_) {
      TRY(widen_for_funnel(query_.window ? &*query_.window : nullptr, funnel, step_.window));
      funnel_ = std::move(funnel);
      funnel_place_ = node.place;
      funnel_call_ = step_.calls.size();
      step_.calls.push_back(
          {node.text, made.argument, "AGGREGATE_" + std::to_string(funnel_call_), made.constants});
    }
    return expr::column(first_result_ + funnel_call_, made.result);
  }

  Result<ExpressionPtr> bind_call(const Node& node) {
    const expr::AggregateKind* kind = expr::find_aggregate(node.text);
    if (relation_.table && !kind->retracts) {
      return wrong(node.place,
                   node.text + " cannot take rows back, so it does not work on a table; use it on a stream");
    }
    if (kind->name == "FUNNEL") return bind_funnel_call(node);
    const bool star = node.form == Node::Form::star_call || node.children.empty();
    std::vector<ExpressionPtr> arguments;
    if (star && node.text != "COUNT" && !kind->timed) {  // as in ksqlDB: the time of the row
      arguments.push_back(expr::column(relation_.time, Kind::bigint));
    }
    for (const NodePtr& child : node.children) {
      if (contains(*child, is_aggregate))
        return wrong(node.place, "an aggregate cannot stand inside another");
      arguments.push_back(TRY(bind(*child, scope_)));
    }
    if (kind->timed) arguments.push_back(expr::column(relation_.time, Kind::bigint));
    const auto made = expr::bind_aggregate(node.text, std::move(arguments));
    if (!made.ok()) return wrong(node.place, made.error().message);
    for (size_t i = 0; i < step_.calls.size(); ++i) {
      const stream::AggregateCall& known = step_.calls[i];
      const bool same = known.name == node.text && known.constants == made->constants &&
                        (known.argument == nullptr) == (made->argument == nullptr) &&
                        (known.argument == nullptr || expr::same(*known.argument, *made->argument));
      if (same) return expr::column(first_result_ + i, made->result);
    }
    step_.calls.push_back(
        {node.text, made->argument, "AGGREGATE_" + std::to_string(step_.calls.size()), made->constants});
    return expr::column(first_result_ + step_.calls.size() - 1, made->result);
  }

  void finish_steps() {
    Usage usage(scope_.schema, scope_.arrays);
    add_read(after_, usage);
    if (where_ != nullptr) usage.add(*where_);
    if (deduplicate_) add_read({*deduplicate_}, usage);
    for (const ExpressionPtr& array : scope_.arrays) {
      if (array->node != expr::Node::column) usage.add(*array);
    }
    for (size_t i = 0; i < scope_.arrays.size();
         ++i) {  // an array is read even where none of its elements' fields is
      if (scope_.arrays[i]->node == expr::Node::column && !usage.reads(scope_.arrays[i]->index)) {
        usage.add_column(scope_.arrays[i]->index);
      }
    }
    relation_.want(usage);
    bound_.steps = relation_.steps;
    if (where_ != nullptr && !where_explodes_) bound_.steps.emplace_back(stream::FilterStep{where_});
    if (deduplicate_ && !deduplicates_exploded_) bound_.steps.emplace_back(*deduplicate_);
    if (!scope_.arrays.empty()) {
      stream::ExplodeStep explode{.arrays = scope_.arrays};
      for (size_t i = 0; i < scope_.arrays.size(); ++i)
        explode.names.push_back("EXPLODED_" + std::to_string(i));
      const std::vector<ExpressionPtr> none(scope_.arrays.size(),
                                            expr::constant(Kind::boolean, Value(int64_t{0})));
      Usage later(scope_.schema, none);
      add_read(after_, later);
      if (where_ != nullptr && where_explodes_) later.add(*where_);
      if (deduplicates_exploded_) add_read({*deduplicate_}, later);
      for (size_t i = 0; i < scope_.schema.size(); ++i) explode.keep.push_back(later.reads(i));
      bound_.steps.emplace_back(std::move(explode));
    }
    if (where_ != nullptr && where_explodes_) bound_.steps.emplace_back(stream::FilterStep{where_});
    if (deduplicates_exploded_) bound_.steps.emplace_back(std::move(*deduplicate_));
    for (stream::Step& step : after_) bound_.steps.push_back(std::move(step));
  }

  const Query& query_;
  Relation relation_;
  const bool persistent_;
  Scope scope_;
  std::vector<SelectItem> items_;
  BoundQuery bound_;
  ExpressionPtr where_;
  bool where_explodes_ = false;
  std::optional<stream::DeduplicateStep> deduplicate_;
  bool deduplicates_exploded_ = false;
  AggregateStep step_;
  size_t first_result_ = 0;
  std::vector<std::string> key_items_;
  std::vector<ExpressionPtr> new_key_;             // of PARTITION BY
  std::vector<std::optional<size_t>> taken_keys_;  // by key: the column that is selected as it
  std::optional<stream::EnterStep> enter_;
  std::optional<stream::FunnelStep> funnel_;
  Place funnel_place_;
  size_t funnel_call_ = 0;
  std::vector<stream::Step> after_;
};

}  // namespace

Result<BoundQuery> bind_query(const Query& query, const Catalog& catalog, bool persistent) {
  return QueryBinder(query, TRY(bind_relation(query, catalog)), persistent).run();
}

}  // namespace tradewind::sql
