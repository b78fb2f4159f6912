#pragma once
// HttpClient: requests to one server, connections kept; a deadline for each. Shows the key in the variable
// TW_API_KEY, if there is one.
//
// Threads: one. Errors: unavailable (not reached, or no answer in time), with the address.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tradewind::net {

struct Answer {
  int status = 0;
  std::string body;
  int64_t retry_after_seconds = 0;  // what the server asked for; 0: nothing
  std::string redirect;             // where the server would have us go; nobody goes there
  std::string content_type;
};

// How a server that is not the platform's own is asked.
struct HttpClientOptions {
  std::string base_url;          // may have a path: targets go behind it
  std::string authorization;     // the value of that header; empty: none
  std::string ca_file;           // PEM, of who signs the server's certificate; empty: the system's
  std::string certificate_file;  // PEM, and its key: who we are; empty: nobody
  std::string key_file;
  Duration connect_time{5'000};
  size_t most_bytes = SIZE_MAX;  // of a body; more is `unavailable`
};

// What kept an answer away, where the asker may have to mend something.
enum class HttpTrouble {
  none,    // or nothing that is known here
  no_tls,  // the server speaks something else
  untrusted,
  wrong_name,    // the certificate is another host's
  trusted_file,  // ca_file cannot be read
  own_file       // certificate_file or key_file cannot be read, or the server does not like what is in it
};

class HttpClient {
 public:
  // "http://127.0.0.1:8088"
  explicit HttpClient(std::string base_url);
  // Shows nobody the key in TW_API_KEY.
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();

  Result<Answer> get(const std::string& target, Duration deadline);
  Result<Answer> post(const std::string& target, std::string_view body,
                      const std::map<std::string, std::string>& headers, Duration deadline);
  // Any other method.
  Result<Answer> request(const std::string& method, const std::string& target, std::string_view body,
                         const std::map<std::string, std::string>& headers, Duration deadline);
  // stream() by GET.
  Result<Answer> stream_get(const std::string& target, Duration deadline,
                            const std::function<bool(std::string_view)>& each);
  // Gives pieces of the body to `each` as they come until it answers false; no deadline if it is zero.
  // Answers with the status and, where it is not 200, the body.
  Result<Answer> stream(const std::string& target, std::string_view body,
                        const std::map<std::string, std::string>& headers, Duration deadline,
                        const std::function<bool(std::string_view)>& each);
  // Asked about every second while an answer is awaited: when it says true the request ends as if its
  // answer had.
  void ended_by(std::function<bool()> ended);
  // Of the last request.
  HttpTrouble trouble() const;

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace tradewind::net
