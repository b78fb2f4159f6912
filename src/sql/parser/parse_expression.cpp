#include <algorithm>
#include <charconv>

#include "data/decimal.h"
#include "sql/parser/parser.h"

namespace tradewind::sql {
namespace {

const char* const kReserved[] = {"SELECT", "FROM",      "WHERE",  "GROUP",  "HAVING", "EMIT",    "LIMIT",
                                 "WINDOW", "PARTITION", "AND",    "OR",     "NOT",    "WHEN",    "THEN",
                                 "ELSE",   "END",       "AS",     "IN",     "LIKE",   "BETWEEN", "IS",
                                 "ON",     "JOIN",      "INNER",  "LEFT",   "RIGHT",  "FULL",    "WITHIN",
                                 "INTO",   "VALUES",    "CREATE", "INSERT", "CASE",   "CAST",    "WITH"};

bool reserved(const std::string& word) {
  return std::any_of(std::begin(kReserved), std::end(kReserved),
                     [&](const char* known) { return word == known; });
}

std::shared_ptr<Node> node_at(Node::Form form, Place place) {
  auto made = std::make_shared<Node>();
  made->form = form;
  made->place = place;
  return made;
}

}  // namespace

bool Parser::take_word(const char* word) {
  if (!is_word(word)) return false;
  ++at_;
  return true;
}

bool Parser::take_symbol(const char* symbol) {
  if (!is_symbol(symbol)) return false;
  ++at_;
  return true;
}

Error Parser::wrong(const std::string& wanted) const {
  const Token& token = peek();
  const std::string found = token.kind == Token::Kind::end ? "the text ends" : "'" + token.raw + "' stands";
  return wrong_at(token.place, found + " where " + wanted + " is expected");
}

Result<> Parser::need_word(const char* word) {
  if (!take_word(word)) return wrong(word);
  return {};
}

Result<> Parser::need_symbol(const char* symbol) {
  if (!take_symbol(symbol)) return wrong(std::string("'") + symbol + "'");
  return {};
}

Result<std::string> Parser::identifier(const char* what) {
  const Token& token = peek();
  const bool word = token.kind == Token::Kind::word && !reserved(token.text);
  if (!word && token.kind != Token::Kind::quoted_name) return wrong(what);
  ++at_;
  return token.text;
}

Result<int64_t> Parser::whole_number(const char* what) {
  const Token& token = peek();
  int64_t value = 0;
  const auto end = token.text.data() + token.text.size();
  const auto read = std::from_chars(token.text.data(), end, value);
  if (token.kind != Token::Kind::whole || read.ptr != end) return wrong(what);
  if (read.ec != std::errc())
    return wrong_at(token.place, token.text + " is too large; the largest is " + std::to_string(INT64_MAX));
  ++at_;
  return value;
}

NodePtr Parser::make_call(Place place, std::string name, std::vector<NodePtr> children) const {
  auto made = node_at(Node::Form::call, place);
  made->text = std::move(name);
  made->children = std::move(children);
  return made;
}

Result<NodePtr> Parser::lone_expression() {
  NodePtr made = TRY(expression());
  if (peek().kind != Token::Kind::end) return wrong("the end");
  return made;
}

Result<NodePtr> Parser::expression() {
  const Deeper deeper(*this);
  if (depth_ > kMostDepth) return wrong_at(peek().place, "expressions are nested too deeply");
  NodePtr left = TRY(and_expression());
  while (is_word("OR")) {
    const Place place = peek().place;
    ++at_;
    const NodePtr right = TRY(and_expression());
    left = make_call(place, "OR", {left, right});
  }
  return left;
}

Result<NodePtr> Parser::and_expression() {
  NodePtr left = TRY(not_expression());
  while (is_word("AND")) {
    const Place place = peek().place;
    ++at_;
    const NodePtr right = TRY(not_expression());
    left = make_call(place, "AND", {left, right});
  }
  return left;
}

Result<NodePtr> Parser::not_expression() {
  const Deeper deeper(*this);
  if (depth_ > kMostDepth) return wrong_at(peek().place, "expressions are nested too deeply");
  const Place place = peek().place;
  if (take_word("NOT")) {
    const NodePtr of = TRY(not_expression());
    return make_call(place, "NOT", {of});
  }
  return comparison();
}

Result<NodePtr> Parser::comparison() {
  NodePtr left = TRY(joined_text());
  while (true) {
    const Token& token = peek();
    const bool relation =
        token.kind == Token::Kind::symbol && (token.text == "=" || token.text == "<>" || token.text == "<" ||
                                              token.text == "<=" || token.text == ">" || token.text == ">=");
    if (relation) {
      const std::string name = token.text;
      const Place place = token.place;
      ++at_;
      const NodePtr right = TRY(joined_text());
      left = make_call(place, name, {left, right});
      continue;
    }
    const bool negated = is_word("NOT") && (is_word("IN", 1) || is_word("LIKE", 1) || is_word("BETWEEN", 1));
    if (negated) ++at_;
    if (!is_word("IS") && !is_word("IN") && !is_word("LIKE") && !is_word("BETWEEN")) return left;
    left = TRY(predicate_tail(left, negated));
  }
}

Result<NodePtr> Parser::predicate_tail(NodePtr left, bool negated) {
  const Place place = peek().place;
  NodePtr made;
  if (take_word("IS")) {
    const bool no = take_word("NOT");
    if (take_word("NULL")) return make_call(place, no ? "IS NOT NULL" : "IS NULL", {left});
    TRY(need_word("DISTINCT"));
    TRY(need_word("FROM"));
    const NodePtr right = TRY(joined_text());
    return make_call(place, no ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", {left, right});
  }
  if (take_word("IN")) {
    TRY(need_symbol("("));
    std::vector<NodePtr> children = {left};
    do {
      children.push_back(TRY(expression()));
    } while (take_symbol(","));
    TRY(need_symbol(")"));
    made = make_call(place, "IN", std::move(children));
  } else if (take_word("LIKE")) {
    const NodePtr pattern = TRY(joined_text());
    std::vector<NodePtr> children = {left, pattern};
    if (take_word("ESCAPE")) children.push_back(TRY(joined_text()));
    made = make_call(place, "LIKE", std::move(children));
  } else {
    TRY(need_word("BETWEEN"));
    const NodePtr low = TRY(joined_text());
    TRY(need_word("AND"));
    const NodePtr high = TRY(joined_text());
    made =
        make_call(place, "AND", {make_call(place, ">=", {left, low}), make_call(place, "<=", {left, high})});
  }
  return negated ? make_call(place, "NOT", {made}) : made;
}

Result<NodePtr> Parser::joined_text() {
  NodePtr left = TRY(sum());
  while (is_symbol("||")) {
    const Place place = peek().place;
    ++at_;
    const NodePtr right = TRY(sum());
    left = make_call(place, "||", {left, right});
  }
  return left;
}

Result<NodePtr> Parser::sum() {
  NodePtr left = TRY(product());
  while (is_symbol("+") || is_symbol("-")) {
    const Token token = peek();
    ++at_;
    const NodePtr right = TRY(product());
    left = make_call(token.place, token.text, {left, right});
  }
  return left;
}

Result<NodePtr> Parser::product() {
  NodePtr left = TRY(signed_value());
  while (is_symbol("*") || is_symbol("/") || is_symbol("%")) {
    const Token token = peek();
    ++at_;
    const NodePtr right = TRY(signed_value());
    left = make_call(token.place, token.text, {left, right});
  }
  return left;
}

Result<NodePtr> Parser::signed_value() {
  const Deeper deeper(*this);
  if (depth_ > kMostDepth) return wrong_at(peek().place, "expressions are nested too deeply");
  const Place place = peek().place;
  if (take_symbol("+")) return signed_value();
  if (!take_symbol("-")) return postfix();
  const NodePtr of = TRY(signed_value());
  if (of->form == Node::Form::literal && !of->value.is_null() && of->type.is_number()) {
    auto negative = std::make_shared<Node>(*of);
    if (of->type.kind() == Kind::real)
      negative->value = Value(-of->value.real());
    else if (of->type.kind() == Kind::decimal)
      negative->value = Value(-of->value.decimal());
    else
      negative->value = Value(-of->value.number());
    negative->place = place;
    return NodePtr(negative);
  }
  auto zero = node_at(Node::Form::literal, place);
  zero->type = Kind::integer;
  zero->value = Value(int64_t{0});
  return make_call(place, "-", {NodePtr(zero), of});
}

Result<NodePtr> Parser::postfix() {
  NodePtr of = TRY(primary());
  while (true) {
    const Place place = peek().place;
    if (take_symbol("->")) {
      auto made = node_at(Node::Form::field, place);
      made->text = TRY(identifier("the name of a field"));
      made->children = {of};
      of = made;
    } else if (take_symbol("[")) {
      auto made = node_at(Node::Form::element, place);
      const NodePtr index = TRY(expression());
      made->children = {of, index};
      TRY(need_symbol("]"));
      of = made;
    } else {
      return of;
    }
  }
}

Result<NodePtr> Parser::primary() {
  const Token& token = peek();
  if (token.kind == Token::Kind::symbol && token.text == "(") {
    ++at_;
    NodePtr inside = TRY(expression());
    TRY(need_symbol(")"));
    return inside;
  }
  const bool literal_word = is_word("TRUE") || is_word("FALSE") || is_word("NULL");
  if (token.kind != Token::Kind::word && token.kind != Token::Kind::quoted_name) return literal();
  if (literal_word) return literal();
  if (is_word("CASE")) return case_expression();
  if (is_word("CAST") && is_symbol("(", 1)) return cast_expression();
  if ((is_word("ARRAY") && is_symbol("[", 1)) ||
      ((is_word("MAP") || is_word("STRUCT")) && is_symbol("(", 1))) {
    return constructor();
  }
  if (is_word("DECIMAL") && peek(1).kind == Token::Kind::string) {
    ++at_;
    const auto number = parse_decimal(peek().text);
    if (!number) return wrong("a number");
    auto made = node_at(Node::Form::literal, peek().place);
    made->type = Type::decimal(std::max(number->precision, number->scale), number->scale);
    made->value = Value(number->unscaled);
    ++at_;
    return NodePtr(made);
  }
  return named();
}

Result<NodePtr> Parser::literal() {
  const Token& token = peek();
  auto made = node_at(Node::Form::literal, token.place);
  switch (token.kind) {
    case Token::Kind::string:
      made->type = Kind::string;
      made->value = Value(token.text);
      break;
    case Token::Kind::real:
      made->type = Kind::real;
      made->value = Value(std::strtod(token.text.c_str(), nullptr));
      break;
    case Token::Kind::whole:
    case Token::Kind::decimal: {
      const auto number = parse_decimal(token.text);
      if (!number) return wrong_at(token.place, "the number " + token.text + " has too many digits");
      const bool fits = token.kind == Token::Kind::whole && number->unscaled <= INT64_MAX;
      if (fits) {
        made->type = number->unscaled <= INT32_MAX ? Kind::integer : Kind::bigint;
        made->value = Value(static_cast<int64_t>(number->unscaled));
      } else {
        made->type = Type::decimal(std::max(number->precision, number->scale), number->scale);
        made->value = Value(number->unscaled);
      }
      break;
    }
    case Token::Kind::word:
      if (token.text == "NULL") {
        made->type = Kind::string;
        break;
      }
      made->type = Kind::boolean;
      made->value = Value(int64_t{token.text == "TRUE" ? 1 : 0});
      break;
    default: return wrong("an expression");
  }
  ++at_;
  return NodePtr(made);
}

Result<NodePtr> Parser::case_expression() {
  auto made = node_at(Node::Form::choose, peek().place);
  TRY(need_word("CASE"));
  NodePtr subject;
  if (!is_word("WHEN")) subject = TRY(expression());
  while (is_word("WHEN")) {
    const Place place = peek().place;
    ++at_;
    NodePtr condition = TRY(expression());
    if (subject != nullptr) condition = make_call(place, "=", {subject, condition});
    TRY(need_word("THEN"));
    made->children.push_back(condition);
    made->children.push_back(TRY(expression()));
  }
  if (made->children.empty()) return wrong("WHEN");
  if (take_word("ELSE")) {
    made->children.push_back(TRY(expression()));
    made->flag = true;
  }
  TRY(need_word("END"));
  return NodePtr(made);
}

Result<NodePtr> Parser::cast_expression() {
  auto made = node_at(Node::Form::cast, peek().place);
  TRY(need_word("CAST"));
  TRY(need_symbol("("));
  made->children = {TRY(expression())};
  TRY(need_word("AS"));
  made->type = TRY(type());
  TRY(need_symbol(")"));
  return NodePtr(made);
}

Result<NodePtr> Parser::constructor() {
  const Token token = peek();
  const bool array = token.text == "ARRAY";
  auto made = node_at(array                 ? Node::Form::make_array
                      : token.text == "MAP" ? Node::Form::make_map
                                            : Node::Form::make_structure,
                      token.place);
  at_ += 2;
  const char* end = array ? "]" : ")";
  while (!is_symbol(end)) {
    if (made->form == Node::Form::make_structure) {
      made->names.push_back(TRY(identifier("the name of a field")));
      TRY(need_symbol(":="));
    }
    made->children.push_back(TRY(expression()));
    if (made->form == Node::Form::make_map) {
      TRY(need_symbol(":="));
      made->children.push_back(TRY(expression()));
    }
    if (!take_symbol(",")) break;
  }
  TRY(need_symbol(end));
  return NodePtr(made);
}

// x => ... or (x, y, ...) => ...
bool Parser::is_lambda() const {
  const auto name = [&](size_t ahead) {
    return peek(ahead).kind == Token::Kind::word || peek(ahead).kind == Token::Kind::quoted_name;
  };
  if (!is_symbol("(")) return name(0) && is_symbol("=>", 1);
  size_t ahead = 1;
  while (name(ahead) && is_symbol(",", ahead + 1)) ahead += 2;
  return name(ahead) && is_symbol(")", ahead + 1) && is_symbol("=>", ahead + 2);
}

Result<NodePtr> Parser::lambda() {
  auto made = node_at(Node::Form::lambda, peek().place);
  const bool several = take_symbol("(");
  do {
    made->names.push_back(TRY(identifier("the name of a parameter")));
  } while (several && take_symbol(","));
  if (several) TRY(need_symbol(")"));
  TRY(need_symbol("=>"));
  made->children = {TRY(expression())};
  return NodePtr(made);
}

// A column or a call.
Result<NodePtr> Parser::named() {
  const Place place = peek().place;
  const bool quoted = peek().kind == Token::Kind::quoted_name;
  const std::string first = TRY(identifier("an expression"));
  if (!quoted && take_symbol("(")) {
    if (take_symbol("*")) {
      TRY(need_symbol(")"));
      auto made = node_at(Node::Form::star_call, place);
      made->text = first;
      return NodePtr(made);
    }
    std::vector<NodePtr> arguments;
    while (!is_symbol(")")) {
      arguments.push_back(TRY(is_lambda() ? lambda() : expression()));
      if (!take_symbol(",")) break;
    }
    TRY(need_symbol(")"));
    return make_call(place, first, std::move(arguments));
  }
  auto made = node_at(Node::Form::name, place);
  made->text = first;
  if (take_symbol(".")) {
    made->qualifier = first;
    made->text = TRY(identifier("the name of a column"));
  }
  return NodePtr(made);
}

}  // namespace tradewind::sql
