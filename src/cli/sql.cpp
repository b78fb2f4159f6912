#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cli/shell.h"
#include "cli/sql_session.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind sql: statements to a running platform.

  -e TEXT        statements; may be given several times
  -f FILE        statements of a file
  --json         each row as one JSON object on a line
  --limit N      at most N rows of a SELECT
  --timeout S    seconds for each statement (default 30; a push query ends then)
  --server URL   default: TW_SERVER, then http://127.0.0.1:8088
Without -e and -f: a shell with history and completion; where nobody sits at a terminal, statements from
standard input.

Examples:
  tradewind sql -e "SHOW TABLES;"
  tradewind sql --json -e "SELECT COUNTRY, SALES FROM RETAIL_BY_COUNTRY;"
)";

// Statements as they are piped in, each as soon as its ';' is there.
int run_input(SqlSession& session) {
  std::string text;
  std::string line;
  while (std::getline(std::cin, line)) {
    text += line + "\n";
    std::string rest;
    if (pieces_of(text, &rest).empty() || rest.find_first_not_of(" \n\t") != std::string::npos) continue;
    if (const int code = session.run(text); code != 0) return code;
    text.clear();
  }
  return session.run(text);
}

}  // namespace

int sql(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(raw, {"--json"}, {"-e", "-f", "--server", "--limit", "--timeout"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const bool given = arguments->has("-e") || arguments->has("-f");
  SqlOptions options{.json = arguments->has("--json")};
  options.person = !given && isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  if (arguments->has("--limit")) options.limit = std::atoll(arguments->get("--limit").c_str());
  options.timeout =
      Duration(static_cast<int64_t>(std::atof(arguments->get("--timeout", "30").c_str()) * 1000));
  SqlSession session(server_of(*arguments), options);
  for (const std::string& path : arguments->all("-f")) {
    if (const int code = session.run_file(path); code != 0) return code;
  }
  for (const std::string& text : arguments->all("-e")) {
    if (const int code = session.run(text); code != 0) return code;
  }
  if (given) return 0;
  return options.person ? run_shell(session) : run_input(session);
}

}  // namespace tradewind::cli
