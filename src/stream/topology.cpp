#include "stream/topology.h"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "expr/aggregate.h"

namespace tradewind::stream {
namespace {

Error misfit(const std::string& query, const std::string& what) {
  return {Code::invalid, query + ": " + what};
}

Result<Schema> after(const std::string& query, const FilterStep& step, const Schema& input) {
  if (step.condition == nullptr || step.condition->type.kind() != Kind::boolean) {
    return misfit(query, "a filter needs a BOOLEAN condition");
  }
  return input;
}

Result<Schema> after(const std::string& query, const ProjectStep& step, const Schema&) {
  if (step.names.size() != step.expressions.size())
    return misfit(query, "a projection needs a name for each column");
  std::vector<Field> fields;
  for (size_t i = 0; i < step.names.size(); ++i) fields.push_back({step.names[i], step.expressions[i]->type});
  return Schema(std::move(fields));
}

Result<Schema> after(const std::string& query, const ExplodeStep& step, const Schema& input) {
  std::vector<Field> fields = input.fields();
  for (size_t i = 0; i < step.arrays.size(); ++i) {
    if (step.arrays[i]->type.kind() != Kind::array) return misfit(query, "only arrays can be exploded");
    fields.push_back({step.names[i], step.arrays[i]->type.element()});
  }
  return Schema(std::move(fields));
}

Result<Schema> after(const std::string& query, const KeepStep& step, const Schema& input) {
  if (step.keys.empty()) return misfit(query, "rows are kept by a key");
  for (const size_t key : step.keys) {
    if (key >= input.size()) return misfit(query, "a column that rows are kept by does not exist");
  }
  return input;
}

void append_named(const Schema& from, const std::string& name, std::vector<Field>& fields) {
  for (const Field& field : from.fields())
    fields.push_back({name.empty() ? field.name : name + "." + field.name, field.type});
}

Result<> check_join(const Topology& topology, const JoinStep& step) {
  using Form = JoinStep::Form;
  const std::string& query = topology.name;
  if (step.input >= topology.inputs.size()) return misfit(query, "a join's input does not exist");
  const bool keyed = !step.left_keys.empty() && step.left_keys.size() == step.right_keys.size() &&
                     step.key_names.size() == step.left_keys.size();
  if (!keyed) return misfit(query, "a join needs as many keys on the left as on the right");
  for (size_t i = 0; i < step.left_keys.size(); ++i) {
    if (step.left_keys[i]->type != step.right_keys[i]->type)
      return misfit(query, "the keys of a join have one type");
  }
  if (step.window.has_value() != (step.form == Form::streams))
    return misfit(query, "a join of streams has a window, others have none");
  if (step.window &&
      (step.window->before.count() < 0 || step.window->after.count() < 0 || step.window->grace.count() < 0))
    return misfit(query, "a join's window and grace are at least 0 ms");
  if (topology.inputs[step.input].table != (step.form != Form::streams))
    return misfit(query, "the right side of a join of streams is a stream, of others a table");
  const bool may_be_right = step.form == Form::streams || step.form == Form::tables;
  if (!may_be_right && step.kind != JoinStep::Kind::inner && step.kind != JoinStep::Kind::left)
    return misfit(query, "such a join is INNER or LEFT");
  if (step.row_keys.empty() == (step.form == Form::foreign_key))
    return misfit(query, "a join by a foreign key needs the key of its left rows, others do not");
  return {};
}

Result<Schema> after_join(const Topology& topology, const JoinStep& step, const Schema& input) {
  TRY(check_join(topology, step));
  std::vector<Field> fields;
  append_named(input, step.left_name, fields);
  append_named(source_schema(topology.inputs[step.input]), step.right_name, fields);
  for (size_t i = 0; i < step.left_keys.size(); ++i)
    fields.push_back({step.key_names[i], step.left_keys[i]->type});
  fields.push_back({"ROWTIME", Kind::bigint});
  return Schema(std::move(fields));
}

Result<> check_window(const std::string& query, const WindowSpec& window) {
  const bool tumbling = window.kind == WindowSpec::Kind::tumbling;
  if (window.kind == WindowSpec::Kind::session || window.kind == WindowSpec::Kind::sliding) {
    return window.size.count() > 0 ? Result<>() : misfit(query, "a window needs more than 0 ms");
  }
  if (window.advance.count() <= 0 || window.size < window.advance ||
      (tumbling && window.advance != window.size)) {
    return misfit(query, "a window must be as long as its advance, at least, and that more than 0 ms");
  }
  if (most_windows(window) > kMostWindows) {
    return misfit(query, "a row would lie in more than " + std::to_string(kMostWindows) + " windows");
  }
  return {};
}

Result<Schema> after(const std::string& query, const AggregateStep& step, const Schema&) {
  if (step.keys.empty() || step.key_names.size() != step.keys.size())
    return misfit(query, "an aggregate needs keys");
  if (step.final && !step.window) return misfit(query, "only windows close");
  std::vector<Field> fields;
  for (size_t i = 0; i < step.keys.size(); ++i) fields.push_back({step.key_names[i], step.keys[i]->type});
  if (step.window) {
    TRY(check_window(query, *step.window));
    fields.push_back({"WINDOWSTART", Kind::bigint});
    fields.push_back({"WINDOWEND", Kind::bigint});
  }
  for (const AggregateCall& call : step.calls) {
    std::optional<Type> argument;
    if (call.argument != nullptr) argument = call.argument->type;
    const auto aggregate = TRY(expr::make_aggregate(call.name, argument, call.constants));
    fields.push_back({call.output, aggregate->result_type()});
  }
  return Schema(std::move(fields));
}

Result<Schema> after(const std::string& query, const FunnelStep& step, const Schema&) {
  if (step.conditions.size() < 2 || step.within.count() <= 0)
    return misfit(query, "a funnel needs two steps at least, and a time");
  std::vector<Field> fields;
  for (size_t i = 0; i < step.groups.size(); ++i)
    fields.push_back({step.group_names[i], step.groups[i]->type});
  fields.push_back({"STEP", Kind::integer});
  fields.push_back({"ELAPSED", Kind::bigint});
  return Schema(std::move(fields));
}

Result<Schema> after(const std::string& query, const EnterStep& step, const Schema& input) {
  if (step.keys.empty() || step.condition == nullptr || step.condition->type.kind() != Kind::boolean)
    return misfit(query, "an edge needs a key and a BOOLEAN condition");
  return input;
}

Result<Schema> after(const std::string& query, const DeduplicateStep& step, const Schema& input) {
  if (step.keys.empty() || step.within.count() <= 0)
    return misfit(query, "to leave doubles out takes a key and a time");
  return input;
}

std::string funnel_text(const FunnelStep& funnel, const Schema& input) {
  std::string text = "funnel of " + expr::text_of(*funnel.person, input) + " within " +
                     std::to_string(funnel.within.count()) + " ms, " + (funnel.best ? "best" : "first");
  for (const expr::ExpressionPtr& condition : funnel.conditions)
    text += ", " + expr::text_of(*condition, input);
  return text + ", grace " + std::to_string(funnel.grace.count()) + " ms";
}

std::string enter_text(const EnterStep& enter, const Schema& input) {
  std::string text = "on enter " + expr::text_of(*enter.condition, input);
  if (enter.clear != nullptr) text += ", clear " + expr::text_of(*enter.clear, input);
  return text + ", cooldown " + std::to_string(enter.cooldown.count()) + " ms";
}

std::string deduplicate_text(const DeduplicateStep& step, const Schema& input) {
  std::string text = "deduplicate";
  for (size_t i = 0; i < step.keys.size(); ++i)
    text += (i == 0 ? " by " : ", ") + expr::text_of(*step.keys[i], input);
  return text + " within " + std::to_string(step.within.count()) + " ms";
}

std::string window_text(const WindowSpec& window) {
  const auto ms = [](Duration duration) { return std::to_string(duration.count()) + " ms"; };
  const std::string grace = ", grace " + ms(window.grace);
  if (window.kind == WindowSpec::Kind::sliding)
    return " over " + ms(window.size) + " before the newest row" + grace;
  const bool sessions = window.kind == WindowSpec::Kind::session;
  return (sessions ? " in sessions with gaps of " : " in windows of ") + ms(window.size) +
         (window.kind == WindowSpec::Kind::hopping ? " every " + ms(window.advance) : "") + grace +
         ", kept " + ms(window.retention);
}

std::string join_text(const Topology& topology, const JoinStep& step, const Schema& input) {
  static const char* const kKinds[] = {"inner", "left", "right", "full"};
  const SourceSpec& source = topology.inputs[step.input];
  const Schema right = source_schema(source);
  std::string text = std::string(kKinds[static_cast<int>(step.kind)]) + " join " +
                     (source.table ? "table " : "stream ") + source.topic + " (" +
                     schema::name_of(source.key_format) + ", " + schema::name_of(source.value_format) + ")" +
                     (step.form == JoinStep::Form::foreign_key ? " by foreign key" : "");
  for (size_t i = 0; i < step.left_keys.size(); ++i) {
    text += (i == 0 ? " on " : " and ") + expr::text_of(*step.left_keys[i], input) + " = " +
            expr::text_of(*step.right_keys[i], right);
  }
  if (!step.window) return text;
  return text + " within " + std::to_string(step.window->before.count()) + " ms before and " +
         std::to_string(step.window->after.count()) + " ms after, grace " +
         std::to_string(step.window->grace.count()) + " ms";
}

std::string step_text(const Topology& topology, const Step& step, const Schema& input) {
  if (const auto* join = std::get_if<JoinStep>(&step)) return join_text(topology, *join, input);
  if (const auto* keep = std::get_if<KeepStep>(&step)) {
    std::string keys;
    for (const size_t key : keep->keys) keys += (keys.empty() ? " " : ", ") + input[key].name;
    return "keep by" + keys;
  }
  if (const auto* funnel = std::get_if<FunnelStep>(&step)) return funnel_text(*funnel, input);
  if (const auto* enter = std::get_if<EnterStep>(&step)) return enter_text(*enter, input);
  if (const auto* step_of = std::get_if<DeduplicateStep>(&step)) return deduplicate_text(*step_of, input);
  if (const auto* filter = std::get_if<FilterStep>(&step))
    return "filter " + expr::text_of(*filter->condition, input);
  std::string text;
  if (const auto* project = std::get_if<ProjectStep>(&step)) {
    for (size_t i = 0; i < project->names.size(); ++i) {
      text += (i == 0 ? "project " : ", ") + expr::text_of(*project->expressions[i], input) + " AS " +
              project->names[i];
    }
    return text;
  }
  if (const auto* explode = std::get_if<ExplodeStep>(&step)) {
    for (size_t i = 0; i < explode->arrays.size(); ++i) {
      text += (i == 0 ? "explode " : ", ") + expr::text_of(*explode->arrays[i], input) + " AS " +
              explode->names[i];
    }
    return text;
  }
  const auto& aggregate = std::get<AggregateStep>(step);
  text = "aggregate";
  for (size_t i = 0; i < aggregate.calls.size(); ++i) {
    const AggregateCall& call = aggregate.calls[i];
    text += (i == 0 ? " " : ", ") + call.name + "(" +
            (call.argument == nullptr ? "*" : expr::text_of(*call.argument, input));
    for (const Value& fixed : call.constants) {
      const bool real = std::holds_alternative<double>(fixed.is);
      text += fixed.is_null() ? ", NULL"
              : real          ? ", " + value_text(Kind::real, fixed)
                              : ", " + std::to_string(fixed.number());
    }
    text += ") AS " + call.output;
  }
  for (size_t i = 0; i < aggregate.keys.size(); ++i) {
    text += (i == 0 ? " by " : ", ") + expr::text_of(*aggregate.keys[i], input);
  }
  if (aggregate.window) text += window_text(*aggregate.window);
  if (aggregate.final) text += ", given out when they close";
  if (aggregate.each) text += ", row by row";
  return text;
}

}  // namespace

const Type& headers_type() {
  static const Type kType = Type::array(Type::structure({{"KEY", Kind::string}, {"VALUE", Kind::bytes}}));
  return kType;
}

Type type_of(const HeaderColumn& column) {
  return column.key ? Type(Kind::bytes) : headers_type();
}

Schema source_schema(const SourceSpec& source) {
  std::vector<Field> fields = source.key_columns;
  fields.insert(fields.end(), source.value_columns.begin(), source.value_columns.end());
  for (const HeaderColumn& column : source.header_columns) fields.push_back({column.name, type_of(column)});
  if (source.windowed()) {
    fields.push_back({"WINDOWSTART", Kind::bigint});
    fields.push_back({"WINDOWEND", Kind::bigint});
  }
  fields.push_back({"ROWTIME", Kind::bigint});
  fields.push_back({"ROWPARTITION", Kind::integer});
  fields.push_back({"ROWOFFSET", Kind::bigint});
  return Schema(std::move(fields));
}

schema::SerdeSpec serde_spec(const SourceSpec& source, bool key) {
  schema::SerdeSpec spec;
  spec.format = key ? source.key_format : source.value_format;
  spec.columns = key ? source.key_columns : source.value_columns;
  spec.key = key;
  spec.topic = source.topic;
  spec.detail = key ? source.key_detail : source.value_detail;
  return spec;
}

size_t first_pseudo_column(const SourceSpec& source) {
  return source.key_columns.size() + source.value_columns.size() + source.header_columns.size();
}

std::vector<size_t> row_key_columns(const SourceSpec& source) {
  std::vector<size_t> columns(source.key_columns.size());
  std::iota(columns.begin(), columns.end(), size_t{0});
  const size_t start = first_pseudo_column(source);
  if (source.windowed()) columns.push_back(start);
  if (source.sessions) columns.push_back(start + 1);
  return columns;
}

std::optional<size_t> Topology::aggregate() const {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (std::holds_alternative<AggregateStep>(steps[i])) return i;
  }
  return std::nullopt;
}

