#pragma once
// Remote: a running platform as the verbs ask it, in JSON; and what they show of its answers.
//
// Threads: one. Errors: unavailable (not reached), invalid and not_found (what the platform refused, in its
// words), io (anything else it answered).

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/screen.h"
#include "cli/verbs.h"
#include "net/http_client.h"

namespace tradewind::cli {

inline constexpr Duration kPatience(10'000);

// Asks again for ten seconds while the server is away or busy, and not before it said it wants to be asked.
Result<net::Answer> patiently(Clock& clock, const std::function<Result<net::Answer>()>& request);

class Remote {
 public:
  explicit Remote(const std::string& url) : client_(url) {}

  // The document of a request that went well. `body` is JSON.
  Result<Json> ask(const std::string& method, const std::string& target, const std::string& body = "");
  net::HttpClient& client() { return client_; }

 private:
  net::HttpClient client_;
};

// What the answer says, or the error it is.
Result<Json> document_of(const net::Answer& answer);
// A name as a segment of a path.
std::string path_segment(const std::string& name);

// Says it on standard error; 2 where the asker is to blame, else 1.
int refused(const Error& error);
// One object a line: the document, or its elements if it is a list.
void print_lines(const Json& document);

// A member as people read it: texts without quotes, lists with commas; "" where it is missing.
std::string shown(const Json& object, const char* member);
// "1.5 GB"
std::string bytes_text(int64_t bytes);
std::string read_all(const std::string& path, Result<>& done);

// What every verb with words behind it begins with. `exit`: the verb is done, with this code.
struct Opened {
  Arguments arguments;
  std::optional<int> exit;
  std::string action;  // the first word
};
Opened open_verb(const std::vector<std::string>& raw, const char* help, std::vector<std::string> flags,
                 std::vector<std::string> valued);

}  // namespace tradewind::cli
