#pragma once
// Trouble: what librdkafka says went wrong with a connection, as one sentence of ours that names the setting
// to change.
//
// Threads: plain values.

#include <string>
#include <string_view>

#include "log/open.h"

namespace tradewind::log::kafka {

enum class TroubleKind {
  none,  // nothing that is known here
  unknown_host,
  refused,
  unanswered,
  speaks_tls,
  speaks_no_tls,
  wants_user,
  wants_no_user,
  untrusted,
  wrong_name,
  out_of_date,
  wants_certificate,
  refuses_certificate,
  credentials,
  mechanism,
  token_denied,
  token_missing,
};

struct Trouble {
  TroubleKind kind = TroubleKind::none;
  std::string where;   // HOST:PORT, as far as it is known
  std::string detail;  // the reason in the words of whoever told it
};

// What a line or an error of librdkafka's tells.
Trouble trouble_of(std::string_view text);
// What OpenSSL's X509_V_ERR_... tells of the certificate that `where` shows.
Trouble trouble_of_certificate(int code, const std::string& where, const std::string& names);

// Waiting mends it not: somebody has to change something.
bool lasting(const Trouble& trouble);

// The sign of it is no more than that the broker ends a connection.
bool by_hanging_up(const Trouble& trouble);

// One sentence without a full stop: what is wrong, and the setting to change. REQUIRES a known kind.
std::string explained(const Trouble& trouble, const KafkaOptions& options);

// A right that the brokers ask for, as kafka-acls.sh calls it.
struct Right {
  const char* operation;  // "Write"
  const char* resource;   // "topic", "group", "transactional id", "cluster"
  std::string name;
};
// The same for a right that is missing.
std::string explained(const Right& right, const KafkaOptions& options);

// The command that grants the right on a topic.
std::string grant_command(const Right& right, const KafkaOptions& options);

// "User:app", or what it hangs on where only the brokers know.
std::string principal_of(const KafkaOptions& options);

// Kafka 4 refuses what librdkafka before 2.6.1 says as SCRAM.
bool scram_is_too_old();

}  // namespace tradewind::log::kafka
