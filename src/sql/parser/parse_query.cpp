#include "sql/parser/parser.h"

namespace tradewind::sql {

Result<Query> Parser::query() {
  Query made;
  TRY(need_word("SELECT"));
  do {
    made.items.push_back(TRY(select_item()));
  } while (take_symbol(","));
  TRY(need_word("FROM"));
  made.from_place = peek().place;
  made.from = TRY(identifier("the name of a stream or table"));
  const bool clause = is_word("EMIT") || (is_word("DEDUPLICATE") && is_word("BY", 1)) || is_word("WINDOW") ||
                      is_word("WITHIN") || (is_word("ON") && is_word("ENTER", 1));
  if (take_word("AS"))
    made.alias = TRY(identifier("an alias"));
  else if (peek().kind == Token::Kind::quoted_name || (peek().kind == Token::Kind::word && !clause)) {
    if (auto alias = identifier("an alias"); alias.ok()) made.alias = *alias;
  }
  while (is_word("JOIN") || is_word("INNER") || is_word("LEFT") || is_word("RIGHT") || is_word("FULL")) {
    made.joins.push_back(TRY(join()));
  }
  if (is_word("WINDOW")) made.window = TRY(window());
  if (take_word("WHERE")) made.where = TRY(expression());
  if (is_word("DEDUPLICATE")) made.deduplicate = TRY(deduplicate());
  if (take_word("GROUP")) {
    TRY(need_word("BY"));
    made.group_by = TRY(expression_list());
  }
  if (take_word("PARTITION")) {
    TRY(need_word("BY"));
    made.partition_by = TRY(expression_list());
  }
  if (take_word("HAVING")) made.having = TRY(expression());
  if (is_word("ON")) made.enter = TRY(enter());
  made.emit_place = peek().place;
  if (take_word("EMIT")) {
    if (take_word("FINAL"))
      made.emit = Query::Emit::final;
    else {
      TRY(need_word("CHANGES"));
      made.emit = Query::Emit::changes;
    }
  }
  if (take_word("LIMIT")) made.limit = TRY(whole_number("a number of rows"));
  return made;
}

// A bare list, or one in parentheses.
Result<std::vector<NodePtr>> Parser::expression_list() {
  std::vector<NodePtr> list;
  if (is_symbol("(")) {
    const size_t start = at_;
    ++at_;
    bool several = true;
    std::vector<NodePtr> inside;
    do {
      auto one = expression();
      if (!one.ok()) return one.error();
      inside.push_back(*one);
    } while (take_symbol(","));
    several = take_symbol(")") && !is_symbol("+") && !is_symbol("-") && !is_symbol("*") && !is_symbol("/") &&
              !is_symbol("->") && !is_symbol("||") && !is_symbol("[");
    if (several && !is_symbol(",")) return inside;
    at_ = start;
  }
  do {
    list.push_back(TRY(expression()));
  } while (take_symbol(","));
  return list;
}

Result<SelectItem> Parser::select_item() {
  SelectItem item;
  item.place = peek().place;
  if (take_symbol("*")) return item;
  const bool name = peek().kind == Token::Kind::word || peek().kind == Token::Kind::quoted_name;
  if (name && is_symbol(".", 1) && is_symbol("*", 2)) {
    item.qualifier = peek().text;
    at_ += 3;
    return item;
  }
  item.expression = TRY(expression());
  if (take_symbol("->*")) {
    item.fields = true;
    return item;
  }
  if (take_word("AS"))
    item.alias = TRY(identifier("an alias"));
  else if (peek().kind == Token::Kind::quoted_name ||
           (peek().kind == Token::Kind::word && !is_word("FROM"))) {
    item.alias = TRY(identifier("FROM or an alias"));
  }
  return item;
}

// "30 SECONDS"
Result<int64_t> Parser::duration() {
  constexpr int64_t kLongestMs = INT64_MAX / 4;  // what is added to times must not overflow
  const Place place = peek().place;
  const int64_t count = TRY(whole_number("a number and a unit such as 30 SECONDS"));
  static const std::map<std::string, int64_t> kUnits = {
      {"MILLISECOND", 1}, {"SECOND", 1000}, {"MINUTE", 60'000}, {"HOUR", 3'600'000}, {"DAY", 86'400'000}};
  std::string unit = peek().text;
  if (!unit.empty() && unit.back() == 'S') unit.pop_back();
  const auto known = kUnits.find(unit);
  if (known == kUnits.end()) return wrong("MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS");
  ++at_;
  int64_t ms = 0;
  if (__builtin_mul_overflow(count, known->second, &ms) || ms > kLongestMs)
    return wrong_at(place, "that time is too long; the longest is " +
                               std::to_string(kLongestMs / kUnits.at("DAY")) + " DAYS");
  return ms;
}

Result<int64_t> Parser::lone_duration() {
  const int64_t ms = TRY(duration());
  if (peek().kind != Token::Kind::end) return wrong("nothing more");
  return ms;
}

Result<WindowClause> Parser::window() {
  WindowClause made;
  made.place = peek().place;
  TRY(need_word("WINDOW"));
  if (take_word("TUMBLING"))
    made.kind = WindowClause::Kind::tumbling;
  else if (take_word("HOPPING"))
    made.kind = WindowClause::Kind::hopping;
  else if (take_word("SESSION"))
    made.kind = WindowClause::Kind::session;
  else if (take_word("SLIDING"))
    made.kind = WindowClause::Kind::sliding;
  else
    return wrong("TUMBLING, HOPPING, SESSION or SLIDING");
  TRY(need_symbol("("));
  if (made.kind == WindowClause::Kind::session) {
    made.size_ms = TRY(duration());
  }
  while (!is_symbol(")")) {
    if (take_word("SIZE"))
      made.size_ms = TRY(duration());
    else if (is_word("ADVANCE")) {
      ++at_;
      TRY(need_word("BY"));
      made.advance_ms = TRY(duration());
    } else if (take_word("RETENTION"))
      made.retention_ms = TRY(duration());
    else if (take_word("GRACE")) {
      TRY(need_word("PERIOD"));
      made.grace_ms = TRY(duration());
    } else if (!take_symbol(","))
      return wrong("SIZE, ADVANCE BY, RETENTION or GRACE PERIOD");
  }
  TRY(need_symbol(")"));
  if (made.size_ms <= 0) return wrong_at(made.place, "a window needs a SIZE of more than nothing");
  return made;
}

Result<EnterClause> Parser::enter() {
  EnterClause made;
  made.place = peek().place;
  TRY(need_word("ON"));
  TRY(need_word("ENTER"));
  TRY(need_symbol("("));
  made.condition = TRY(expression());
  while (take_symbol(",")) {
    if (made.clear == nullptr && take_word("CLEAR"))
      made.clear = TRY(expression());
    else if (made.cooldown_ms == 0 && take_word("COOLDOWN"))
      made.cooldown_ms = TRY(duration());
    else
      return wrong("CLEAR and a condition, or COOLDOWN and a time, once each");
  }
  TRY(need_symbol(")"));
  return made;
}

Result<DeduplicateClause> Parser::deduplicate() {
  DeduplicateClause made;
  made.place = peek().place;
  TRY(need_word("DEDUPLICATE"));
  TRY(need_word("BY"));
  made.by = TRY(expression_list());
  TRY(need_word("WITHIN"));
  made.within_ms = TRY(duration());
  if (made.within_ms <= 0) return wrong_at(made.place, "DEDUPLICATE needs a time of more than nothing");
  return made;
}

Result<JoinClause> Parser::join() {
  JoinClause made;
  made.place = peek().place;
  while (!is_word("JOIN") && peek().kind == Token::Kind::word) made.text += tokens_[at_++].text + " ";
  TRY(need_word("JOIN"));
  made.text += "JOIN";
  made.source_place = peek().place;
  made.source = TRY(identifier("the name of a stream or table"));
  if (take_word("AS")) {
    made.alias = TRY(identifier("an alias"));
  } else if (peek().kind == Token::Kind::quoted_name ||
             (peek().kind == Token::Kind::word && !is_word("ON") && !is_word("WITHIN"))) {
    made.alias = TRY(identifier("WITHIN, ON or an alias"));
  }
  if (is_word("WITHIN")) made.within = TRY(within());
  TRY(need_word("ON"));
  made.on = TRY(expression());
  return made;
}

// "WITHIN 1 HOUR", "WITHIN (10 SECONDS, 1 MINUTE) GRACE PERIOD 1 HOUR"
Result<JoinClause::Within> Parser::within() {
  JoinClause::Within made;
  made.place = peek().place;
  TRY(need_word("WITHIN"));
  if (take_symbol("(")) {
    made.before_ms = TRY(duration());
    TRY(need_symbol(","));
    made.after_ms = TRY(duration());
    TRY(need_symbol(")"));
  } else {
    made.before_ms = made.after_ms = TRY(duration());
  }
  if (!take_word("GRACE")) return made;
  TRY(need_word("PERIOD"));
  made.grace_ms = TRY(duration());
  return made;
}

}  // namespace tradewind::sql
