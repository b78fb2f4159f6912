#include "sql/parse.h"

#include <algorithm>

#include "sql/parser/parser.h"

namespace tradewind::sql {

Result<std::optional<Statement>> Parser::statement() {
  while (take_symbol(";")) {
  }
  if (peek().kind == Token::Kind::end) return std::optional<Statement>();
  const size_t begin = peek().begin;
  const Place place = peek().place;
  Statement made = TRY(parse_statement());
  if (!is_symbol(";") && peek().kind != Token::Kind::end) return wrong("';' or the end of the statement");
  made.text = text_.substr(begin, tokens_[at_ - 1].finish - begin);
  made.place = place;
  take_symbol(";");
  return std::optional<Statement>(std::move(made));
}

Statement Parser::unsupported(const std::string& what) {
  skip_to_end();
  return {.is = Unsupported{what}};
}

void Parser::skip_to_end() {
  while (!is_symbol(";") && peek().kind != Token::Kind::end) ++at_;
}

Result<Statement> Parser::parse_statement() {
  if (is_word("SELECT")) return Statement{.is = Select{TRY(query())}};
  if (is_word("CREATE")) return create();
  if (is_word("INSERT")) return insert();
  if (is_word("DROP")) return drop();
  if (is_word("SHOW") || is_word("LIST")) return show();
  if (is_word("DESCRIBE")) return describe();
  if (is_word("EXPLAIN")) return explain();
  if (is_word("SET")) return set(false);
  if (is_word("UNSET")) return set(true);
  if (is_word("DEFINE")) return define(false);
  if (is_word("UNDEFINE")) return define(true);
  if (take_word("TERMINATE")) {
    if (take_word("ALL")) return Statement{.is = Terminate{}};
    return Statement{.is = Terminate{TRY(identifier("a query id or ALL"))}};
  }
  if (is_word("PAUSE") || is_word("RESUME")) {
    Pause made{.resume = is_word("RESUME")};
    ++at_;
    if (!take_word("ALL")) made.query = TRY(identifier("a query id or ALL"));
    return Statement{.is = std::move(made)};
  }
  if (is_word("ALTER")) return alter();
  if (is_word("PRINT")) return print();
  if (is_word("ASSERT")) return assertion();
  if (is_word("RUN")) return unsupported("RUN");
  return wrong("a statement such as CREATE, SELECT, INSERT, SHOW or DROP");
}

Result<Statement> Parser::create() {
  TRY(need_word("CREATE"));
  CreateSource made;
  if (take_word("OR")) {
    TRY(need_word("REPLACE"));
    made.or_replace = true;
  }
  if (is_word("TYPE")) {
    ++at_;
    CreateType type_made;
    if (take_word("IF")) {
      TRY(need_word("NOT"));
      TRY(need_word("EXISTS"));
      type_made.if_not_exists = true;
    }
    type_made.name = TRY(identifier("the name of a type"));
    TRY(need_word("AS"));
    type_made.type = TRY(type());
    return Statement{.is = std::move(type_made)};
  }
  if (is_word("SINK") || (is_word("SOURCE") && is_word("CONNECTOR", 1)))
    return unsupported("CREATE CONNECTOR");
  made.source = take_word("SOURCE");
  if (take_word("STREAM")) return create_source(false, std::move(made));
  if (take_word("TABLE")) return create_source(true, std::move(made));
  return wrong("STREAM, TABLE or TYPE");
}

Result<Statement> Parser::create_source(bool table, CreateSource made) {
  made.table = table;
  if (take_word("IF")) {
    TRY(need_word("NOT"));
    TRY(need_word("EXISTS"));
    made.if_not_exists = true;
  }
  made.name = TRY(identifier(table ? "the name of the table" : "the name of the stream"));
  if (is_symbol("(")) made.columns = TRY(columns());
  if (is_word("WITH")) made.with = TRY(with_clause());
  if (take_word("AS")) made.query = TRY(query());
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::alter() {
  TRY(need_word("ALTER"));
  Alter made;
  if (take_word("TABLE"))
    made.table = true;
  else if (!take_word("STREAM"))
    return wrong("STREAM or TABLE");
  made.name = TRY(identifier("the name of a stream or table"));
  if (!is_word("ADD")) return wrong("ADD");
  do {
    if (take_word("ADD")) take_word("COLUMN");
    ColumnClause column;
    column.place = peek().place;
    column.name = TRY(identifier("the name of a column"));
    column.type = TRY(type());
    made.columns.push_back(std::move(column));
  } while (take_symbol(","));
  return Statement{.is = std::move(made)};
}

Result<std::vector<ColumnClause>> Parser::columns() {
  TRY(need_symbol("("));
  std::vector<ColumnClause> list;
  do {
    ColumnClause column;
    column.place = peek().place;
    column.name = TRY(identifier("the name of a column"));
    column.type = TRY(type());
    if (take_word("PRIMARY")) {
      TRY(need_word("KEY"));
      column.key = true;
      column.primary = true;
    } else if (take_word("KEY")) {
      column.key = true;
    } else if (take_word("HEADERS")) {
      column.headers = true;
    } else if (take_word("HEADER")) {
      column.headers = true;
      TRY(need_symbol("("));
      if (peek().kind != Token::Kind::string) return wrong("the name of a header in quotes");
      column.header_key = peek().text;
      ++at_;
      TRY(need_symbol(")"));
    }
    list.push_back(std::move(column));
  } while (take_symbol(","));
  TRY(need_symbol(")"));
  return list;
}

Result<Properties> Parser::with_clause() {
  TRY(need_word("WITH"));
  TRY(need_symbol("("));
  Properties made;
  while (!is_symbol(")")) {
    const Token name = peek();
    if (name.kind != Token::Kind::word && name.kind != Token::Kind::string &&
        name.kind != Token::Kind::quoted_name) {
      return wrong("the name of a property");
    }
    ++at_;
    std::string key = name.text;
    for (char& c : key) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    TRY(need_symbol("="));
    const bool minus = is_symbol("-") && peek(1).kind == Token::Kind::whole && take_symbol("-");
    const Token value = peek();
    const bool fits = value.kind == Token::Kind::string || value.kind == Token::Kind::whole ||
                      value.kind == Token::Kind::word;
    if (!fits) return wrong("the value of " + key);
    ++at_;
    made[key] = (minus ? "-" : "") + value.text;
    if (!take_symbol(",")) break;
  }
  TRY(need_symbol(")"));
  return made;
}

Result<Statement> Parser::insert() {
  TRY(need_word("INSERT"));
  TRY(need_word("INTO"));
  const std::string target = TRY(identifier("the name of a stream or table"));
  if (is_word("WITH") || is_word("SELECT")) {
    InsertSelect made;
    made.target = target;
    if (is_word("WITH")) made.with = TRY(with_clause());
    made.query = TRY(query());
    return Statement{.is = std::move(made)};
  }
  InsertValues made;
  made.target = target;
  TRY(values_of(made, "VALUES"));
  return Statement{.is = std::move(made)};
}

// "[(columns)] VALUES (values)"
Result<> Parser::values_of(InsertValues& row, const char* word) {
  if (take_symbol("(")) {
    do {
      row.columns.push_back(TRY(identifier("the name of a column")));
    } while (take_symbol(","));
    TRY(need_symbol(")"));
  }
  TRY(need_word(word));
  TRY(need_symbol("("));
  do {
    row.values.push_back(TRY(expression()));
  } while (take_symbol(","));
  TRY(need_symbol(")"));
  return {};
}

Result<Statement> Parser::drop() {
  TRY(need_word("DROP"));
  Drop made;
  if (take_word("STREAM"))
    made.what = Drop::What::stream;
  else if (take_word("TABLE"))
    made.what = Drop::What::table;
  else if (take_word("TYPE"))
    made.what = Drop::What::type;
  else if (is_word("CONNECTOR"))
    return unsupported("DROP CONNECTOR");
  else
    return wrong("STREAM, TABLE or TYPE");
  if (take_word("IF")) {
    TRY(need_word("EXISTS"));
    made.if_exists = true;
  }
  made.name = TRY(identifier("a name"));
  if (take_word("DELETE")) {
    TRY(need_word("TOPIC"));
    made.delete_topic = true;
  }
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::show() {
  ++at_;
  Show made;
  if (take_word("ALL")) made.extended = true;
  const Token what = peek();
  for (const char* known :
       {"STREAMS", "TABLES", "TOPICS", "QUERIES", "FUNCTIONS", "PROPERTIES", "TYPES", "VARIABLES"}) {
    if (what.kind == Token::Kind::word && what.text == known) made.what = known;
  }
  if (is_word("CONNECTORS") || is_word("CONNECTOR")) return unsupported("SHOW CONNECTORS");
  if (made.what.empty())
    return wrong("STREAMS, TABLES, TOPICS, QUERIES, FUNCTIONS, PROPERTIES, TYPES or VARIABLES");
  ++at_;
  if (take_word("EXTENDED")) made.extended = true;
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::describe() {
  TRY(need_word("DESCRIBE"));
  Describe made;
  made.function = take_word("FUNCTION");
  made.all = !made.function && (is_word("STREAMS") || is_word("TABLES"));
  made.name = TRY(identifier("a name"));
  made.extended = take_word("EXTENDED");
  return Statement{.is = std::move(made)};
}

// A topic may be written as a name or as text; a name is kept as it was written.
Result<std::string> Parser::name_or_text(const char* what) {
  const Token& token = peek();
  const bool word = token.kind == Token::Kind::word;
  if (!word && token.kind != Token::Kind::quoted_name && token.kind != Token::Kind::string)
    return wrong(what);
  ++at_;
  return word ? token.raw : token.text;
}

Result<Statement> Parser::print() {
  ++at_;
  Print made;
  made.topic = TRY(name_or_text("the name of a topic"));
  if (take_word("FROM")) {
    TRY(need_word("BEGINNING"));
    made.from_beginning = true;
  }
  if (take_word("INTERVAL") || take_word("SAMPLE")) {
    made.interval = TRY(whole_number("every how many-th record"));
    if (made.interval < 1) return wrong_at(peek().place, "INTERVAL is at least 1");
  }
  if (take_word("LIMIT")) made.limit = TRY(whole_number("a number of records"));
  return Statement{.is = std::move(made)};
}

// What a test says of a record, or of a source.
Result<Statement> Parser::test_assertion() {
  AssertValues made;
  if (is_word("STREAM") || is_word("TABLE")) {
    const bool table = take_word("TABLE");
    if (!table) ++at_;
    AssertSource source;
    source.source.table = table;
    source.source.name = TRY(identifier("the name of a stream or table"));
    if (is_symbol("(")) source.source.columns = TRY(columns());
    if (is_word("WITH")) source.source.with = TRY(with_clause());
    return Statement{.is = std::move(source)};
  }
  made.tombstone = take_word("NULL");
  TRY(need_word("VALUES"));
  made.row.target = TRY(identifier("the name of a stream or table"));
  TRY(values_of(made.row, made.tombstone ? "KEY" : "VALUES"));
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::assertion() {
  ++at_;
  const bool next_record = is_word("VALUES") || (is_word("NULL") && is_word("VALUES", 1));
  if (next_record || is_word("STREAM") || is_word("TABLE")) return test_assertion();
  Assert made;
  if (take_word("NOT")) {
    TRY(need_word("EXISTS"));
    made.exists = false;
  }
  if (take_word("TOPIC")) {
    made.topic = TRY(name_or_text("the name of a topic"));
    if (is_word("WITH")) made.with = TRY(with_clause());
  } else if (take_word("SCHEMA")) {
    made.schema = true;
    if (take_word("SUBJECT")) made.subject = TRY(name_or_text("the name of a subject"));
    if (take_word("ID")) made.id = TRY(whole_number("the id of a schema"));
    if (made.subject.empty() && !made.id) return wrong("SUBJECT or ID");
  } else {
    return wrong("TOPIC or SCHEMA");
  }
  if (take_word("TIMEOUT")) made.timeout_ms = TRY(duration());
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::explain() {
  TRY(need_word("EXPLAIN"));
  Explain made;
  const size_t begin = peek().begin;
  if (is_word("SELECT")) {
    made.query = std::make_shared<Query>(TRY(query()));
  } else if (is_word("CREATE")) {
    const Statement inner = TRY(create());
    const auto* source = std::get_if<CreateSource>(&inner.is);
    if (source == nullptr || !source->query)
      return wrong_at(peek().place, "EXPLAIN takes a query: SELECT or CREATE ... AS SELECT");
    made.query = std::make_shared<Query>(*source->query);
  } else {
    made.query_id = TRY(identifier("a query id or a SELECT"));
  }
  made.statement = text_.substr(begin, tokens_[at_ - 1].finish - begin);
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::set(bool unset) {
  ++at_;
  SetProperty made;
  if (peek().kind != Token::Kind::string) return wrong("a setting in quotes");
  made.name = peek().text;
  ++at_;
  if (unset) return Statement{.is = std::move(made)};
  TRY(need_symbol("="));
  if (peek().kind != Token::Kind::string) return wrong("a value in quotes");
  made.value = peek().text;
  ++at_;
  return Statement{.is = std::move(made)};
}

Result<Statement> Parser::define(bool undefine) {
  ++at_;
  Define made;
  made.name = TRY(identifier("the name of a variable"));
  if (undefine) return Statement{.is = std::move(made)};
  TRY(need_symbol("="));
  if (peek().kind != Token::Kind::string) return wrong("a value in quotes");
  made.value = peek().text;
  ++at_;
  return Statement{.is = std::move(made)};
}

namespace {

// ${name} -> its value; what is not known stays, and fails as text would.
std::string substitute(const std::string& text, const std::map<std::string, std::string>& variables) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text.compare(i, 2, "${") == 0 ? text.find('}', i) : std::string::npos;
    if (end != std::string::npos) {
      std::string name = text.substr(i + 2, end - i - 2);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
      if (const auto known = variables.find(name); known != variables.end()) {
        out += known->second;
        i = end + 1;
        continue;
      }
    }
    out += text[i++];
  }
  return out;
}

}  // namespace

Result<std::vector<Statement>> parse(const std::string& text,
                                     const std::map<std::string, std::string>& variables,
                                     const std::map<std::string, Type>& types) {
  std::map<std::string, std::string> known = variables;
  std::map<std::string, Type> known_types = types;
  std::string current = substitute(text, known);
  std::vector<Statement> statements;
  while (true) {
    Parser parser(current, TRY(tokenize(current)), known_types);
    bool again = false;
    for (size_t skip = 0;; ++skip) {
      auto next = TRY(parser.statement());
      if (!next) break;
      if (skip < statements.size()) continue;
      statements.push_back(std::move(*next));
      const auto* define = std::get_if<Define>(&statements.back().is);
      const auto* type = std::get_if<CreateType>(&statements.back().is);
      const bool stays = type != nullptr && type->if_not_exists && known_types.contains(type->name);
      if (type != nullptr && !stays) known_types[type->name] = type->type;
      if (define == nullptr || current.find("${") == std::string::npos) continue;
      if (define->value)
        known[define->name] = *define->value;
      else
        known.erase(define->name);
      current = substitute(current, known);
      again = true;
      break;
    }
    if (!again) return statements;
  }
}

}  // namespace tradewind::sql
