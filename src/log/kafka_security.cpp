#include "log/kafka_security.h"

#include <algorithm>
#include <cctype>

namespace tradewind::log {
namespace {

Error wrong(const std::string& text) {
  return {Code::invalid, text};
}

// Names of one's own machine, to which a secret may go in clear.
bool is_loopback(std::string_view url) {
  for (const char* host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    const std::string_view prefix = host;
    if (!url.starts_with(prefix)) continue;
    const std::string_view rest = url.substr(prefix.size());
    if (rest.empty() || rest[0] == ':' || rest[0] == '/') return true;
  }
  return false;
}

}  // namespace

const char* name_of(KafkaProtocol protocol) {
  switch (protocol) {
    case KafkaProtocol::plaintext: return "PLAINTEXT";
    case KafkaProtocol::ssl: return "SSL";
    case KafkaProtocol::sasl_plaintext: return "SASL_PLAINTEXT";
    case KafkaProtocol::sasl_ssl: return "SASL_SSL";
  }
  return "";
}

const char* name_of(KafkaMechanism mechanism) {
  switch (mechanism) {
    case KafkaMechanism::plain: return "PLAIN";
    case KafkaMechanism::scram_sha_256: return "SCRAM-SHA-256";
    case KafkaMechanism::scram_sha_512: return "SCRAM-SHA-512";
    case KafkaMechanism::oauthbearer: return "OAUTHBEARER";
  }
  return "";
}

void KafkaSecurity::fields(Options& options) {
  using enum KafkaProtocol;
  using enum KafkaMechanism;
  options.choice(
      "log.kafka.security.protocol", protocol,
      {{"PLAINTEXT", plaintext}, {"SSL", ssl}, {"SASL_PLAINTEXT", sasl_plaintext}, {"SASL_SSL", sasl_ssl}},
      "How the brokers are spoken to. SSL: by TLS. SASL_...: a name and a secret, or a token, tell "
      "who we are; in clear without SSL.");
  options.text("log.kafka.ssl.ca.location", ca,
               "File (PEM) or folder of the authorities whose certificates are believed; not given: those of "
               "the machine.");
  options.text("log.kafka.ssl.certificate.location", certificate,
               "File (PEM) of the certificate that tells who we are, for brokers that ask for one.");
  options.text("log.kafka.ssl.key.location", key, "File (PEM) of that certificate's private key.");
  options.secret("log.kafka.ssl.key.password", key_password, "What that key's file is locked with.");
  options.choice("log.kafka.ssl.endpoint.identification.algorithm", name_check,
                 {{"https", KafkaNameCheck::https}, {"none", KafkaNameCheck::none}},
                 "https: a broker's certificate must name the host that was asked for. none: any certificate "
                 "of the authority will do, so whoever has one can stand between.");
  options.choice("log.kafka.sasl.mechanism", mechanism,
                 {{"PLAIN", plain},
                  {"SCRAM-SHA-256", scram_sha_256},
                  {"SCRAM-SHA-512", scram_sha_512},
                  {"OAUTHBEARER", oauthbearer}},
                 "How it is told who we are. PLAIN: also Confluent Cloud's, with an API key.");
  options.text("log.kafka.sasl.username", username,
               "The user of PLAIN and SCRAM; of Confluent Cloud the API key.");
  options.secret("log.kafka.sasl.password", password,
                 "The secret of PLAIN and SCRAM; of Confluent Cloud the API secret.");
  options.text("log.kafka.sasl.oauthbearer.token.endpoint.url", token_endpoint,
               "Where tokens are fetched by client credentials (https; http on this machine only).");
  options.text("log.kafka.sasl.oauthbearer.client.id", client_id, "Who asks for the token.");
  options.secret("log.kafka.sasl.oauthbearer.client.secret", client_secret, "The secret of that client.");
  options.text("log.kafka.sasl.oauthbearer.scope", scope, "The scope that is asked for.");
  options.text("log.kafka.sasl.oauthbearer.extensions", extensions,
               "What the brokers are told beside the token: logicalCluster=lkc-...,identityPoolId=pool-...");
  options.text(
      "log.kafka.https.ca.location", endpoint_ca,
      "File (PEM) of the authorities that the token endpoint's certificate is believed by; not given: "
      "those of the machine.");
}

Result<> KafkaSecurity::check() const {
  const std::string at = std::string("log.kafka.security.protocol is ") + name_of(protocol);
  if (!has_sasl() && !(username.empty() && password.empty() && token_endpoint.empty() && client_id.empty() &&
                       client_secret.empty())) {
    return wrong(at + ", by which log.kafka.sasl.* is told to nobody; set it to SASL_SSL");
  }
  if (!has_tls() && !(ca.empty() && certificate.empty() && key.empty()))
    return wrong(at + ", by which log.kafka.ssl.* is of no use; set it to " +
                 (has_sasl() ? "SASL_SSL" : "SSL"));
  if (certificate.empty() != key.empty()) {
    return wrong(
        certificate.empty()
            ? "log.kafka.ssl.key.location is given without log.kafka.ssl.certificate.location; give both"
            : "log.kafka.ssl.certificate.location is given without log.kafka.ssl.key.location; give both");
  }
  if (!has_sasl()) return {};
  const std::string by = std::string("log.kafka.sasl.mechanism is ") + name_of(mechanism);
  if (mechanism != KafkaMechanism::oauthbearer) {
    if (username.empty()) return wrong(by + ", but log.kafka.sasl.username is not given");
    if (password.empty()) return wrong(by + ", but log.kafka.sasl.password is not given");
    return {};
  }
  if (token_endpoint.empty())
    return wrong(by + ", but log.kafka.sasl.oauthbearer.token.endpoint.url is not given");
  if (client_id.empty()) return wrong(by + ", but log.kafka.sasl.oauthbearer.client.id is not given");
  if (client_secret.empty()) return wrong(by + ", but log.kafka.sasl.oauthbearer.client.secret is not given");
  if (!token_endpoint.starts_with("https://") && !is_loopback(token_endpoint)) {
    return wrong("log.kafka.sasl.oauthbearer.token.endpoint.url is " + token_endpoint +
                 ", to which the client's secret would go in clear; give an https:// address");
  }
  const auto known = token_extensions(extensions);
  if (!known.ok()) return known.error();
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> token_extensions(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> all;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find(',', from), text.size());
    const std::string one = text.substr(from, end - from);
    const size_t equals = one.find('=');
    const std::string name = one.substr(0, equals);
    const bool letters = !name.empty() && std::all_of(name.begin(), name.end(),
                                                      [](unsigned char c) { return std::isalpha(c) != 0; });
    if (equals == std::string::npos || !letters || equals + 1 == one.size() || name == "auth") {
      return wrong("log.kafka.sasl.oauthbearer.extensions has '" + one +
                   "'; it takes NAME=VALUE[,NAME=VALUE]..., such as logicalCluster=lkc-1");
    }
    all.emplace_back(name, one.substr(equals + 1));
    from = end + 1;
  }
  return all;
}

}  // namespace tradewind::log