bool is_pseudo_column(const std::string& name) {
  return name == "WINDOWSTART" || name == "WINDOWEND" || name == "ROWTIME" || name == "ROWPARTITION" ||
         name == "ROWOFFSET";
}

std::vector<Field> Topology::late_columns() const {
  const auto late = std::find_if(steps.begin(), steps.end(), [](const Step& step) {
    const auto* aggregate = std::get_if<AggregateStep>(&step);
    return std::holds_alternative<FunnelStep>(step) || (aggregate != nullptr && aggregate->window);
  });
  if (late == steps.end() || !inputs.empty()) return {};
  const auto at = static_cast<size_t>(late - steps.begin());
  std::vector<bool> read(schemas[0].size(), true);
  for (size_t i = 0; i < source.wanted.size(); ++i) read[i] = source.wanted[i].any;
  for (size_t step = 0; step < at; ++step) {
    if (const auto* explode = std::get_if<ExplodeStep>(&steps[step])) {
      for (size_t i = 0; i < explode->keep.size(); ++i) read[i] = read[i] && explode->keep[i];
      read.resize(schemas[step + 1].size(), true);
    } else if (!std::holds_alternative<FilterStep>(steps[step]) &&
               !std::holds_alternative<DeduplicateStep>(steps[step])) {
      read.assign(schemas[step + 1].size(), true);
    }
  }
  std::vector<Field> columns;
  for (size_t i = 0; i < read.size(); ++i) {
    const Field& field = schemas[at][i];
    if (read[i] && !is_pseudo_column(field.name)) columns.push_back(field);
  }
  columns.push_back({kEventTime, Kind::bigint});
  columns.push_back({kStreamTime, Kind::bigint});
  return columns;
}

