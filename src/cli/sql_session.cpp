#include "cli/sql_session.h"

#include <cstdio>
#include <sstream>

#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr int kMostScripts = 10;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string message_of(const std::string& body) {
  const auto document = parse_json(body);
  return document.ok() ? document->string_at("message").value_or(body) : body;
}

// What stands in the first quotes of a text; '' is a quote.
std::optional<std::string> quoted(const std::string& text, size_t from = 0) {
  const size_t begin = text.find('\'', from);
  if (begin == std::string::npos) return std::nullopt;
  std::string out;
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] != '\'')
      out += text[i];
    else if (i + 1 < text.size() && text[i + 1] == '\'')
      out += text[i++];
    else
      return out;
  }
  return std::nullopt;
}

// "line 2, column 7: ..." with the line and a caret under the column.
std::string with_caret(const std::string& message, const std::string& text) {
  int line = 0;
  int column = 0;
  if (std::sscanf(message.c_str(), "line %d, column %d:", &line, &column) != 2 || line < 1 || column < 1)
    return message;
  std::istringstream lines(text);
  std::string shown;
  for (int i = 0; i < line; ++i) {
    if (!std::getline(lines, shown)) return message;
  }
  std::string under;
  for (int i = 0; i + 1 < column; ++i)
    under += static_cast<size_t>(i) < shown.size() && shown[static_cast<size_t>(i)] == '\t' ? '\t' : ' ';
  return shown + "\n" + under + "^\n" + message;
}

std::string quoted_line(const std::string& line) {
  Json made = Json::object();
  made.set("line", Json::string(line));
  return made.dump();
}

std::string cell_of(const Json& value) {
  if (value.is(Json::Kind::string) || value.is(Json::Kind::number)) return value.text();
  const Json* type = value.find("type");
  return type != nullptr && type->is(Json::Kind::string) ? type->text() : value.dump();
}

// A text of a list on one line, without what it was laid out with, and not wider than can be looked through.
std::string brief(const std::string& text) {
  constexpr size_t kWidest = 80;
  std::string line;
  bool gap = false;
  for (const char c : text) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank && gap && !line.empty()) line += ' ';
    if (!blank) line += c;
    gap = blank;
  }
  return cut_to(line, kWidest);
}

// One line of /query-stream after the other.
class Rows {
 public:
  Rows(const SqlOptions& options, bool push, Screen& screen)
      : options_(options), live_(push && options.person), screen_(screen) {}

  bool take(std::string_view piece) {
    buffer_ += piece;
    for (size_t end; (end = buffer_.find('\n')) != std::string::npos;) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (!take_line(line)) return false;
    }
    return true;
  }

  int finish() {
    if (!options_.json && !live_ && !names_.empty() && error_.empty()) screen_.table(names_, table_);
    if (options_.person && error_.empty() && !options_.json) {
      screen_.line("(" + std::to_string(given_) + (given_ == 1 ? " row)" : " rows)"));
    }
    return error_.empty() ? 0 : fail(error_);
  }

 private:
  bool take_line(const std::string& line) {
    if (line.empty()) return true;
    const auto document = parse_json(line);
    if (!document.ok() || document->is(Json::Kind::object)) {
      const Json* names = document.ok() ? document->find("columnNames") : nullptr;
      if (names == nullptr || !names_.empty()) {
        error_ = message_of(line);
        return false;
      }
      for (const Json& name : names->elements()) names_.push_back(name.text());
      if (live_ && !options_.json) screen_.begin_rows(names_);
      return true;
    }
    show(document->elements());
    return ++given_ < options_.limit;
  }

  void show(const std::vector<Json>& values) {
    if (options_.json) {
      std::string text;
      for (size_t i = 0; i < values.size(); ++i)
        text += (i == 0 ? "{" : ", ") + Json::string(names_[i]).dump() + ": " + values[i].dump();
      return screen_.line(text + "}");
    }
    Cells cells;
    for (const Json& value : values) cells.push_back(cell_of(value));
    if (live_)
      screen_.row(cells);
    else
      table_.push_back(std::move(cells));
  }

  const SqlOptions& options_;
  bool live_;
  Screen& screen_;
  std::string buffer_;
  Cells names_;
  std::vector<Cells> table_;
  std::string error_;
  int64_t given_ = 0;
};

}  // namespace

