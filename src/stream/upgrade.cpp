#include "stream/upgrade.h"

#include <algorithm>

namespace tradewind::stream {
namespace {

Error refused(const std::string& what, const std::string& why) {
  return {Code::invalid, what + " cannot change in a query that keeps its state: " + why +
                             ". DROP it and create it again, or create it under another name"};
}

std::string text_of(const Topology& topology, size_t step, const expr::ExpressionPtr& expression) {
  return expression == nullptr ? "*" : expr::text_of(*expression, topology.schemas[step]);
}

bool same_window(const WindowSpec& a, const WindowSpec& b) {
  return a.kind == b.kind && a.size == b.size && a.advance == b.advance;
}

// The rows that a materialized source keeps by key.
Result<> check_kept(const Topology& from, const Topology& to) {
  if (from.materialized != to.materialized) return refused("what is read", "rows are kept by key for one");
  if (!from.materialized) return {};
  const auto kept = [](const Topology& topology) {
    std::vector<std::string> names;
    const Schema& schema = topology.schemas[0];
    for (size_t i = 0; i < schema.size(); ++i) {
      const bool any = topology.source.wanted.empty() || topology.source.wanted[i].any;
      if (any) names.push_back(schema[i].name + " " + schema[i].type.text());
    }
    return names;
  };
  if (kept(from) == kept(to)) return {};
  return refused("the columns that are read of a table", "the rows at hand were kept without the others");
}

Result<> check_aggregate(const Topology& from, const Topology& to) {
  const auto a = from.aggregate();
  const auto b = to.aggregate();
  if (a.has_value() != b.has_value())
    return refused("GROUP BY", a ? "the groups would go" : "the rows of before are not there any more");
  if (!a) return {};
  const auto& old_step = std::get<AggregateStep>(from.steps[*a]);
  const auto& new_step = std::get<AggregateStep>(to.steps[*b]);
  const bool keys = std::equal(old_step.keys.begin(), old_step.keys.end(), new_step.keys.begin(),
                               new_step.keys.end(), [&](const auto& x, const auto& y) {
                                 return x->type == y->type && text_of(from, *a, x) == text_of(to, *b, y);
                               });
  if (!keys) return refused("GROUP BY", "the groups are counted by the old one");
  if (old_step.window.has_value() != new_step.window.has_value() ||
      (old_step.window && !same_window(*old_step.window, *new_step.window)))
    return refused("WINDOW", "the windows at hand are cut by the old one");
  if (old_step.final != new_step.final) return refused("EMIT", "rows have been given out by the old one");
  const bool calls = std::equal(old_step.calls.begin(), old_step.calls.end(), new_step.calls.begin(),
                                new_step.calls.end(), [&](const auto& x, const auto& y) {
                                  return x.name == y.name && x.constants == y.constants &&
                                         text_of(from, *a, x.argument) == text_of(to, *b, y.argument);
                                });
  if (!calls) return refused("the list of aggregates", "the rows of before are not in a new one");
  return {};
}

// What a funnel and an edge know of persons and keys must go on to mean the same; an edge's conditions may
// change.
Result<> check_additions(const Topology& from, const Topology& to) {
  const auto texts = [](const Topology& topology) {
    std::vector<std::string> list;
    for (size_t i = 0; i < topology.steps.size(); ++i) {
      if (const auto* funnel = std::get_if<FunnelStep>(&topology.steps[i])) {
        list.push_back("FUNNEL " + text_of(topology, i, funnel->person) + " " +
                       text_of(topology, i, funnel->time) + " " + std::to_string(funnel->within.count()) +
                       (funnel->best ? " BEST" : " FIRST"));
        for (const auto& part : funnel->conditions) list.push_back(text_of(topology, i, part));
        for (const auto& part : funnel->groups) list.push_back(text_of(topology, i, part));
      }
      if (const auto* step = std::get_if<DeduplicateStep>(&topology.steps[i])) {
        list.push_back("DEDUPLICATE " + std::to_string(step->within.count()));
        for (const auto& key : step->keys) list.push_back(text_of(topology, i, key));
      }
      if (const auto* enter = std::get_if<EnterStep>(&topology.steps[i])) {
        list.emplace_back("ON ENTER");
        for (const auto& key : enter->keys) list.push_back(text_of(topology, i, key));
      }
    }
    return list;
  };
  if (texts(from) == texts(to)) return {};
  return refused("FUNNEL, DEDUPLICATE, or the key of ON ENTER,",
                 "what is known of each is kept for the old one");
}

std::string field_text(const Topology& topology, size_t column) {
  const Field& field = topology.schemas.back()[column];
  return field.name + " " + field.type.text();
}

Result<> check_sink(const Topology& from, const Topology& to) {
  if (!from.sink || !to.sink) return {};
  const SinkSpec& a = *from.sink;
  const SinkSpec& b = *to.sink;
  if (a.topic != b.topic) return refused("KAFKA_TOPIC", "the results of before lie in " + a.topic);
  if (a.partitions != b.partitions)
    return refused("PARTITIONS", "the topic has " + std::to_string(a.partitions));
  if (a.key_format != b.key_format || a.value_format != b.value_format || !(a.key_detail == b.key_detail) ||
      !(a.value_detail == b.value_detail))
    return refused("the format", "the results of before are written in the old one");
  const auto texts = [](const Topology& topology, const std::vector<size_t>& columns) {
    std::vector<std::string> list;
    for (const size_t column : columns) list.push_back(field_text(topology, column));
    return list;
  };
  if (texts(from, a.key_columns) != texts(to, b.key_columns))
    return refused("the key", "the results of before lie under the old one");
  const auto old_values = texts(from, a.value_columns);
  const auto new_values = texts(to, b.value_columns);
  for (size_t i = 0; i < old_values.size(); ++i) {
    if (i < new_values.size() && old_values[i] == new_values[i]) continue;
    return Error{Code::invalid, "column " + std::to_string(i + 1) + " of the results is " + old_values[i] +
                                    (i < new_values.size() ? ", not " + new_values[i] : " and must stay") +
                                    ": columns keep their place, and new ones come behind them"};
  }
  return {};
}

}  // namespace

Result<> check_upgrade(const Topology& from, const Topology& to) {
  if (from.source.topic != to.source.topic || from.source.table != to.source.table)
    return refused("FROM", "its place is one in " + from.source.topic);
  if (!from.inputs.empty() || !to.inputs.empty())
    return refused("a join", "the rows at hand were kept for the old one");
  if (from.one_worker != to.one_worker) return refused("what is computed", "its state lies elsewhere");
  TRY(check_kept(from, to));
  TRY(check_aggregate(from, to));
  TRY(check_additions(from, to));
  return check_sink(from, to);
}

}  // namespace tradewind::stream
