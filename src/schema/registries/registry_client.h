#pragma once
// RegistryClient: requests to a registry that runs elsewhere, at one of several addresses: asked again with
// growing pauses while it is away, and left alone for a while once it is known to be.
//
// Threads: shared freely. Errors: unavailable, with the address and what to check. What the registry answers
// is no error here, whatever its status, but for the statuses below.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "net/http_client.h"
#include "schema/remote_registry.h"

namespace tradewind::schema {

struct RegistryRequest {
  std::string method;  // "GET"
  std::string target;
  std::string body;
  bool repeatable = true;  // asking twice does no harm
};

class RegistryClient {
 public:
  // invalid: the addresses or what we show.
  static Result<std::unique_ptr<RegistryClient>> open(const RemoteRegistryOptions& options, Clock& clock);
  ~RegistryClient();

  // An answer below 500 that is not 429; 401 and 403 are answers too.
  Result<net::Answer> ask(const RegistryRequest& request);
  std::optional<Error> trouble() const;
  // The registry answered, but nothing that one would.
  Error strange(const std::string& what);
  const std::string& url() const { return options_.url; }

 private:
  struct Address {
    std::string url;
    std::vector<std::unique_ptr<net::HttpClient>> idle;  // whose connections are kept
  };
  RegistryClient(const RemoteRegistryOptions& options, Clock& clock) : options_(options), clock_(clock) {}
  Result<net::Answer> ask_one(size_t which, const RegistryRequest& request, Duration deadline);
  // Each address once, the one that answered last first.
  Result<net::Answer> ask_each(const RegistryRequest& request, int64_t until_ns);
  std::optional<Error> refused_at_once();
  Duration pause(int round, const Result<net::Answer>& last);
  void went_well();
  Error went_wrong(const Result<net::Answer>& last);

  const RemoteRegistryOptions options_;
  Clock& clock_;
  std::string authorization_;
  std::vector<Address> addresses_;
  mutable std::mutex mutex_;  // of what follows, and of the idle clients; never held while something is asked
  size_t preferred_ = 0;
  Random random_{1};
  std::optional<Error> trouble_;
  int64_t look_again_ns_ = 0;  // while there is trouble: from when on one question is asked again
};

}  // namespace tradewind::schema
