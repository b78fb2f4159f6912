#pragma once
// Client: one handle of librdkafka, its topics, and what it last said was wrong.
//
// Threads: shared freely. librdkafka's header is for this folder's sources only.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "log/kafka/identity.h"
#include "log/kafka/trouble.h"
#include "log/open.h"
#include "log/record.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;

namespace tradewind::log::kafka {

enum class ClientKind { producer, consumer };

class Client {
 public:
  // invalid: librdkafka refuses a property. unavailable: no token is to be had. It connects by itself, later.
  static Result<std::shared_ptr<Client>> make(const KafkaOptions& options, ClientKind kind,
                                              const Properties& properties);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_s* handle() const { return handle_; }
  // The topic's own handle, whose partitions are known by then; null: librdkafka refuses the name. A later
  // `generation` asks again where they are: topics were deleted since.
  rd_kafka_topic_s* topic(const std::string& name, int64_t generation);
  // Serves delivery reports and errors; waits up to `wait` for the first.
  void serve(Duration wait);
  // How long a request may take: the options' patience, but only a moment while brokers are silent.
  Duration patience() const;
  int patience_ms() const { return static_cast<int>(patience().count()); }
  // A request was answered, or a whole patience() passed without: then brokers are silent until one is
  // answered.
  void heard(bool answered);
  bool silent() const { return silent_; }

  // An error of this client: `code` is librdkafka's, `doing` what was wanted, `right` what one must be
  // granted for it, where that is not plain from who asks.
  Error error(int code, const std::string& doing, const Right* right = nullptr) const;
  // The fatal error that made the client useless; 0: none.
  int fatal() const;
  // The connection is of no use before somebody changes something.
  bool hopeless() const;
  void note_trouble(const std::string& text);
  void note_trouble(Trouble trouble);
  // Brokers answered: from now on a connection that ends is one that ends, and no sign of another protocol.
  void note_answer();
  // The brokers do not let this client write to the topic.
  void note_denied(const std::string& topic);
  void renew_token();

 private:
  Client(const KafkaOptions& options, ClientKind kind) : options_(options), kind_(kind) {}
  std::optional<Right> right_for(int code) const;

  struct Topic {
    rd_kafka_topic_s* handle = nullptr;
    int64_t generation = -1;
  };
  const KafkaOptions options_;
  const ClientKind kind_;
  rd_kafka_s* handle_ = nullptr;
  mutable std::mutex mutex_;
  std::map<std::string, Topic> topics_;
  std::string last_words_;  // of librdkafka about what went wrong
  Trouble trouble_;         // the last that is known
  int64_t trouble_ns_ = 0;
  bool answered_ = false;
  std::string denied_topic_;
  std::atomic<bool> silent_{false};
};

// Deliveries: what became of a number of records handed to a producer.
//
// Threads: shared by the one who produces and the one who serves the client.
class Deliveries {
 public:
  // Where the records of one partition went.
  struct Slot {
    Deliveries* all = nullptr;
    Position position;
    Offset first = -1;
    Offset last = -1;
  };

  void expect(size_t records);
  void arrived(Slot& slot, int code, Offset offset);  // code: librdkafka's, 0 is well
  bool done() const;
  // The first code that was not well; 0: none so far.
  int failure() const;
  void fail(int code);

 private:
  mutable std::mutex mutex_;
  size_t left_ = 0;
  int failure_ = 0;
};

// Hands one record over; its bytes must stay until the report unless `copied`. A librdkafka code; 0: done.
int produce(Client& client, rd_kafka_topic_s* topic, int32_t partition, const RecordView& record, bool copied,
            Deliveries::Slot& slot);

// Kafka keeps no time before 1970 and librdkafka none of 0: such a time rides in a header that readers of
// this log do not see.
inline constexpr std::string_view kTimeHeader = "tw.time";
// The header of a record that is none: it is there so that a transaction ends in its partition. Nor do
// readers see it.
inline constexpr std::string_view kNothingHeader = "tw.nothing";

}  // namespace tradewind::log::kafka
