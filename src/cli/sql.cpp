#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/json.h"
#include "cli/verbs.h"
#include "net/http_client.h"
#include "sql/parse.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind sql: statements to a running platform.

  -e TEXT        statements; may be given several times
  -f FILE        statements of a file
  --json         each row as one JSON object on a line
  --limit N      at most N rows of a SELECT
  --timeout S    seconds for each statement (default 30; a push query ends then)
  --server URL   default: TW_SERVER, then http://127.0.0.1:8088
Without -e and -f: reads statements from standard input.

Examples:
  tradewind sql -e "SHOW TABLES;"
  tradewind sql --json -e "SELECT COUNTRY, SALES FROM RETAIL_BY_COUNTRY;"
)";

struct Output {
  bool json = false;
  int64_t limit = INT64_MAX;
};

std::string error_of(const std::string& body) {
  const auto document = parse_json(body);
  if (document.ok()) {
    if (const auto message = document->string_at("message")) return *message;
  }
  return body;
}

// The elements of a JSON array as text, without reading more into them.
std::vector<std::string> elements_of(const std::string& array) {
  const auto document = parse_json(array);
  std::vector<std::string> texts;
  if (!document.ok() || !document->is(Json::Kind::array)) return texts;
  for (const Json& element : document->elements()) texts.push_back(element.dump());
  return texts;
}

void print_table(const std::vector<std::string>& names, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& name : names) widths.push_back(name.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
      text += (i == 0 ? "" : "  ") + cells[i] + std::string(widths[i] - cells[i].size(), ' ');
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    std::puts(text.c_str());
  };
  line(names);
  std::vector<std::string> rule;
  for (const size_t width : widths) rule.emplace_back(width, '-');
  line(rule);
  for (const auto& row : rows) line(row);
}

// One line of /query-stream after the other.
class Rows {
 public:
  explicit Rows(Output output) : output_(output) {}

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
    if (!output_.json && !names_.empty() && error_.empty()) print_table(names_, table_);
    return error_.empty() ? 0 : fail(error_);
  }

 private:
  bool take_line(const std::string& line) {
    if (line.empty()) return true;
    if (line[0] == '{' && names_.empty()) {
      const auto header = parse_json(line);
      if (header.ok() && header->find("columnNames") != nullptr) {
        for (const Json& name : header->find("columnNames")->elements()) names_.push_back(name.text());
      }
      return true;
    }
    if (line[0] == '{') {
      error_ = error_of(line);
      return false;
    }
    const std::vector<std::string> values = elements_of(line);
    if (output_.json) {
      std::string text;
      for (size_t i = 0; i < values.size(); ++i) {
        text += (i == 0 ? "{" : ", ") + Json::string(names_[i]).dump() + ": " + values[i];
      }
      std::puts((text + "}").c_str());
      std::fflush(stdout);
    } else {
      std::vector<std::string> cells;
      for (const std::string& value : values)
        cells.push_back(value[0] == '"' ? parse_json(value)->text() : value);
      table_.push_back(std::move(cells));
    }
    return ++given_ < output_.limit;
  }

  Output output_;
  std::string buffer_;
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> table_;
  std::string error_;
  int64_t given_ = 0;
};

// SHOW and DESCRIBE as tables; anything else by its message.
void print_entity(const Json& entity, bool as_json) {
  if (as_json) {
    std::puts(entity.dump().c_str());
    return;
  }
  if (const Json* status = entity.find("commandStatus")) {
    std::puts(status->string_at("message").value_or("done").c_str());
    return;
  }
  if (const Json* about = entity.find("queryDescription")) {
    std::puts(about->string_at("executionPlan").value_or("").c_str());
    return;
  }
  const Json* list = nullptr;
  for (const char* name :
       {"streams", "tables", "queries", "topics", "functions", "properties", "variables"}) {
    if (list == nullptr) list = entity.find(name);
  }
  if (const Json* about = entity.find("sourceDescription")) {
    std::printf("%s %s over topic %s\n%s\n", about->string_at("type").value_or("").c_str(),
                about->string_at("name").value_or("").c_str(), about->string_at("topic").value_or("").c_str(),
                about->string_at("statement").value_or("").c_str());
    list = about->find("fields");
  }
  if (list == nullptr || !list->is(Json::Kind::array)) {
    std::puts(entity.dump().c_str());
    return;
  }
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
  for (const Json& element : list->elements()) {
    std::vector<std::string> cells;
    for (const Json::Member& member : element.members()) {
      const bool shown = member.value.is(Json::Kind::string) || member.value.is(Json::Kind::number) ||
                         member.value.is(Json::Kind::boolean);
      if (rows.empty() && names.size() == cells.size()) names.push_back(member.name);
      const Json* type = member.value.find("type");
      cells.push_back(shown
                          ? (member.value.is(Json::Kind::boolean) ? member.value.dump() : member.value.text())
                      : type != nullptr && type->is(Json::Kind::string) ? type->text()
                                                                        : member.value.dump());
    }
    rows.push_back(std::move(cells));
  }
  print_table(names, rows);
}

