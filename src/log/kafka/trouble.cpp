#include "log/kafka/trouble.h"

#include <librdkafka/rdkafka.h>
#include <openssl/x509_vfy.h>

#include <array>

#include "log/kafka/tokens.h"
#include "log/kafka/wire.h"

namespace tradewind::log::kafka {
namespace {

struct Sign {
  const char* text;
  TroubleKind kind;
};
// The first that stands in a line tells what it is.
constexpr std::array kSigns{
    Sign{"Failed to resolve", TroubleKind::unknown_host},
    Sign{"Connection refused", TroubleKind::refused},
    Sign{"Connection timed out", TroubleKind::unanswered},
    Sign{"Connection setup timed out", TroubleKind::unanswered},
    Sign{"No route to host", TroubleKind::unanswered},
    Sign{"Network is unreachable", TroubleKind::unanswered},
    Sign{"connecting to a SSL listener", TroubleKind::speaks_tls},
    Sign{"connecting to a PLAINTEXT broker listener", TroubleKind::speaks_no_tls},
    Sign{"wrong version number", TroubleKind::speaks_no_tls},
    Sign{"unexpected eof while reading", TroubleKind::speaks_no_tls},
    Sign{"might require SASL", TroubleKind::wants_user},
    Sign{"not valid in current SASL state", TroubleKind::wants_no_user},
    Sign{"Unsupported SASL mechanism", TroubleKind::mechanism},
    Sign{"alert certificate required", TroubleKind::wants_certificate},
    Sign{"alert bad certificate", TroubleKind::wants_certificate},
    Sign{"alert handshake failure", TroubleKind::wants_certificate},
    Sign{"alert certificate unknown", TroubleKind::refuses_certificate},
    Sign{"alert unknown ca", TroubleKind::refuses_certificate},
    Sign{"alert certificate expired", TroubleKind::refuses_certificate},
    Sign{"certificate verify failed", TroubleKind::untrusted},
    Sign{"invalid_token", TroubleKind::token_denied},
    Sign{"SASL/OAUTHBEARER", TroubleKind::token_denied},
    Sign{"SASL mechanism OAUTHBEARER", TroubleKind::token_denied},
    Sign{"SASL authentication error", TroubleKind::credentials},
};

// "[thrd:x]: sasl_ssl://localhost:9093/bootstrap: why (after 3ms in state Y)": HOST:PORT and why.
Trouble parted(std::string_view text) {
  Trouble trouble;
  if (text.starts_with("[thrd:")) text.remove_prefix(std::min(text.size(), text.find("]: ") + 3));
  const size_t slash = text.find('/', text.find("://") == std::string_view::npos ? 0 : text.find("://") + 3);
  const size_t end = text.find(": ");
  if (slash != std::string_view::npos && end != std::string_view::npos && slash < end) {
    const size_t scheme = text.find("://");
    const size_t from = scheme < slash ? scheme + 3 : 0;
    trouble.where = text.substr(from, slash - from);
    text.remove_prefix(end + 2);
  }
  if (const size_t after = text.rfind(" (after "); after != std::string_view::npos)
    text = text.substr(0, after);
  trouble.detail = text;
  return trouble;
}

std::string host_of(const std::string& where) {
  return where.substr(0, where.rfind(':'));
}

// Where a wrong address stands: the one we were given, or one that the cluster tells.
std::string address_of(const std::string& where, const KafkaOptions& options) {
  const std::string all = "," + options.servers + ",";
  if (all.find("," + where + ",") != std::string::npos) return "log.at";
  return "advertised.listeners of that broker, which the cluster tells";
}

std::string file_or(const std::string& path, const char* otherwise) {
  return path.empty() ? otherwise : path;
}

std::string credentials_text(const Trouble& trouble, const KafkaOptions& options) {
  std::string text = trouble.where + " refuses the user '" + options.security.username +
                     "' with this secret (" + trouble.detail +
                     "); mend log.kafka.sasl.username or log.kafka.sasl.password";
  if (!options.security.has_scram() || !scram_is_too_old()) return text;
  return text + ", or, where the brokers are Kafka 4, which refuses SCRAM of librdkafka " +
         rd_kafka_version_str() + " though the secret is right, install librdkafka 2.6.1 or later";
}

std::string mechanism_text(const Trouble& trouble, const KafkaOptions& options) {
  const size_t at = trouble.detail.rfind("mechanisms: ");
  const std::string known = at == std::string::npos ? "others" : trouble.detail.substr(at + 12);
  return trouble.where + " does not take " + name_of(options.security.mechanism) +
         "; set log.kafka.sasl.mechanism to one that it takes: " + known;
}

const char* with_sasl(bool tls) {
  return tls ? "SASL_SSL" : "SASL_PLAINTEXT";
}

std::string protocol_text(const Trouble& trouble, const KafkaOptions& options) {
  const KafkaSecurity& security = options.security;
  const std::string to =
      "; set log.kafka.security.protocol (it is " + std::string(name_of(security.protocol)) + ") to ";
  const std::string port = ", or name another port of the brokers in log.at";
  switch (trouble.kind) {
    case TroubleKind::speaks_tls:
      return trouble.where + " hangs up on a client that does not begin with TLS" + to +
             (security.has_sasl() ? "SASL_SSL" : "SSL or SASL_SSL") + port;
    case TroubleKind::speaks_no_tls:
      return trouble.where + " does not speak TLS" + to +
             (security.has_sasl() ? "SASL_PLAINTEXT" : "PLAINTEXT or SASL_PLAINTEXT") + port;
    case TroubleKind::wants_user:
      return trouble.where + " wants to be told who is there" + to + with_sasl(security.has_tls()) + port;
    default:
      return trouble.where + " asks nobody for a user" + to + (security.has_tls() ? "SSL" : "PLAINTEXT") +
             port;
  }
}

std::string certificate_text(const Trouble& trouble, const KafkaOptions& options) {
  const KafkaSecurity& security = options.security;
  const std::string shown = "the certificate of " + trouble.where;
  switch (trouble.kind) {
    case TroubleKind::untrusted:
      return shown + " is of an authority that is not believed by " +
             file_or(security.ca, "this machine's certificates") + " (" + trouble.detail +
             "); name that authority's file in log.kafka.ssl.ca.location";
    case TroubleKind::wrong_name:
      return shown + " is for another host (" + trouble.detail +
             "); name the broker so in log.at, or set log.kafka.ssl.endpoint.identification.algorithm to "
             "none, "
             "which lets whoever has a certificate of that authority stand between";
    case TroubleKind::out_of_date:
      return shown + " is not good at this time (" + trouble.detail +
             "); let it be renewed, or set this machine's clock";
    case TroubleKind::refuses_certificate:
      return trouble.where + " refuses the certificate " + security.certificate + " (" + trouble.detail +
             "); give one of an authority that the brokers believe in log.kafka.ssl.certificate.location";
    default:
      if (security.certificate.empty()) {
        return trouble.where + " wants a certificate of ours (" + trouble.detail +
               "); give log.kafka.ssl.certificate.location and log.kafka.ssl.key.location";
      }
      return trouble.where + " does not take the certificate " + security.certificate + " (" +
             trouble.detail + "); mend log.kafka.ssl.certificate.location";
  }
}

}  // namespace

Trouble trouble_of(std::string_view text) {
  Trouble trouble = parted(text);
  for (const Sign& sign : kSigns) {
    if (text.find(sign.text) == std::string_view::npos) continue;
    trouble.kind = sign.kind;
    break;
  }
  return trouble;
}

Trouble trouble_of_certificate(int code, const std::string& where, const std::string& names) {
  Trouble trouble{
      .kind = TroubleKind::untrusted, .where = where, .detail = X509_verify_cert_error_string(code)};
  if (code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID)
    trouble.kind = TroubleKind::out_of_date;
  if (code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    trouble.kind = TroubleKind::wrong_name;
    if (!names.empty()) trouble.detail = names;
  }
  return trouble;
}

bool lasting(const Trouble& trouble) {
  switch (trouble.kind) {
    case TroubleKind::none:
    case TroubleKind::unknown_host:
    case TroubleKind::refused:
    case TroubleKind::unanswered:
    case TroubleKind::token_missing: return false;
    default: return true;
  }
}

bool by_hanging_up(const Trouble& trouble) {
  return trouble.kind == TroubleKind::speaks_tls || trouble.kind == TroubleKind::speaks_no_tls ||
         trouble.kind == TroubleKind::wants_user;
}

std::string explained(const Trouble& trouble, const KafkaOptions& options) {
  using enum TroubleKind;
  const std::string remedy = "; mend " + address_of(trouble.where, options);
  switch (trouble.kind) {
    case none: return trouble.detail;
    case unknown_host: return "no host is called " + host_of(trouble.where) + " here" + remedy;
    case refused:
      return "nobody listens at " + trouble.where + "; start the brokers, or mend " +
             address_of(trouble.where, options);
    case unanswered:
      return trouble.where + " does not answer (" + trouble.detail +
             "); look for a firewall between, or mend " + address_of(trouble.where, options);
    case speaks_tls:
    case speaks_no_tls:
    case wants_user:
    case wants_no_user: return protocol_text(trouble, options);
    case untrusted:
    case wrong_name:
    case out_of_date:
    case wants_certificate:
    case refuses_certificate: return certificate_text(trouble, options);
    case credentials: return credentials_text(trouble, options);
    case mechanism: return mechanism_text(trouble, options);
    case token_denied:
      return trouble.where + " refuses the token of " + options.security.token_endpoint + " (" +
             trouble.detail +
             "); check that the brokers believe that endpoint, and log.kafka.sasl.oauthbearer.scope and "
             ".extensions";
    case token_missing: return trouble.detail;
  }
  return trouble.detail;
}

std::string explained(const Right& right, const KafkaOptions& options) {
  const std::string who = principal_of(options);
  const std::string what =
      std::string("the ") + right.resource + (right.name.empty() ? "" : " " + right.name);
  return who + " lacks the right " + right.operation + " on " + what +
         "; grant it (tradewind doctor prints the commands), or give another user in log.kafka.*";
}

std::string grant_command(const Right& right, const KafkaOptions& options) {
  return "kafka-acls.sh --bootstrap-server " + options.servers +
         " --command-config admin.properties --add --allow-principal '" + principal_of(options) +
         "' --operation " + right.operation + " --topic '" + right.name + "'";
}

std::string principal_of(const KafkaOptions& options) {
  const KafkaSecurity& security = options.security;
  if (security.has_tokens()) {
    if (options.tokens == nullptr) return "the token's user";
    const auto token = options.tokens->get();
    return token.ok() ? "User:" + token->subject : "the token's user";
  }
  if (security.has_sasl()) return "User:" + security.username;
  if (!security.certificate.empty()) {
    const std::string subject = certificate_subject(security.certificate);
    return subject.empty() ? "the user of " + security.certificate : "User:" + subject;
  }
  return "User:ANONYMOUS";
}

bool scram_is_too_old() {
  return rd_kafka_version() < 0x02060100;
}

}  // namespace tradewind::log::kafka