size_t Topology::kept_before() const {
  if (const auto at = aggregate()) return *at + 1;
  for (size_t i = steps.size(); i-- > 0;) {
    if (std::holds_alternative<KeepStep>(steps[i])) return i + 1;
  }
  return 0;
}

bool Topology::keeps() const {
  return materialized || kept_before() > 0;
}

bool Topology::has_late_rows() const {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) {
    if (const auto* join = std::get_if<JoinStep>(&step)) return join->window.has_value();
    if (std::holds_alternative<FunnelStep>(step)) return true;
    const auto* aggregate = std::get_if<AggregateStep>(&step);
    return aggregate != nullptr && aggregate->window.has_value();
  });
}

namespace {

std::vector<bool> wanted_columns(const SourceSpec& source) {
  std::vector<bool> there(source_schema(source).size(), true);
  for (size_t i = 0; i < there.size() && !source.wanted.empty(); ++i) there[i] = source.wanted[i].any;
  return there;
}

}  // namespace

std::vector<bool> Topology::present(size_t n) const {
  std::vector<bool> there = wanted_columns(source);
  for (size_t i = 0; i < n; ++i) {
    if (const auto* join = std::get_if<JoinStep>(&steps[i])) {
      const std::vector<bool> right = wanted_columns(inputs[join->input]);
      there.insert(there.end(), right.begin(), right.end());
    }
    if (std::holds_alternative<ProjectStep>(steps[i]) || std::holds_alternative<AggregateStep>(steps[i]) ||
        std::holds_alternative<FunnelStep>(steps[i]))
      there.assign(schemas[i + 1].size(), true);
    there.resize(schemas[i + 1].size(), true);
  }
  return there;
}