std::vector<Piece> pieces_of(const std::string& text, std::string* rest) {
  std::vector<Piece> pieces;
  Piece now;
  int line = 1;
  int column = 1;
  bool begun = false;
  size_t begin = 0;
  const auto end_at = [&](size_t end) {
    now.text = text.substr(begin, end - begin);
    size_t word = 0;
    while (word < now.text.size() && std::isalpha(static_cast<unsigned char>(now.text[word])) != 0) ++word;
    now.word = upper(now.text.substr(0, word));
    pieces.push_back(now);
    begun = false;
  };
  char inside = 0;  // ' ` " or - (to the end of the line) or * (to */)
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    const bool ends = inside == '-'   ? c == '\n'
                      : inside == '*' ? c == '/' && text[i - 1] == '*'
                                      : c == inside;
    if (inside != 0)
      inside = ends ? 0 : inside;
    else if (c == '-' && next == '-')
      inside = '-';
    else if (c == '/' && next == '*')
      inside = '*';
    else if (c == ';' && begun)
      end_at(i);
    else if (!begun && std::isspace(static_cast<unsigned char>(c)) == 0 && c != ';') {
      begun = true;
      begin = i;
      now.line = line;
      now.column = column;
    }
    if (inside == 0 && (c == '\'' || c == '`' || c == '"') && !ends) inside = c;
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  if (rest != nullptr) *rest = begun ? text.substr(begin) : "";
  if (rest == nullptr && begun) {
    end_at(text.size());
    if (inside == '-') pieces.back().text += '\n';  // what is put behind it is no part of the comment
  }
  return pieces;
}

SqlSession::SqlSession(std::string url, SqlOptions options) : options_(options), client_(std::move(url)) {
  client_.ended_by([this] { return stopped(); });
}

int SqlSession::run(const std::string& text) {
  for (const Piece& piece : pieces_of(text)) {
    if (const int code = run_one(piece, text); code != 0 || stopped()) return code;
  }
  return 0;
}

int SqlSession::run_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return fail("cannot read " + path);
  if (depth_ >= kMostScripts)
    return fail("scripts run each other more than " + std::to_string(kMostScripts) + " deep", 2);
  std::stringstream text;
  text << in.rdbuf();
  ++depth_;
  const int code = run(text.str());
  --depth_;
  return code;
}

int SqlSession::run_one(const Piece& piece, const std::string& whole) {
  if (piece.word == "SELECT" || piece.word == "PRINT") return select(piece, whole);
  if (piece.word == "DEFINE" || piece.word == "UNDEFINE" || piece.word == "SET" || piece.word == "UNSET")
    return define(piece);
  if (piece.word == "RUN" || piece.word == "SPOOL") return local(piece);
  return statement(piece, whole);
}

// SET 'a' = 'b', UNSET 'a', DEFINE a = 'b', UNDEFINE a: kept here, and sent with every statement.
int SqlSession::define(const Piece& piece) {
  const bool variable = piece.word.ends_with("DEFINE");
  const bool takes = piece.word == "SET" || piece.word == "DEFINE";
  const size_t equals = piece.text.find('=');
  std::string name;
  if (variable) {
    const size_t from = piece.text.find_first_not_of(" \t\r\n", piece.word.size());
    const size_t to = from == std::string::npos ? from : piece.text.find_first_of(" \t\r\n=", from);
    name = from == std::string::npos ? "" : upper(piece.text.substr(from, to - from));
  } else {
    name = quoted(piece.text).value_or("");
  }
  const auto value = takes && equals != std::string::npos ? quoted(piece.text, equals) : std::nullopt;
  if (name.empty() || (takes && !value)) {
    return fail(variable ? "write DEFINE name = 'value'; or UNDEFINE name;"
                         : "write SET 'property' = 'value'; or UNSET 'property';",
                2);
  }
  auto& kept = variable ? variables_ : properties_;
  if (!takes) {
    kept.erase(name);
    return 0;
  }
  if (!variable) {
    const auto valid = client_.get("/is_valid_property/" + name, options_.timeout);
    if (!valid.ok()) return fail(valid.error().message);
    if (valid->status != 200) return fail(message_of(valid->body), 2);
  }
  kept[name] = *value;
  return 0;
}

int SqlSession::local(const Piece& piece) {
  const auto path = quoted(piece.text);
  if (piece.word == "RUN") return path ? run_file(*path) : fail("write RUN SCRIPT 'file';", 2);
  if (path) return screen_.spool_to(*path) ? 0 : fail("cannot write " + *path);
  if (upper(piece.text).find("OFF") == std::string::npos) return fail("write SPOOL 'file'; or SPOOL OFF;", 2);
  screen_.spool_off();
  return 0;
}

