// The one place that includes libedit.
#include "cli/shell.h"

#include <editline/readline.h>
#include <langinfo.h>
#include <sys/time.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <set>

namespace tradewind::cli {
namespace {

constexpr int kMostHistory = 2000;
constexpr const char* kWords[] = {
    "AND",     "ARRAY",        "AS",        "ASSERT",     "AVRO",     "BETWEEN",  "BIGINT",    "BOOLEAN",
    "BY",      "BYTES",        "CASE",      "CAST",       "CHANGES",  "CREATE",   "DATE",      "DECIMAL",
    "DEFINE",  "DELETE",       "DESCRIBE",  "DOUBLE",     "DROP",     "ELSE",     "EMIT",      "END",
    "EXISTS",  "EXPLAIN",      "EXTENDED",  "FINAL",      "FROM",     "FUNCTION", "FUNCTIONS", "GRACE",
    "GROUP",   "HAVING",       "HOPPING",   "IF",         "INSERT",   "INTEGER",  "INTO",      "JOIN",
    "JSON",    "KAFKA_TOPIC",  "KEY",       "KEY_FORMAT", "LIKE",     "LIMIT",    "LIST",      "MAP",
    "NOT",     "NULL",         "PARTITION", "PARTITIONS", "PERIOD",   "PRIMARY",  "PRINT",     "PROPERTIES",
    "QUERIES", "ROWTIME",      "SCRIPT",    "SELECT",     "SESSION",  "SET",      "SHOW",      "SIZE",
    "SPOOL",   "STREAM",       "STREAMS",   "STRING",     "STRUCT",   "TABLE",    "TABLES",    "TERMINATE",
    "THEN",    "TIMESTAMP",    "TOPIC",     "TOPICS",     "TUMBLING", "TYPES",    "UNDEFINE",  "UNSET",
    "VALUES",  "VALUE_FORMAT", "VARIABLES", "WHEN",       "WHERE",    "WINDOW",   "WITH"};
constexpr const char* kHelp = R"(A statement ends with ';' and may take several lines.
  SHOW STREAMS; SHOW TABLES; SHOW TOPICS; SHOW QUERIES; SHOW FUNCTIONS; SHOW PROPERTIES; SHOW VARIABLES;
  DESCRIBE name [EXTENDED]; DESCRIBE FUNCTION name; EXPLAIN query;
  SELECT ... FROM table WHERE ...;            what is there now
  SELECT ... FROM name ... EMIT CHANGES;      what comes, until Ctrl-C
  PRINT topic [FROM BEGINNING] [INTERVAL n] [LIMIT n];
  SET 'property' = 'value'; DEFINE name = 'value';  then ${name} in any statement
  RUN SCRIPT 'file'; SPOOL 'file'; SPOOL OFF;
Without ';': help, history, exit. Ctrl-C ends a query or forgets a line, Ctrl-D leaves, Tab completes.)";

volatile std::sig_atomic_t interrupted = 0;

// libedit asks for completions by a plain function, so they lie here.
std::set<std::string>& completions() {
  static std::set<std::string> words;
  return words;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// The nth word that goes on like `begun`, in the case in which it was begun.
char* completion(const char* begun, int nth) {
  static std::vector<std::string> found;
  if (nth == 0) {
    found.clear();
    const std::string start = upper(begun);
    const bool small =
        std::any_of(begun, begun + std::strlen(begun), [](char c) { return std::islower(c) != 0; });
    for (const std::string& word : completions()) {
      if (!upper(word).starts_with(start)) continue;
      std::string shown = word;
      if (small) {
        for (char& c : shown) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      found.push_back(std::move(shown));
    }
  }
  return static_cast<size_t>(nth) < found.size() ? strdup(found[static_cast<size_t>(nth)].c_str()) : nullptr;
}

char** attempt(const char* text, int, int) {
  rl_attempted_completion_over = 1;  // never names of files
  return rl_completion_matches(text, completion);
}

void learn_words(SqlSession& session) {
  std::set<std::string> words(std::begin(kWords), std::end(kWords));
  for (const Json& entity : session.ask("DESCRIBE STREAMS; DESCRIBE TABLES; SHOW FUNCTIONS; SHOW TOPICS;")) {
    for (const char* list : {"sourceDescriptions", "functions", "topics"}) {
      const Json* named = entity.find(list);
      if (named == nullptr) continue;
      for (const Json& one : named->elements()) {
        words.insert(one.string_at("name").value_or(""));
        const Json* fields = one.find("fields");
        if (fields == nullptr || !fields->is(Json::Kind::array)) continue;
        for (const Json& field : fields->elements()) words.insert(field.string_at("name").value_or(""));
      }
    }
  }
  words.erase("");
  completions() = std::move(words);
}

std::string history_path() {
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? "" : std::string(home) + "/.tradewind_history";
}

std::string on_one_line(std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

std::string trimmed(const std::string& text) {
  const size_t from = text.find_first_not_of(" \t\n");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\n") - from + 1);
}

// What is typed without ';'. False: the shell ends.
bool take_command(const std::string& word, bool& known) {
  known = true;
  if (word == "help" || word == "?") {
    std::puts(kHelp);
  } else if (word == "history") {
    for (int i = history_base; i < history_base + history_length; ++i) {
      if (const HIST_ENTRY* entry = history_get(i)) std::puts(entry->line);
    }
  } else if (word == "exit" || word == "quit") {
    return false;
  } else {
    known = false;
  }
  return true;
}

bool changes_names(const std::string& text) {
  const std::string words = upper(text);
  return words.find("CREATE") != std::string::npos || words.find("DROP") != std::string::npos ||
         words.find("RUN") != std::string::npos;
}

// A signal that comes just before a read would not end it: another one follows every 50 ms until the shell
// has seen that it was interrupted.
void remind(bool again) {
  itimerval every{};
  if (again) every.it_interval.tv_usec = every.it_value.tv_usec = 50'000;
  setitimer(ITIMER_REAL, &every, nullptr);
}

void forget_interruption() {
  remind(false);
  interrupted = 0;
}

void prepare(const std::string& history_file) {
  // libedit drops what its locale cannot hold, and the platform speaks UTF-8 whatever the terminal says.
  if (setlocale(LC_CTYPE, "") == nullptr || std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
    setlocale(LC_CTYPE, "C.UTF-8");
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: reading a line ends
  sigaction(SIGALRM, &action, nullptr);
  action.sa_handler = [](int) {
    interrupted = 1;
    remind(true);
  };
  sigaction(SIGINT, &action, nullptr);
  rl_catch_signals = 0;
  rl_readline_name = "tradewind";
  rl_attempted_completion_function = attempt;
  using_history();
  stifle_history(kMostHistory);
  if (!history_file.empty()) read_history(history_file.c_str());
}

}  // namespace

int run_shell(SqlSession& session) {
  const std::string history_file = history_path();
  prepare(history_file);
  session.ended_by(&interrupted);
  learn_words(session);
  std::puts("tradewind sql: statements end with ';', 'help' helps, Ctrl-D leaves.");
  std::string text;
  while (true) {
    forget_interruption();
    char* typed = readline(text.empty() ? "> " : "| ");
    if (typed == nullptr && interrupted != 0) {
      text.clear();
      std::puts("");
      continue;
    }
    if (typed == nullptr) break;
    text += std::string(text.empty() ? "" : "\n") + typed;
    std::free(typed);
    bool known = false;
    if (!take_command(trimmed(text), known)) return 0;
    std::string rest;
    const auto pieces = pieces_of(text, &rest);
    if (known || trimmed(text).empty() || (pieces.empty() && trimmed(rest).empty())) text.clear();
    if (pieces.empty() || !trimmed(rest).empty()) continue;
    add_history(on_one_line(trimmed(text)).c_str());
    if (!history_file.empty()) write_history(history_file.c_str());
    (void)session.run(text);
    if (changes_names(text)) learn_words(session);
    text.clear();
  }
  std::puts("");
  return 0;
}

}  // namespace tradewind::cli
