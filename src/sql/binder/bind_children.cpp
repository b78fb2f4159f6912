#include <algorithm>

#include "sql/binder/scope.h"

namespace tradewind::sql {
namespace {

using expr::ExpressionPtr;

const char* const kUnits[] = {"MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"};

Error wrong(const Node& node, const std::string& message) {
  return {Code::invalid, at(node.place, message)};
}

// The unit in TIMESTAMPADD(MINUTES, 5, time) is a word of its own.
bool is_unit(const Node& call, size_t child) {
  if (child != 0 || call.form != Node::Form::call) return false;
  const std::string& name = call.text;
  if (!name.ends_with("ADD") && !name.ends_with("SUB")) return false;
  const Node& node = *call.children[0];
  if (node.form != Node::Form::name) return false;
  return std::any_of(std::begin(kUnits), std::end(kUnits),
                     [&](const std::string& unit) { return node.text == unit || node.text == unit + "S"; });
}

// What a lambda in this call is given.
Result<std::vector<Type>> parameters_of(const Node& call, const Node& lambda,
                                        const std::vector<ExpressionPtr>& bound) {
  std::vector<Type> types;
  const bool collection =
      !bound.empty() && (bound[0]->type.kind() == Kind::array || bound[0]->type.kind() == Kind::map);
  if (!collection || call.form != Node::Form::call)
    return wrong(lambda, "a lambda stands behind the array or map whose elements it takes");
  if (call.text == "REDUCE") {
    if (bound.size() != 2) return wrong(lambda, "REDUCE takes a collection, a start and one lambda");
    types.push_back(bound[1]->type);
  }
  if (bound[0]->type.kind() == Kind::map) types.push_back(bound[0]->type.key());
  types.push_back(bound[0]->type.element());
  if (types.size() != lambda.names.size()) {
    return wrong(lambda, call.text + " gives its lambda " + std::to_string(types.size()) + " values, not " +
                             std::to_string(lambda.names.size()));
  }
  return types;
}

Result<ExpressionPtr> bind_body(const Node& lambda, const std::vector<Type>& types, Scope& scope,
                                const BindOne& bind_one) {
  const size_t outside = scope.parameters.size();
  const bool may_explode = scope.may_explode;
  scope.may_explode = false;
  for (size_t i = 0; i < types.size(); ++i) scope.parameters.push_back({lambda.names[i], types[i]});
  auto body = bind_one(*lambda.children[0]);
  scope.parameters.resize(outside);
  scope.may_explode = may_explode;
  return body;
}

// A start that is narrower than what the lambda gives is widened: REDUCE(bigints, 0, (s, x) => s + x).
Result<ExpressionPtr> bind_reduce_body(const Node& lambda, std::vector<Type> types, Scope& scope,
                                       const BindOne& bind_one, ExpressionPtr& start) {
  ExpressionPtr body = TRY(bind_body(lambda, types, scope, bind_one));
  if (body->type == types[0]) return body;
  const auto wider = expr::common_type(body->type, types[0]);
  if (!wider.ok()) {
    return wrong(lambda,
                 "the lambda gives " + body->type.text() + ", but REDUCE starts with " + types[0].text());
  }
  if (wider->kind() != Kind::decimal || types[0].kind() != Kind::decimal) {
    start = expr::cast_if_needed(start, *wider);
    types[0] = *wider;
    body = TRY(bind_body(lambda, types, scope, bind_one));
  }
  // A DECIMAL would widen with each step: it keeps the type of the start.
  return expr::checked_cast(body, types[0]);
}

}  // namespace

Result<std::vector<ExpressionPtr>> bind_children(const Node& node, Scope& scope, const BindOne& bind_one) {
  std::vector<ExpressionPtr> bound;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = *node.children[i];
    if (is_unit(node, i)) {
      bound.push_back(expr::constant(Kind::string, Value(child.text)));
      continue;
    }
    if (child.form != Node::Form::lambda) {
      bound.push_back(TRY(bind_one(child)));
      continue;
    }
    // TRANSFORM of a map has two lambdas of the same parameters.
    std::vector<ExpressionPtr> before;
    for (const ExpressionPtr& one : bound) {
      if (one->node != expr::Node::lambda) before.push_back(one);
    }
    const std::vector<Type> types = TRY(parameters_of(node, child, before));
    auto made = std::make_shared<expr::Expression>();
    made->node = expr::Node::lambda;
    made->index = types.size();
    const ExpressionPtr body =
        TRY(node.text == "REDUCE" ? bind_reduce_body(child, types, scope, bind_one, bound[1])
                                  : bind_body(child, types, scope, bind_one));
    made->type = body->type;
    made->arguments.push_back(body);
    bound.emplace_back(made);
  }
  return bound;
}

Result<> expand_fields(const SelectItem& item, Scope& scope, std::vector<SelectItem>& items) {
  if (!item.fields) {
    items.push_back(item);
    return {};
  }
  const ExpressionPtr of = TRY(bind(*item.expression, scope));
  if (of->type.kind() != Kind::structure)
    return wrong(*item.expression, of->type.text() + " has no fields; ->* is for a STRUCT");
  for (const Field& field : of->type.fields()) {
    auto made = std::make_shared<Node>();
    made->form = Node::Form::field;
    made->place = item.place;
    made->text = field.name;
    made->children = {item.expression};
    items.push_back({.expression = made, .place = item.place});
  }
  return {};
}

}  // namespace tradewind::sql