std::string Topology::text() const {
  std::string text = "source " + source.topic + (source.table ? " as table" : " as stream") + " (" +
                     schema::name_of(source.key_format) + ", " + schema::name_of(source.value_format) + ")";
  if (!source.wanted.empty()) {
    text += " reading";
    for (size_t i = 0; i < schemas[0].size(); ++i) {
      if (source.wanted[i].any) text += " " + schemas[0][i].name;
    }
  }
  if (materialized) text += "\n  keep by key";
  if (one_worker) text += "\n  in one worker";
  for (size_t i = 0; i < steps.size(); ++i) text += "\n  " + step_text(*this, steps[i], schemas[i]);
  if (sink && !sink->topic.empty()) {
    text += "\n  to " + sink->topic + (sink->table ? " as table" : " as stream") + " (" +
            schema::name_of(sink->key_format) + ", " + schema::name_of(sink->value_format) + ", " +
            std::to_string(sink->partitions) + " partitions)";
  }
  return text + "\n";
}

bool needs_one_worker(const Topology& topology) {
  if (!topology.inputs.empty()) return true;
  return std::any_of(topology.steps.begin(), topology.steps.end(), [](const Step& step) {
    if (std::holds_alternative<FunnelStep>(step) || std::holds_alternative<EnterStep>(step) ||
        std::holds_alternative<DeduplicateStep>(step))
      return true;
    const auto* aggregate = std::get_if<AggregateStep>(&step);
    if (aggregate == nullptr) return false;
    return aggregate->final || aggregate->each ||
           (aggregate->window && (aggregate->window->kind == WindowSpec::Kind::session ||
                                  aggregate->window->kind == WindowSpec::Kind::sliding));
  });
}

