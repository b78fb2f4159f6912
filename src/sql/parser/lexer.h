#pragma once
// Lexer: text -> tokens with their places.

#include <string>
#include <vector>

#include "base/result.h"
#include "sql/statement.h"

namespace tradewind::sql {

struct Token {
  enum class Kind { word, quoted_name, string, whole, decimal, real, symbol, end };
  Kind kind = Kind::end;
  std::string text;  // word: upper case; quoted name: as written; string: its content; symbol: itself
  std::string raw;
  Place place;
  size_t begin = 0;  // in the source text
  size_t finish = 0;
};

Result<std::vector<Token>> tokenize(const std::string& text);

}  // namespace tradewind::sql
