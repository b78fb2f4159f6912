#include "sql/binder/bind_window.h"

#include <algorithm>

#include "expr/aggregate.h"

namespace tradewind::sql {
namespace {

using expr::ExpressionPtr;

constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kFirstStep = 5;  // among the arguments of FUNNEL

Error wrong(Place place, const std::string& message) {
  return {Code::invalid, at(place, message)};
}

bool is_text(const Node& node) {
  return node.form == Node::Form::literal && node.type.kind() == Kind::string && !node.value.is_null();
}

// One of two words as a text literal.
Result<bool> is_first_of(const Node& node, const char* first, const char* second) {
  if (is_text(node) && node.value.text() == first) return true;
  if (is_text(node) && node.value.text() == second) return false;
  return wrong(node.place, "here FUNNEL takes '" + std::string(first) + "' or '" + second + "'");
}

}  // namespace

Result<stream::WindowSpec> window_of(const WindowClause& clause, bool final) {
  stream::WindowSpec window;
  window.size = window.advance = Duration(clause.size_ms);
  if (clause.kind == WindowClause::Kind::hopping) {
    window.kind = stream::WindowSpec::Kind::hopping;
    window.advance = Duration(clause.advance_ms);
    if (clause.advance_ms <= 0 || clause.advance_ms > clause.size_ms) {
      return wrong(clause.place, "HOPPING needs ADVANCE BY of more than nothing and at most SIZE");
    }
    if (stream::most_windows(window) > stream::kMostWindows) {
      return wrong(clause.place, "a row would lie in more than " + std::to_string(stream::kMostWindows) +
                                     " windows; use a longer ADVANCE BY");
    }
  }
  if (clause.kind == WindowClause::Kind::sliding) {
    window.kind = stream::WindowSpec::Kind::sliding;
    if (final) return wrong(clause.place, "a sliding window never closes; use EMIT CHANGES");
    if (clause.advance_ms != 0 || clause.retention_ms)
      return wrong(clause.place, "SLIDING takes SIZE and GRACE PERIOD only");
  }
  const bool session = clause.kind == WindowClause::Kind::session;
  if (session) {
    window.kind = stream::WindowSpec::Kind::session;
    window.advance = Duration(0);
  }
  // Whoever waits for the end of a window does not want to wait for a day more.
  const int64_t usual = final ? 0 : std::max<int64_t>(kDayMs - clause.size_ms, 0);
  window.grace = Duration(clause.grace_ms.value_or(usual));
  const int64_t least = clause.size_ms + window.grace.count();
  window.retention = Duration(clause.retention_ms.value_or(least));
  if (window.retention.count() < least) {
    return wrong(clause.place, std::string("RETENTION must be at least ") + (session ? "the gap" : "SIZE") +
                                   " and GRACE PERIOD together, " + std::to_string(least) + " ms");
  }
  return window;
}

Result<stream::FunnelStep> bind_funnel(const Node& call, Scope& scope) {
  if (call.children.size() < kFirstStep + 2 || call.children.size() > kFirstStep + expr::kMostFunnelSteps) {
    return wrong(call.place, "FUNNEL takes from 2 to " + std::to_string(expr::kMostFunnelSteps) +
                                 " steps; it is " + std::string(expr::find_aggregate("FUNNEL")->signature));
  }
  for (const NodePtr& child : call.children) {
    if (contains(*child, is_aggregate)) return wrong(call.place, "an aggregate cannot stand inside another");
  }
  stream::FunnelStep step;
  step.person = TRY(bind(*call.children[0], scope));
  if (step.person->type.is_nested())
    return wrong(call.children[0]->place, "a person is one value, not " + step.person->type.text());
  step.time = TRY(bind(*call.children[1], scope));
  if (step.time->type.kind() != Kind::bigint && step.time->type.kind() != Kind::timestamp) {
    return wrong(call.children[1]->place,
                 "FUNNEL takes a time as TIMESTAMP or BIGINT, not " + step.time->type.text());
  }
  const Node& within = *call.children[2];
  if (!is_text(within)) return wrong(within.place, "here FUNNEL takes a time such as '24 HOURS'");
  const auto ms = expr::duration_of(within.value.text());
  if (!ms.ok()) return wrong(within.place, ms.error().message);
  step.within = Duration(*ms);
  if (!is_text(*call.children[3]) || call.children[3]->value.text() != "ORDERED")
    return wrong(call.children[3]->place, "FUNNEL knows 'ORDERED' only: steps one after the other");
  step.best = TRY(is_first_of(*call.children[4], "BEST", "FIRST"));
  for (size_t i = kFirstStep; i < call.children.size(); ++i) {
    ExpressionPtr condition = TRY(bind(*call.children[i], scope));
    if (condition->type.kind() != Kind::boolean) {
      return wrong(call.children[i]->place, "a step of FUNNEL is a condition, not " + condition->type.text());
    }
    step.conditions.push_back(std::move(condition));
  }
  return step;
}

bool same_funnel(const stream::FunnelStep& a, const stream::FunnelStep& b) {
  return expr::same(*a.person, *b.person) && expr::same(*a.time, *b.time) && a.within == b.within &&
         a.best == b.best &&
         std::equal(a.conditions.begin(), a.conditions.end(), b.conditions.begin(), b.conditions.end(),
                    [](const auto& one, const auto& other) { return expr::same(*one, *other); });
}

Result<> widen_for_funnel(const WindowClause* clause, stream::FunnelStep& funnel,
                          std::optional<stream::WindowSpec>& window) {
  funnel.grace = Duration(kDayMs);
  if (!window) return {};
  if (clause->kind != WindowClause::Kind::tumbling && clause->kind != WindowClause::Kind::hopping)
    return wrong(clause->place, "FUNNEL counts in TUMBLING and HOPPING windows, or without one");
  funnel.grace = window->grace;
  window->grace += funnel.within;
  window->retention = std::max(window->retention, window->size + window->grace);
  return {};
}

NodePtr without_aliases(const NodePtr& node, const std::vector<SelectItem>& items) {
  if (node->form == Node::Form::name && node->qualifier.empty()) {
    for (const SelectItem& item : items) {
      if (item.alias == node->text) return item.expression;
    }
    return node;
  }
  if (node->children.empty()) return node;
  auto made = std::make_shared<Node>(*node);
  for (NodePtr& child : made->children) child = without_aliases(child, items);
  return made;
}

Result<> check_enter(const Query& query, bool table) {
  const Place place = query.enter->place;
  if (table) return wrong(place, "ON ENTER watches the rows of a stream; this is a table");
  if (query.having != nullptr)
    return wrong(query.having->place, "with ON ENTER rows pass by its condition; leave HAVING out");
  if (query.emit == Query::Emit::final)
    return wrong(query.emit_place, "ON ENTER tells at once; use EMIT CHANGES");
  if (query.window && query.window->kind != WindowClause::Kind::sliding)
    return wrong(query.window->place, "ON ENTER works with WINDOW SLIDING, or without a window");
  return {};
}

void add_read(const std::vector<stream::Step>& steps, Usage& usage) {
  const auto add = [&](const std::vector<ExpressionPtr>& expressions) {
    for (const ExpressionPtr& expression : expressions) {
      if (expression != nullptr) usage.add(*expression);
    }
  };
  for (const stream::Step& step : steps) {
    if (const auto* project = std::get_if<stream::ProjectStep>(&step)) add(project->expressions);
    if (const auto* aggregate = std::get_if<stream::AggregateStep>(&step)) {
      add(aggregate->keys);
      for (const auto& call : aggregate->calls) add({call.argument});
    }
    if (const auto* funnel = std::get_if<stream::FunnelStep>(&step)) {
      add({funnel->person, funnel->time});
      add(funnel->conditions);
      add(funnel->groups);
    }
    if (const auto* enter = std::get_if<stream::EnterStep>(&step)) {
      add(enter->keys);
      add({enter->condition, enter->clear});
    }
    if (const auto* deduplicate = std::get_if<stream::DeduplicateStep>(&step)) add(deduplicate->keys);
    if (!std::holds_alternative<stream::EnterStep>(step)) return;
  }
}

}  // namespace tradewind::sql
