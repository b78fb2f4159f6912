#include "sql/parser/parser.h"

namespace tradewind::sql {

Result<Type> Parser::decimal_type() {
  TRY(need_symbol("("));
  const Place place = peek().place;
  const int64_t precision = TRY(whole_number("a precision"));
  int64_t scale = 0;
  if (take_symbol(",")) scale = TRY(whole_number("a scale"));
  TRY(need_symbol(")"));
  if (precision < 1 || precision > 1000 || scale > precision) {
    return wrong_at(place, "a DECIMAL has a precision of at least 1 and a scale no greater than it");
  }
  return Type::decimal(static_cast<int>(precision), static_cast<int>(scale));
}

Result<Type> Parser::struct_type() {
  TRY(need_symbol("<"));
  std::vector<Field> fields;
  do {
    const std::string name = TRY(identifier("the name of a field"));
    Type of = TRY(type());
    fields.push_back({name, std::move(of)});
  } while (take_symbol(","));
  TRY(need_symbol(">"));
  return Type::structure(std::move(fields));
}

Result<Type> Parser::type() {
  const Deeper deeper(*this);
  if (depth_ > kMostDepth) return wrong_at(peek().place, "types are nested too deeply");
  const Token token = peek();
  const std::string name = TRY(identifier("a type"));
  if (name == "DECIMAL" || name == "DEC" || name == "NUMERIC") return decimal_type();
  if (name == "STRUCT") return struct_type();
  if (name == "ARRAY") {
    TRY(need_symbol("<"));
    Type made = TRY(type());
    TRY(need_symbol(">"));
    return Type::array(std::move(made));
  }
  if (name == "MAP") {
    TRY(need_symbol("<"));
    Type key = TRY(type());
    TRY(need_symbol(","));
    Type value = TRY(type());
    TRY(need_symbol(">"));
    return Type::map(std::move(key), std::move(value));
  }
  static const std::map<std::string, Kind> kKinds = {
      {"BOOLEAN", Kind::boolean}, {"INT", Kind::integer},        {"INTEGER", Kind::integer},
      {"BIGINT", Kind::bigint},   {"DOUBLE", Kind::real},        {"STRING", Kind::string},
      {"VARCHAR", Kind::string},  {"BYTES", Kind::bytes},        {"TIME", Kind::time},
      {"DATE", Kind::date},       {"TIMESTAMP", Kind::timestamp}};
  if (const auto known = kKinds.find(name); known != kKinds.end()) {
    if (name == "VARCHAR" && take_symbol("(")) {
      TRY(whole_number("a length"));
      TRY(need_symbol(")"));
    }
    return Type(known->second);
  }
  if (const auto known = types_.find(name); known != types_.end()) return known->second;
  return wrong_at(token.place,
                  "no type is called " + token.raw +
                      "; there are BOOLEAN, INTEGER, BIGINT, DOUBLE, "
                      "DECIMAL(p, s), STRING, BYTES, TIME, DATE, TIMESTAMP, ARRAY<>, MAP<,> and STRUCT<>");
}

}  // namespace tradewind::sql
