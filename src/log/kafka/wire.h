#pragma once
// Wire: one connection to a broker without librdkafka: to see for oneself whether it answers, whose
// certificate it shows, which Kafka it is; to write transactions (session.h) and to read (fetcher.h).
//
// Threads: one. Errors: unavailable, invalid; each with the setting to change. No wait is longer than its
// limits.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "log/kafka/buffer.h"
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
  struct Limits {
    Duration wait{4'000};          // of each wait for the broker to take or send something
    int64_t until_ns = INT64_MAX;  // of all together, by the clock of the options
  };

  // `options`, and their clock, outlive it.
  static Result<std::unique_ptr<Wire>> connect(const std::string& address, const KafkaOptions& options,
                                               const Limits& limits);
  ~Wire();
  void limit(const Limits& limits) { limits_ = limits; }

  // By TLS from here on, the certificate judged as librdkafka does.
  Result<ShownCertificate> secure();
  // What brokers tell before they know who asks.
  Result<BrokerFeatures> features();

  // Sends a request in `version` of its API; answer() gives the bodies of answers in the order of requests.
  // An error of either ends the use of the connection.
  Result<> ask(int api, int version, BytesView body);
  Result<Bytes> answer();
  // Takes what there is of the next answer, without waiting if the limits allow no wait; whether it is there
  // whole. Until then the same buffer is given.
  Result<bool> answer_so_far(Buffer& to);
  // Grows with what comes.
  size_t heard() const { return heard_; }
  // False: the broker has ended it. While an answer is awaited it counts as open.
  bool open() const;
  // To be waited for; reading and writing is the wire's.
  int socket() const { return socket_; }

 private:
  struct Tls;
  Wire(int socket, std::string address, const KafkaOptions& options, const Limits& limits);
  Result<> send(BytesView bytes);
  Result<> receive(char* to, size_t size, size_t& got);
  template <typename ByTls, typename Plainly>
  int step(int16_t events, const ByTls& by_tls, const Plainly& plainly);
  bool wait(int result);
  bool wait_for(int16_t events);

  const int socket_;
  const std::string address_;
  const KafkaOptions& options_;
  Limits limits_;
  bool waited_in_vain_ = false;
  std::unique_ptr<Tls> tls_;
  int32_t asked_ = 0;  // requests
  int32_t answered_ = 0;
  struct Coming {  // an answer of which some is there
    char head[8];  // its size, and which request it answers
    size_t of_head = 0;
    size_t of_body = 0;
  };
  Coming coming_;
  size_t heard_ = 0;
};

// The subject of the certificate in a file (PEM) as brokers call its user: "CN=app,O=shop". Empty: none can
// be read.
std::string certificate_subject(const std::string& path);

}  // namespace tradewind::log::kafka