int run_statement(net::HttpClient& client, const sql::Statement& statement,
                  std::map<std::string, std::string>& session, const Output& output, Duration timeout) {
  Json body = Json::object();
  Json properties = Json::object();
  for (const auto& [name, value] : session) properties.set(name, Json::string(value));
  if (const auto* set = std::get_if<sql::SetProperty>(&statement.is)) {
    if (set->value)
      session[set->name] = *set->value;
    else
      session.erase(set->name);
  }
  const std::string text = statement.text + ";";
  if (std::holds_alternative<sql::Select>(statement.is)) {
    body.set("sql", Json::string(text));
    body.set("properties", std::move(properties));
    Rows rows(output);
    const bool push = std::get<sql::Select>(statement.is).query.emit != sql::Query::Emit::none;
    const auto answer = client.stream("/query-stream", body.dump(), {{"Content-Type", "application/json"}},
                                      timeout, [&](std::string_view piece) { return rows.take(piece); });
    if (!answer.ok() && !push) return fail(answer.error().message);
    if (answer.ok() && answer->status != 200)
      return fail(error_of(answer->body), answer->status == 400 ? 2 : 1);
    return rows.finish();
  }
  body.set("ksql", Json::string(text));
  body.set("streamsProperties", std::move(properties));
  const auto answer = client.post("/ksql", body.dump(), {{"Content-Type", "application/json"}}, timeout);
  if (!answer.ok()) return fail(answer.error().message);
  if (answer->status != 200) return fail(error_of(answer->body), answer->status == 400 ? 2 : 1);
  const auto entities = parse_json(answer->body);
  if (!entities.ok()) return fail("the answer is no JSON: " + answer->body);
  for (const Json& entity : entities->elements()) print_entity(entity, output.json);
  return 0;
}

int run_text(const std::string& text, net::HttpClient& client, std::map<std::string, std::string>& session,
             const Output& output, Duration timeout) {
  const auto statements = sql::parse(text);
  if (!statements.ok()) return fail(statements.error().message, 2);
  for (const sql::Statement& statement : *statements) {
    if (const int code = run_statement(client, statement, session, output, timeout); code != 0) return code;
  }
  return 0;
}

// Statements as they are typed or piped in, each as soon as its ';' is there.
int run_input(net::HttpClient& client, std::map<std::string, std::string>& session, const Output& output,
              Duration timeout) {
  const bool person = isatty(STDIN_FILENO) != 0;
  std::string text;
  std::string line;
  int last = 0;
  if (person) std::printf("tradewind sql. End a statement with ';', leave with Ctrl-D.\n> ");
  while (std::getline(std::cin, line)) {
    text += line + "\n";
    if (line.find(';') != std::string::npos) {
      last = run_text(text, client, session, output, timeout);
      if (last != 0 && !person) return last;
      text.clear();
    }
    if (person) std::printf(text.empty() ? "> " : "| ");
  }
  if (text.find_first_not_of(" \n\t") != std::string::npos)
    last = run_text(text, client, session, output, timeout);
  return person ? 0 : last;
}

}  // namespace

int sql(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(raw, {"--json"}, {"-e", "-f", "--server", "--limit", "--timeout"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  Output output{.json = arguments->has("--json")};
  if (arguments->has("--limit")) output.limit = std::atoll(arguments->get("--limit").c_str());
  const Duration timeout(static_cast<int64_t>(std::atof(arguments->get("--timeout", "30").c_str()) * 1000));
  net::HttpClient client(server_of(*arguments));
  std::map<std::string, std::string> session;
  for (const std::string& path : arguments->all("-f")) {
    std::ifstream in(path);
    if (!in) return fail("cannot read " + path);
    std::stringstream text;
    text << in.rdbuf();
    if (const int code = run_text(text.str(), client, session, output, timeout); code != 0) return code;
  }
  for (const std::string& text : arguments->all("-e")) {
    if (const int code = run_text(text, client, session, output, timeout); code != 0) return code;
  }
  if (arguments->has("-e") || arguments->has("-f")) return 0;
  return run_input(client, session, output, timeout);
}

}  // namespace tradewind::cli
