#include "sql/parser/lexer.h"

#include <cctype>

namespace tradewind::sql {
namespace {

class Lexer {
 public:
  explicit Lexer(const std::string& text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      TRY(skip_blanks());
      Token token = TRY(next());
      tokens.push_back(token);
      if (token.kind == Token::Kind::end) return tokens;
    }
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void advance() {
    if (text_[at_] == '\n') {
      ++place_.line;
      place_.column = 0;
    }
    if ((text_[at_] & 0xc0) != 0x80) ++place_.column;
    ++at_;
  }

  Error wrong(Place place, const std::string& message) const { return {Code::invalid, at(place, message)}; }

  Result<> skip_blanks() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        advance();
      } else if (peek() == '-' && peek(1) == '-') {
        while (at_ < text_.size() && peek() != '\n') advance();
      } else if (peek() == '/' && peek(1) == '*') {
        const Place start = place_;
        while (at_ < text_.size() && !(peek() == '*' && peek(1) == '/')) advance();
        if (at_ >= text_.size()) return wrong(start, "this comment is not closed; end it with */");
        advance();
        advance();
      } else {
        break;
      }
    }
    return {};
  }

  static bool word_part(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '@';
  }

  Result<Token> next() {
    Token token;
    token.place = place_;
    token.begin = at_;
    if (at_ >= text_.size()) {
      token.finish = at_;
      return token;
    }
    const char c = peek();
    if (c == '\'')
      TRY(quoted('\'', Token::Kind::string, token));
    else if (c == '`')
      TRY(quoted('`', Token::Kind::quoted_name, token));
    else if (c == '"')
      TRY(quoted('"', Token::Kind::quoted_name, token));
    else if (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
             (c == '.' && std::isdigit(static_cast<unsigned char>(peek(1))) != 0))
      number(token);
    else if (word_part(c))
      word(token);
    else
      symbol(token);
    token.finish = at_;
    token.raw = text_.substr(token.begin, token.finish - token.begin);
    return token;
  }

  Result<> quoted(char quote, Token::Kind kind, Token& token) {
    token.kind = kind;
    advance();
    while (true) {
      if (at_ >= text_.size()) {
        return wrong(token.place, std::string("this ") + (quote == '\'' ? "text" : "name") +
                                      " is not closed; end it with " + quote);
      }
      if (peek() == quote) {
        if (peek(1) != quote) break;
        advance();
      }
      token.text += peek();
      advance();
    }
    advance();
    return {};
  }

  void word(Token& token) {
    token.kind = Token::Kind::word;
    while (word_part(peek())) {
      token.text += static_cast<char>(std::toupper(static_cast<unsigned char>(peek())));
      advance();
    }
  }

  void number(Token& token) {
    const auto digits = [&] {
      while (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
        token.text += peek();
        advance();
      }
    };
    token.kind = Token::Kind::whole;
    digits();
    if (peek() == '.') {
      token.kind = Token::Kind::decimal;
      token.text += '.';
      advance();
      digits();
    }
    const bool exponent =
        (peek() == 'e' || peek() == 'E') &&
        (std::isdigit(static_cast<unsigned char>(peek(1))) != 0 ||
         ((peek(1) == '-' || peek(1) == '+') && std::isdigit(static_cast<unsigned char>(peek(2))) != 0));
    if (exponent) {
      token.kind = Token::Kind::real;
      token.text += 'e';
      advance();
      token.text += peek();
      advance();
      digits();
      return;
    }
    if (token.kind == Token::Kind::whole && word_part(peek())) word(token), token.kind = Token::Kind::word;
  }

  void symbol(Token& token) {
    token.kind = Token::Kind::symbol;
    for (const char* known : {"->*", "<>", "!=", "<=", ">=", "||", "->", ":=", "=>"}) {
      const std::string_view wanted(known);
      if (text_.compare(at_, wanted.size(), wanted) != 0) continue;
      token.text = wanted == "!=" ? "<>" : std::string(wanted);
      for (size_t i = 0; i < wanted.size(); ++i) advance();
      return;
    }
    token.text = peek();
    advance();
    while (at_ < text_.size() && (peek() & 0xc0) == 0x80) {  // the rest of a character beyond ASCII
      token.text += peek();
      advance();
    }
  }

  const std::string& text_;
  size_t at_ = 0;
  Place place_;
};

}  // namespace

std::string at(Place place, const std::string& message) {
  return "line " + std::to_string(place.line) + ", column " + std::to_string(place.column) + ": " + message;
}

Result<std::vector<Token>> tokenize(const std::string& text) {
  return Lexer(text).run();
}

}  // namespace tradewind::sql
