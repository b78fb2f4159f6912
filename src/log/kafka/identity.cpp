#include "log/kafka/identity.h"

#include <librdkafka/rdkafka.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "log/kafka/tokens.h"

namespace tradewind::log::kafka {
namespace {

Result<> readable(const char* setting, const std::string& path) {
  if (path.empty()) return {};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return Error{Code::invalid, std::string(setting) + " is " + path + ", which cannot be read (" +
                                    std::strerror(errno) + "); name a file in PEM"};
  }
  std::fclose(file);
  return {};
}

struct CertificateGone {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// "127.0.0.1"; addresses of another size than IPv4's are not told.
std::string address_text(const ASN1_OCTET_STRING& address) {
  if (address.length != 4) return "an IPv6 address";
  std::string text;
  for (int i = 0; i < 4; ++i) text += (i == 0 ? "" : ".") + std::to_string(address.data[i]);
  return text;
}

}  // namespace

Result<Properties> identity_properties(const KafkaSecurity& security) {
  Properties all{{"security.protocol", name_of(security.protocol)}};
  if (security.has_tls()) {
    TRY(readable("log.kafka.ssl.ca.location", security.ca));
    TRY(readable("log.kafka.ssl.certificate.location", security.certificate));
    TRY(readable("log.kafka.ssl.key.location", security.key));
    const bool names = security.name_check == KafkaNameCheck::https;
    all.emplace_back("ssl.endpoint.identification.algorithm", names ? "https" : "none");
    if (!security.ca.empty()) all.emplace_back("ssl.ca.location", security.ca);
    if (!security.certificate.empty()) {
      all.emplace_back("ssl.certificate.location", security.certificate);
      all.emplace_back("ssl.key.location", security.key);
    }
    if (!security.key_password.empty()) all.emplace_back("ssl.key.password", security.key_password.reveal());
  }
  if (security.has_sasl()) {
    all.emplace_back("sasl.mechanism", name_of(security.mechanism));
    if (!security.has_tokens()) {
      all.emplace_back("sasl.username", security.username);
      all.emplace_back("sasl.password", security.password.reveal());
    }
  }
  return all;
}

Error refused_property(const KafkaSecurity& security, const std::string& why) {
  if (why.starts_with("ssl.ca.location")) {
    return {Code::invalid, "log.kafka.ssl.ca.location is " + security.ca +
                               ", in which no certificate can be read (" + why +
                               "); name a file of certificates in PEM"};
  }
  if (why.starts_with("ssl.certificate.location")) {
    return {Code::invalid, "log.kafka.ssl.certificate.location is " + security.certificate +
                               ", in which no certificate can be read (" + why + "); name a file in PEM"};
  }
  if (why.starts_with("ssl.key.location")) {
    const bool other = why.find("mismatch") != std::string::npos;
    return {
        Code::invalid,
        "log.kafka.ssl.key.location is " + security.key +
            (other
                 ? ", which is not the key of log.kafka.ssl.certificate.location; name the right one"
                 : ", which cannot be read as a private key (" + why +
                       "); name its file in PEM, and what it is locked with in log.kafka.ssl.key.password")};
  }
  return {Code::invalid, "Kafka's client cannot be made: " + why};
}

Result<> give_token(rd_kafka_s* client, const KafkaOptions& options) {
  const Token token = TRY(options.tokens->get());
  const auto extensions = TRY(token_extensions(options.security.extensions));
  std::vector<const char*> told;
  for (const auto& [name, value] : extensions) {
    told.push_back(name.c_str());
    told.push_back(value.c_str());
  }
  char why[512] = "";
  const auto code =
      rd_kafka_oauthbearer_set_token(client, token.text.c_str(), token.expires.ms, token.subject.c_str(),
                                     told.data(), told.size(), why, sizeof why);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Error{Code::invalid, "Kafka's client does not take the token of " + options.security.token_endpoint +
                                  ": " + why + "; check log.kafka.sasl.oauthbearer.extensions"};
}

std::string certificate_names(BytesView der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, CertificateGone> certificate(
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  if (certificate == nullptr) return "";
  const std::unique_ptr<GENERAL_NAMES, CertificateGone> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string one;
    if (name->type == GEN_DNS) {
      one.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                 static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      one = address_text(*name->d.iPAddress);
    }
    if (!one.empty()) text += (text.empty() ? "" : ", ") + one;
  }
  return text;
}

}  // namespace tradewind::log::kafka
