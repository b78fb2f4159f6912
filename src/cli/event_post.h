#pragma once
// EventPost: numbered events over HTTP to a running platform, with patience: a server that is away or busy is
// asked again for ten seconds, and not before it said it wants to be.
//
// Threads: one. Errors: unavailable (it stayed away), invalid (nothing of the request was taken), io.

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "cli/remote.h"
#include "ingest/ingestor.h"
#include "net/http_client.h"

namespace tradewind::cli {

class EventPost {
 public:
  EventPost(const std::string& url, Clock& clock) : client_(url), clock_(clock) {}

  // The last sequence of a producer; -1 if none.
  Result<int64_t> last_sequence(const std::string& producer);
  // A JSON array of events. Durable on return.
  Result<ingest::Taken> post(const std::string& topic, const std::string& body,
                             const ingest::Numbered& numbered);
  // Any other request, as JSON; its answer, whatever its status.
  Result<net::Answer> ask(const std::string& target, const std::string& body);

 private:
  net::HttpClient client_;
  Clock& clock_;
};

}  // namespace tradewind::cli
