#pragma once
// KafkaSecurity: how a cluster is spoken to: in clear or by TLS, and who we show to be. The settings are
// called as Kafka's own clients call them, behind "log.kafka.".
//
// Threads: plain values.

#include <string>
#include <utility>
#include <vector>

#include "base/options.h"
#include "base/result.h"

namespace tradewind::log {

enum class KafkaProtocol { plaintext, ssl, sasl_plaintext, sasl_ssl };
enum class KafkaMechanism { plain, scram_sha_256, scram_sha_512, oauthbearer };
enum class KafkaNameCheck { https, none };

struct KafkaSecurity {
  KafkaProtocol protocol = KafkaProtocol::plaintext;
  std::string ca;           // file, or folder, of certificates; empty: those of the machine
  std::string certificate;  // file of ours; empty: none is shown
  std::string key;          // file
  Secret key_password;
  KafkaNameCheck name_check = KafkaNameCheck::https;
  KafkaMechanism mechanism = KafkaMechanism::plain;
  std::string username;
  Secret password;
  std::string token_endpoint;  // URL
  std::string client_id;
  Secret client_secret;
  std::string scope;
  std::string extensions;  // "logicalCluster=lkc-1,identityPoolId=pool-1"
  std::string endpoint_ca;

  void fields(Options& options);
  // invalid: settings that do not go together, with the one to change.
  Result<> check() const;

  bool has_tls() const { return protocol == KafkaProtocol::ssl || protocol == KafkaProtocol::sasl_ssl; }
  bool has_sasl() const {
    return protocol == KafkaProtocol::sasl_plaintext || protocol == KafkaProtocol::sasl_ssl;
  }
  bool has_tokens() const { return has_sasl() && mechanism == KafkaMechanism::oauthbearer; }
  bool has_scram() const {
    return has_sasl() &&
           (mechanism == KafkaMechanism::scram_sha_256 || mechanism == KafkaMechanism::scram_sha_512);
  }
};

// "SASL_SSL", "SCRAM-SHA-512": as they are written in settings.
const char* name_of(KafkaProtocol protocol);
const char* name_of(KafkaMechanism mechanism);

// NAME=VALUE[,NAME=VALUE]... invalid: something else.
Result<std::vector<std::pair<std::string, std::string>>> token_extensions(const std::string& text);

}  // namespace tradewind::log
