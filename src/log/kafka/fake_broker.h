#pragma once
// FakeBroker: for tests of how sessions and fetchers bear faults: a broker on loopback that holds batches as
// Kafka does, knows again what is sent twice, and does something wrong where it was told to.
//
// Threads: one of its own; what is asked of it may be asked by any. Brokers of one FakeCluster hold the same.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "log/kafka/protocol.h"
#include "log/record.h"

namespace tradewind::log::kafka {

// What brokers of a cluster have in common. Outlives them.
struct FakeCluster {
  struct Batch {
    int16_t epoch = 0;
    int32_t sequence = 0;
    int32_t count = 0;
    Offset first = 0;
  };
  // What is fetched; not what was written.
  struct Stored {
    std::vector<std::pair<Offset, Bytes>> batches;     // one past the last record, and the bytes
    Offset begin = 0;                                  // what lies before is out of range
    Offset committed = 0;                              // one past the last that is
    std::vector<std::pair<int64_t, Offset>> given_up;  // writers, and where their transactions began
  };
  std::mutex mutex;         // of all below
  int leader_port = 0;      // of all partitions; 0: the first broker's
  int16_t epoch = -1;       // the last that was given out
  bool open = false;        // a transaction
  std::vector<bool> ended;  // transactions: whether by a commit
  std::map<Position, std::vector<Batch>> held;
  std::map<Position, Stored> stored;
};

class FakeBroker {
 public:
  enum class Does {
    refuses,      // with a code, and does nothing
    half,         // does it, and answers with the code
    cuts_before,  // the connection, and does nothing
    cuts_after,   // does it
    is_silent,    // does it, and never answers
    dribbles,     // a byte of its answer now and then
    babbles,      // `bytes` instead of an answer, framed as one
    throttles,    // answers, and reads nothing more on that connection for `wait`
  };
  struct Fault {
    Does does = Does::refuses;
    int16_t code = 0;
    std::string topic = "";  // that is refused; empty: all
    Bytes bytes = "";
    Duration wait{0};
  };

  using CodeAt = std::function<int16_t(const Position&)>;

  explicit FakeBroker(FakeCluster& cluster);
  ~FakeBroker();

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // The next request of this API meets the fault; several are met in order.
  void next(Api api, Fault fault);
  // All requests of the API meet it that meet no other.
  void always(Api api, Fault fault);
  // Connections that send a larger request are ended.
  void most_request(size_t bytes);
  // The bodies of the requests that were read so far.
  std::vector<Bytes> asked(Api api);

 private:
  struct Talk {
    int socket = -1;
    Bytes read;
    Bytes to_dribble;
    std::chrono::steady_clock::time_point quiet_until{};
    bool over = false;
  };

  void run(const std::stop_token& stop);
  void hear(Talk& talk);
  void meet(Talk& talk, BytesView request);
  static void write(Talk& talk, BytesView bytes);
  Bytes answer_to(Api api, BytesView body, const Fault* wrong, Duration throttled);
  void tell_leaders(Told& told, Asked& answer, const CodeAt& code_at) const;
  void produce(Told& told, Asked& answer, bool half, const CodeAt& code_at);
  void fetch(Told& told, Asked& answer, const CodeAt& code_at);

  FakeCluster& cluster_;
  int listening_ = -1;
  int port_ = 0;
  std::vector<Talk> talks_;
  // Under the cluster's mutex.
  std::map<Api, std::deque<Fault>> faults_;
  std::map<Api, Fault> always_;
  std::map<Api, std::vector<Bytes>> asked_;
  size_t most_request_ = SIZE_MAX;
  std::jthread thread_;
};

}  // namespace tradewind::log::kafka
