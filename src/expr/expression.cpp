#include "expr/expression.h"

#include "base/check.h"
#include "expr/function.h"

namespace tradewind::expr {

ExpressionPtr column(size_t index, Type type) {
  auto made = std::make_shared<Expression>();
  made->node = Node::column;
  made->type = std::move(type);
  made->index = index;
  return made;
}

ExpressionPtr constant(Type type, Value value) {
  auto made = std::make_shared<Expression>();
  made->node = Node::constant;
  made->type = std::move(type);
  made->value = std::move(value);
  return made;
}

ExpressionPtr field(ExpressionPtr of, size_t index) {
  CHECK(of->type.kind() == Kind::structure && index < of->type.fields().size());
  auto made = std::make_shared<Expression>();
  made->node = Node::field;
  made->type = of->type.fields()[index].type;
  made->index = index;
  made->arguments = {std::move(of)};
  return made;
}

ExpressionPtr cast(ExpressionPtr of, Type to) {
  auto made = std::make_shared<Expression>();
  made->node = Node::cast;
  made->type = std::move(to);
  made->arguments = {std::move(of)};
  return made;
}

bool same(const Expression& a, const Expression& b) {
  if (a.node != b.node || !(a.type == b.type) || a.index != b.index || a.function != b.function) return false;
  if (!(a.value == b.value) || a.arguments.size() != b.arguments.size()) return false;
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    if (!same(*a.arguments[i], *b.arguments[i])) return false;
  }
  return true;
}

namespace {

std::string literal_text(const Expression& expression) {
  if (expression.value.is_null()) return "NULL";
  const std::string text = value_text(expression.type, expression.value);
  if (expression.type.kind() != Kind::string) return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

std::string call_text(const Expression& expression, const Schema& schema) {
  const std::string name(expression.function->name);
  const bool word = std::isalpha(static_cast<unsigned char>(name[0])) != 0;
  const bool infix =
      (!word || name == "AND" || name == "OR" || name == "LIKE") && expression.arguments.size() == 2;
  std::string text = infix ? "(" : name + "(";
  for (size_t i = 0; i < expression.arguments.size(); ++i) {
    if (i > 0) text += infix ? " " + name + " " : ", ";
    text += text_of(*expression.arguments[i], schema);
  }
  return text + ")";
}

}  // namespace

std::string text_of(const Expression& expression, const Schema& schema) {
  const auto argument = [&](size_t i) { return text_of(*expression.arguments[i], schema); };
  std::string text;
  switch (expression.node) {
    case Node::column:
      return expression.index < schema.size() ? schema[expression.index].name
                                              : "?" + std::to_string(expression.index);
    case Node::constant: return literal_text(expression);
    case Node::call: return call_text(expression, schema);
    case Node::choose:
      text = "CASE";
      for (size_t i = 0; i + 1 < expression.arguments.size(); i += 2) {
        text += " WHEN " + argument(i) + " THEN " + argument(i + 1);
      }
      if (expression.arguments.size() % 2 == 1) text += " ELSE " + argument(expression.arguments.size() - 1);
      return text + " END";
    case Node::cast: return "CAST(" + argument(0) + " AS " + expression.type.text() + ")";
    case Node::field:
      return argument(0) + "->" + expression.arguments[0]->type.fields()[expression.index].name;
    case Node::element: return argument(0) + "[" + argument(1) + "]";
    case Node::make_array: text = "ARRAY["; break;
    case Node::make_map: text = "MAP("; break;
    case Node::make_structure: text = "STRUCT("; break;
    case Node::parameter: return "x" + std::to_string(expression.index);
    case Node::lambda: return std::to_string(expression.index) + " => " + argument(0);
  }
  for (size_t i = 0; i < expression.arguments.size(); ++i) text += (i == 0 ? "" : ", ") + argument(i);
  return text + (expression.node == Node::make_array ? "]" : ")");
}

}  // namespace tradewind::expr
