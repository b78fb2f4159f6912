#pragma once
// Brokers: connections of our own to the brokers of a cluster, and who of them leads what.
//
// No call waits beyond until(), nor five seconds for a broker that moves no byte; a broker that throttles may
// take so much longer.
// Threads: one. Where a call gives a number it is a code of the protocol, as librdkafka counts them. 0: well;
// kGone: there is no connection, or it ended.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "log/kafka/protocol.h"
#include "log/kafka/wire.h"
#include "log/record.h"

namespace tradewind::log::kafka {

inline constexpr int kGone = -195;
inline constexpr int kLater = -196;

class Brokers {
 public:
  enum class Role : int8_t { group = 0, transactions = 1 };

  // `options` outlive it.
  explicit Brokers(const KafkaOptions& options) : options_(options) {}

  // How long all that follows may take, by the clock of the options.
  void until(int64_t until_ns) { until_ns_ = until_ns; }

  // Who coordinates the group or the transactional id. It is asked for anew after forget_coordinator().
  int coordinator(Role role, const std::string& key, std::string& address);
  void forget_coordinator(Role role, const std::string& key) { coordinators_.erase({role, key}); }

  // Looks where the partitions of these topics are; `about`: the topic that the code is about.
  int locate(const std::set<std::string>& topics, std::string& about);
  // The leader's address; null: none is known.
  const std::string* leader(const Position& position) const;

  void forget_leader(const Position& position) { leaders_.erase(position); }

  // Whether the broker has a connection for records; what is asked of coordinators does not wait behind them.
  bool connected(const std::string& address) { return connection(records_, address) != nullptr; }
  // A request of records, and its answer, later.
  int send(const std::string& address, Api api, int version, const Asked& body);
  int hear(const std::string& address, Bytes& answer);
  // Of a request that the broker may keep for `kept`: without waiting. Too late, and it is gone.
  int hear_so_far(const std::string& address, Duration kept, Buffer& answer);
  // The socket its answers come by; -1: there is none.
  int socket(const std::string& address) const;
  // One request and its answer, of a coordinator.
  int ask(const std::string& address, Api api, int version, const Asked& body, Bytes& answer);
  // The same, of any broker.
  int ask_any(Api api, int version, const Asked& body, Bytes& answer);

  // What last kept a connection from coming about.
  const std::string& trouble() const { return trouble_; }
  // Grows whenever a connection fails or ends.
  int64_t breaks() const { return breaks_; }

 private:
  struct Link {
    std::unique_ptr<Wire> wire;
    int64_t until_ns = 0;  // for so long the broker takes who has signed in; then it ends it
    int64_t asked_ns = 0;  // when the last request was sent
    int64_t quiet_ns = 0;  // until then the broker reads no more
  };
  using Wires = std::map<std::string, Link>;  // by address
  Result<Link> connect(const std::string& address);
  Link* connection(Wires& wires, const std::string& address);
  int ask(Wires& wires, const std::string& address, Api api, int version, const Asked& body);
  int hear(Wires& wires, const std::string& address, Bytes& answer);
  Wire::Limits limits(int64_t since_ns) const;
  std::vector<std::string> by_hope() const;
  void throttled(Wires& wires, const std::string& address, int32_t wait_ms);
  int hang_up(Wires& wires, const std::string& address, const Error& why);

  const KafkaOptions& options_;
  Wires records_;
  Wires asking_;
  std::map<std::pair<Role, std::string>, std::string> coordinators_;  // addresses
  std::map<Position, std::string> leaders_;
  std::set<std::string> known_;               // addresses that brokers told of
  std::map<std::string, int64_t> failed_ns_;  // when an address was last tried in vain
  int64_t until_ns_ = INT64_MAX;
  std::string trouble_;
  int64_t breaks_ = 0;
};

}  // namespace tradewind::log::kafka