// Blanks in front keep the places in messages those of the whole text.
std::string SqlSession::body_of(const Piece& piece, const char* text_name,
                                const char* properties_name) const {
  const auto object = [](const std::map<std::string, std::string>& members) {
    Json made = Json::object();
    for (const auto& [name, value] : members) made.set(name, Json::string(value));
    return made;
  };
  Json body = Json::object();
  body.set(text_name,
           Json::string(std::string(static_cast<size_t>(piece.line - 1), '\n') +
                        std::string(static_cast<size_t>(piece.column - 1), ' ') + piece.text + ";"));
  body.set(properties_name, object(properties_));
  body.set("sessionVariables", object(variables_));
  return body.dump();
}

int SqlSession::refused(const net::Answer& answer, const std::string& whole) {
  const std::string message = message_of(answer.body);
  const int code = answer.status < 500 ? 2 : 1;
  if (!options_.person) return fail(message, code);
  std::fprintf(stderr, "%s\n", with_caret(message, whole).c_str());
  return code;
}

int SqlSession::select(const Piece& piece, const std::string& whole) {
  const bool lines = piece.word == "PRINT";
  const bool push = lines || upper(piece.text).find("EMIT") != std::string::npos;
  Rows rows(options_, push, screen_);
  std::string buffer;
  const auto take = [&](std::string_view part) {
    if (!lines) return rows.take(part);
    buffer += part;
    for (size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1))
      screen_.line(options_.json ? quoted_line(buffer.substr(0, end)) : buffer.substr(0, end));
    return true;
  };
  const Duration timeout = options_.person && push ? Duration(0) : options_.timeout;
  const auto answer = client_.stream("/query-stream", body_of(piece, "sql", "properties"),
                                     {{"Content-Type", "application/json"}}, timeout, take);
  if (!answer.ok() && !push) return fail(answer.error().message);
  if (answer.ok() && answer->status != 200 && answer->status != 0) return refused(*answer, whole);
  return lines ? 0 : rows.finish();
}

int SqlSession::statement(const Piece& piece, const std::string& whole) {
  const auto answer = client_.post("/ksql", body_of(piece, "ksql", "streamsProperties"),
                                   {{"Content-Type", "application/json"}}, options_.timeout);
  if (!answer.ok()) return fail(answer.error().message);
  if (answer->status != 200) return refused(*answer, whole);
  const auto entities = parse_json(answer->body);
  if (!entities.ok()) return fail("the answer is no JSON: " + answer->body);
  for (const Json& entity : entities->elements()) {
    if (options_.json)
      screen_.line(entity.dump());
    else
      show(entity);
  }
  return 0;
}

std::vector<Json> SqlSession::ask(const std::string& statement) {
  Json body = Json::object();
  body.set("ksql", Json::string(statement));
  const auto answer =
      client_.post("/ksql", body.dump(), {{"Content-Type", "application/json"}}, options_.timeout);
  if (!answer.ok() || answer->status != 200) return {};
  const auto entities = parse_json(answer->body);
  return entities.ok() && entities->is(Json::Kind::array) ? entities->elements() : std::vector<Json>();
}

// SHOW and DESCRIBE as tables; anything else by its message.
void SqlSession::show(const Json& entity) {
  if (const Json* status = entity.find("commandStatus"))
    return screen_.line(status->string_at("message").value_or("done"));
  if (const auto message = entity.string_at("message")) return screen_.line(*message);
  if (const Json* about = entity.find("queryDescription"))
    return screen_.line(about->string_at("executionPlan").value_or(""));
  const Json* list = nullptr;
  for (const char* name : {"streams", "tables", "queries", "topics", "functions", "properties", "variables",
                           "sourceDescriptions", "queryDescriptions"}) {
    if (list == nullptr) list = entity.find(name);
  }
  if (const Json* about = entity.find("sourceDescription")) {
    screen_.line(about->string_at("type").value_or("") + " " + about->string_at("name").value_or("") +
                 " over topic " + about->string_at("topic").value_or(""));
    screen_.line(about->string_at("statement").value_or(""));
    list = about->find("fields");
  }
  if (entity.string_at("@type") == "describe_function") {
    screen_.line(entity.string_at("signature").value_or(""));
    return screen_.line(entity.string_at("description").value_or(""));
  }
  if (list == nullptr || !list->is(Json::Kind::array)) return screen_.line(entity.dump());
  Cells names;
  std::vector<Cells> rows;
  for (const Json& element : list->elements()) {
    Cells cells;
    for (const Json::Member& member : element.members()) {
      if (rows.empty()) names.push_back(member.name);
      cells.push_back(brief(cell_of(member.value)));
    }
    rows.push_back(std::move(cells));
  }
  screen_.table(names, rows);
}

}  // namespace tradewind::cli
