#pragma once
// Tokens: the token that tells brokers who we are, fetched by client credentials, kept while it is good and
// shared by all clients.
//
// Threads: shared freely; while one fetches, the others wait. Errors: invalid (the endpoint refuses us),
// unavailable (it does not answer); each with the setting to change.

#include <mutex>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "log/open.h"

namespace tradewind::log::kafka {

struct Token {
  std::string text;
  std::string subject;  // whom it is about
  Timestamp fetched;
  Timestamp expires;
};

class Tokens {
 public:
  // `clock` outlives it.
  Tokens(KafkaSecurity security, Clock& clock) : security_(std::move(security)), clock_(clock) {}

  // One that is good for a quarter of its life at least.
  Result<Token> get();
  // By how much the endpoint's clock was ahead of ours when it last answered; it tells whole seconds.
  Duration clock_ahead() const;

 private:
  Result<Token> fetch();

  const KafkaSecurity security_;
  Clock& clock_;
  mutable std::mutex mutex_;
  Token last_;
  Duration clock_ahead_{0};
};

// The first token, for which an endpoint that does not answer is asked again while options.start_patience
// lasts.
Result<> first_token(const KafkaOptions& options);
// The options as clients are opened with: checked, with a clock, and with the first token where one is
// needed.
Result<KafkaOptions> ready_options(const KafkaOptions& given);

}  // namespace tradewind::log::kafka
