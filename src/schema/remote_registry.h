#pragma once
// RemoteRegistry: a Registry that runs elsewhere and speaks Confluent Schema Registry's REST.
//
// Answers for an id or a version are kept for ever, the latest version of a subject for a while; while the
// registry is away what was known is given. A question takes at most the patience; while the registry is
// known to be away it is asked now and then, once, and every other question is refused at once. Threads:
// shared freely. Errors: as Registry's; `unavailable` also where it refuses who we are, and where what
// answers is no registry: that is to be mended at registry.url, and no fault of a record.

#include <memory>
#include <optional>
#include <string>

#include "base/options.h"
#include "base/time.h"
#include "schema/outlook.h"
#include "schema/registry.h"

namespace tradewind::schema {

struct RemoteRegistryOptions {
  std::string url;    // several with commas: the next is asked where one is away; empty: there is none
  Secret basic_auth;  // USER:PASSWORD
  Secret bearer;      // a token
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  Duration timeout{2'000};      // of one request
  Duration patience{10'000};    // of one question, with all it takes to ask again
  Duration latest_kept{5'000};  // how long the latest version of a subject is taken for it
  bool normalize = true;        // two ways of writing one schema are the same
  uint64_t seed = 1;            // of the pauses between attempts; no setting

  void fields(Options& options);
  bool given() const { return !url.empty(); }
};

// A request of other people's, handed on as it is.
struct ForwardedRequest {
  std::string method;
  std::string target;  // "/subjects/a%2Fb/versions?deleted=true"
  std::string body;
};
struct ForwardedAnswer {
  int status = 0;
  std::string body;
  std::string content_type;
};

class RemoteRegistry : public Registry {
 public:
  // invalid: a setting. Asks nothing yet. The clock must outlive it.
  static Result<std::unique_ptr<RemoteRegistry>> open(const RemoteRegistryOptions& options, Clock& clock);

  // Changes nothing.
  virtual Result<Outlook> outlook(const std::string& subject, SchemaKind kind, const std::string& text) = 0;
  // What the registry answers, whatever it is; unavailable: nothing it could be handed to.
  virtual Result<ForwardedAnswer> forward(const ForwardedRequest& request) = 0;
  // Why it was not to be had the last time it was asked; nothing: it was.
  virtual std::optional<Error> trouble() const = 0;
};

}  // namespace tradewind::schema
