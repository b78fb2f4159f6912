#pragma once
// Signing in to a broker over a connection of our own: PLAIN (RFC 4616), SCRAM-SHA-256 and -512 (RFC 5802,
// RFC 7677), OAUTHBEARER (RFC 7628), in the requests Kafka has for them.
//
// Threads: one for each connection. Errors: unavailable: the broker refuses us, or does not answer.

#include "base/result.h"
#include "base/time.h"
#include "log/kafka/wire.h"
#include "log/open.h"

namespace tradewind::log::kafka {

// Signs in; for how long the broker takes it, 0: without end. REQUIRES options.security.has_sasl().
Result<Duration> sign_in(Wire& wire, const KafkaOptions& options);

// The client's side of SCRAM, as texts.
class Scram {
 public:
  // `nonce`: of printable characters without a comma, never the same twice.
  Scram(KafkaMechanism mechanism, std::string user, std::string password, std::string nonce);

  std::string first() const;
  // Answers what the server sent first. invalid: that is no such message, or is for another client.
  Result<std::string> last(const std::string& server_first);
  // Whether the server knows the password, too. REQUIRES last().
  bool proves(const std::string& server_last) const;

 private:
  Bytes keyed(const Bytes& key, BytesView text) const;
  Bytes digest(BytesView text) const;

  const bool long_;  // 512 bits
  const std::string user_;
  const std::string password_;
  const std::string nonce_;
  std::string server_signature_;  // base64
};

}  // namespace tradewind::log::kafka
