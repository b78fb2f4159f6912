#pragma once
// Parser: tokens -> statements, by recursive descent; nesting is limited to kMostDepth.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "sql/parser/lexer.h"
#include "sql/statement.h"

namespace tradewind::sql {

constexpr int kMostDepth = 200;

class Parser {
 public:
  Parser(const std::string& text, std::vector<Token> tokens, const std::map<std::string, Type>& types)
      : text_(text), tokens_(std::move(tokens)), types_(types) {}

  // The next statement; nothing at the end.
  Result<std::optional<Statement>> statement();
  // For tests and rules: one expression, to the end of the text.
  Result<NodePtr> lone_expression();
  // A number and a unit of time, in ms.
  Result<int64_t> lone_duration();

 private:
  // parse_statement.cpp
  Result<Statement> parse_statement();
  Result<Statement> create();
  Result<Statement> alter();
  Result<Statement> create_source(bool table, CreateSource made);
  Result<Statement> insert();
  Result<Statement> drop();
  Result<Statement> show();
  Result<Statement> describe();
  Result<Statement> explain();
  Result<Statement> set(bool unset);
  Result<Statement> print();
  Result<Statement> assertion();
  Result<Statement> test_assertion();
  Result<> values_of(InsertValues& row, const char* word);
  Result<std::string> name_or_text(const char* what);
  Result<Statement> define(bool undefine);
  Result<Properties> with_clause();
  Result<std::vector<ColumnClause>> columns();
  Statement unsupported(const std::string& what);
  void skip_to_end();

  // parse_query.cpp
  Result<Query> query();
  Result<SelectItem> select_item();
  Result<WindowClause> window();
  Result<EnterClause> enter();
  Result<DeduplicateClause> deduplicate();
  Result<int64_t> duration();
  Result<std::vector<NodePtr>> expression_list();
  Result<JoinClause> join();
  Result<JoinClause::Within> within();

  // parse_expression.cpp
  Result<NodePtr> expression();
  Result<NodePtr> and_expression();
  Result<NodePtr> not_expression();
  Result<NodePtr> comparison();
  Result<NodePtr> predicate_tail(NodePtr left, bool negated);
  Result<NodePtr> joined_text();
  Result<NodePtr> sum();
  Result<NodePtr> product();
  Result<NodePtr> signed_value();
  Result<NodePtr> postfix();
  Result<NodePtr> primary();
  Result<NodePtr> literal();
  Result<NodePtr> case_expression();
  Result<NodePtr> cast_expression();
  Result<NodePtr> constructor();
  Result<NodePtr> named();
  bool is_lambda() const;
  Result<NodePtr> lambda();

  // parse_type.cpp
  Result<Type> type();
  Result<Type> decimal_type();
  Result<Type> struct_type();

  // tokens
  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is_word(const char* word, size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::word && peek(ahead).text == word;
  }
  bool is_symbol(const char* symbol, size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::symbol && peek(ahead).text == symbol;
  }
  bool take_word(const char* word);
  bool take_symbol(const char* symbol);
  Result<> need_word(const char* word);
  Result<> need_symbol(const char* symbol);
  Result<std::string> identifier(const char* what);
  Result<int64_t> whole_number(const char* what);
  Error wrong(const std::string& wanted) const;
  Error wrong_at(Place place, const std::string& message) const {
    return {Code::invalid, at(place, message)};
  }
  NodePtr make_call(Place place, std::string name, std::vector<NodePtr> children) const;

  struct Deeper {
    explicit Deeper(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Deeper() { --parser_.depth_; }
    Parser& parser_;
  };

  const std::string& text_;
  std::vector<Token> tokens_;
  const std::map<std::string, Type>& types_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace tradewind::sql
