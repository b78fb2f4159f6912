#pragma once
// SqlSession: statements sent to a platform one after another, and their answers shown; what SET and DEFINE
// gave is kept between them.
//
// Threads: one.

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/screen.h"
#include "net/http_client.h"

namespace tradewind::cli {

struct SqlOptions {
  bool json = false;
  int64_t limit = INT64_MAX;  // rows of a SELECT
  Duration timeout{30'000};   // of each statement; zero: none
  bool person = false;        // somebody looks: carets under errors, rows as they come
};

// A statement of a text, where it begins, and its first word in upper case.
struct Piece {
  std::string text;  // without the semicolon, which may be put behind it
  int line = 1;
  int column = 1;
  std::string word;
};

// The statements of a text, by their semicolons outside of quotes and comments. `rest`: what follows the
// last.
std::vector<Piece> pieces_of(const std::string& text, std::string* rest = nullptr);

class SqlSession {
 public:
  SqlSession(std::string url, SqlOptions options);

  // The exit code of the first statement that failed, 0 when none did.
  int run(const std::string& text);
  // The statements of a file.
  int run_file(const std::string& path);
  // Ends what runs when `flag` is set, as by a signal; the flag stays.
  void ended_by(const volatile std::sig_atomic_t* flag) { ended_ = flag; }
  // The entities a statement answers with; none when it fails. Shows nothing.
  std::vector<Json> ask(const std::string& statement);

 private:
  int run_one(const Piece& piece, const std::string& whole);
  int select(const Piece& piece, const std::string& whole);
  int statement(const Piece& piece, const std::string& whole);
  int local(const Piece& piece);
  int define(const Piece& piece);
  int refused(const net::Answer& answer, const std::string& whole);
  bool stopped() const { return ended_ != nullptr && *ended_ != 0; }
  std::string body_of(const Piece& piece, const char* text_name, const char* properties_name) const;
  void show(const Json& entity);

  SqlOptions options_;
  net::HttpClient client_;
  Screen screen_;
  std::map<std::string, std::string> properties_;
  std::map<std::string, std::string> variables_;
  const volatile std::sig_atomic_t* ended_ = nullptr;
  int depth_ = 0;  // of RUN SCRIPT
};

}  // namespace tradewind::cli
