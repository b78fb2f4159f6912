#pragma once
// Wire: one connection to a broker without librdkafka: to see for oneself whether it answers, whose
// certificate it shows, which Kafka it is; and to write transactions (session.h).
//
// Threads: one. Errors: unavailable, invalid; each with the setting to change. Waits four seconds at most,
// or what patience() was told.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
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

  // How long sending and answers are waited for, from here on.
  void patience(Duration wait);
  // Sends a request in `version` of its API; answer() gives the bodies of answers in the order of requests.
  // An error of either ends the use of the connection.
  Result<> ask(int api, int version, BytesView body);
  Result<Bytes> answer();
  // False: the broker has ended it. REQUIRES that no answer is awaited.
  bool open() const;

 private:
  struct Tls;
  Wire(int socket, std::string address, const KafkaOptions& options);
  Result<> send(BytesView bytes);
  Result<> receive(char* to, size_t size);

  const int socket_;
  const std::string address_;
  const KafkaOptions& options_;
  std::unique_ptr<Tls> tls_;
  int32_t asked_ = 0;  // requests
  int32_t answered_ = 0;
};

// The subject of the certificate in a file (PEM) as brokers call its user: "CN=app,O=shop". Empty: none can
// be read.
std::string certificate_subject(const std::string& path);

}  // namespace tradewind::log::kafka