Result<Topology> build(Topology parts) {
  if (parts.name.empty()) return Error{Code::invalid, "a topology needs a name"};
  parts.schemas = {source_schema(parts.source)};
  if (!parts.source.wanted.empty() && parts.source.wanted.size() != parts.schemas[0].size()) {
    return misfit(parts.name, "the wanted columns do not match the source's");
  }
  int aggregates = 0;
  size_t joins = 0;
  for (const Step& step : parts.steps) {
    const Schema& input = parts.schemas.back();
    const auto* join = std::get_if<JoinStep>(&step);
    if (join != nullptr && join->input != joins++)
      return misfit(parts.name, "inputs are joined in their order");
    Schema next = TRY(std::visit(
        [&](const auto& known) -> Result<Schema> {
          if constexpr (std::is_same_v<std::decay_t<decltype(known)>, JoinStep>)
            return after_join(parts, known, input);
          else
            return after(parts.name, known, input);
        },
        step));
    aggregates += std::holds_alternative<AggregateStep>(step) ? 1 : 0;
    parts.schemas.push_back(std::move(next));
  }
  if (aggregates > 1) return misfit(parts.name, "one query has at most one GROUP BY");
  if (joins != parts.inputs.size()) return misfit(parts.name, "each input is joined once");
  if (parts.source.table && parts.inputs.empty()) parts.materialized = true;
  if (needs_one_worker(parts)) parts.one_worker = true;
  if (parts.materialized && !parts.source.wanted.empty()) {
    // Rows are kept by key, whatever the query shows of it.
    for (const size_t i : row_key_columns(parts.source)) parts.source.wanted[i] = {};
  }
  if (parts.sink) {
    for (const size_t index : parts.sink->key_columns) {
      if (index >= parts.schemas.back().size())
        return misfit(parts.name, "a key column of the sink does not exist");
    }
    for (const size_t index : parts.sink->value_columns) {
      if (index >= parts.schemas.back().size())
        return misfit(parts.name, "a value column of the sink does not exist");
    }
    if (parts.sink->partitions < 1) return misfit(parts.name, "a sink needs at least one partition");
  }
  return parts;
}

}  // namespace tradewind::stream
