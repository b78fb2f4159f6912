#pragma once
// Wire: one connection to a broker without librdkafka, to see for oneself: does it answer, whose certificate
// does it show, which Kafka is it.
//
// Threads: one. Errors: unavailable, invalid; each with the setting to change. Waits four seconds at most.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/open.h"

namespace tradewind::log::kafka {

// "host:9092", "[::1]:9092", "host" (9092). invalid: no port that is one.
Result<std::pair<std::string, std::string>> host_and_port(const std::string& address);
// The addresses of a host, as numbers.
Result<std::vector<std::string>> addresses_of(const std::string& host, const std::string& port);

struct BrokerFeatures {
  std::map<int, std::pair<int, int>> apis;  // key of the protocol -> least and most version
  std::map<std::string, int> features;      // what the cluster has agreed upon: "metadata.version"
  bool has(int api) const { return apis.contains(api); }
};

struct ShownCertificate {
  std::string names;
  std::string issuer;
  Timestamp expires;
  std::string protocol;  // "TLSv1.3"
};

class Wire {
 public:
  static Result<std::unique_ptr<Wire>> connect(const std::string& address, const KafkaOptions& options);
  ~Wire();

  // By TLS from here on, the certificate judged as librdkafka does.
  Result<ShownCertificate> secure();
  // What brokers tell before they know who asks.
  Result<BrokerFeatures> features();

 private:
  struct Tls;
  Wire(int socket, std::string address, const KafkaOptions& options);
  Result<> send(const std::string& bytes);
  Result<> receive(char* to, size_t size);

  const int socket_;
  const std::string address_;
  const KafkaOptions& options_;
  std::unique_ptr<Tls> tls_;
};

// The subject of the certificate in a file (PEM) as brokers call its user: "CN=app,O=shop". Empty: none can
// be read.
std::string certificate_subject(const std::string& path);

}  // namespace tradewind::log::kafka
