#pragma once
// Session: a transactional id held by this process, whose transactions are written straight to the brokers:
// all partitions that one broker leads in one request.
//
// librdkafka puts one partition into a request, and a broker answers a connection's requests one after the
// other, each of them verified with the transaction's coordinator: that was nine tenths of a commit's time.
// What brokers refuse only in passing is asked for again until the time given is over, and no call takes
// longer: each request can be sent twice without being done twice. After another code than 0 a session is of
// use only if end(false) then goes well; else the id is taken anew, which ends its transaction one way or the
// other. Between transactions sound() is asked: also well done it may be of no further use. Threads: one at a
// time. Numbers that are answered: codes as in brokers.h.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "log/kafka/brokers.h"
#include "log/kafka/client.h"
#include "log/kafka/record_batch.h"
#include "log/log.h"

namespace tradewind::log::kafka {

class Session {
 public:
  // `options` outlive it.
  Session(const KafkaOptions& options, std::string id);

  // Takes the id: an earlier holder is fenced, and its open transaction ends.
  int take(int64_t until_ns);
  // The places of a group without members.
  struct Places {
    std::string group;
    Offsets offsets;  // empty: none are sent
  };
  // Writes the parts and the places in the transaction, which begins if none is open. The slots, one for each
  // position, tell where its records went. What is too large for its topic is passed over, and told by the
  // code behind all the others: see too_large().
  int write(std::span<const Appending> parts, const Places& places, std::deque<Deliveries::Slot>& slots,
            int64_t until_ns);
  // Commits or aborts it; well, when none is open. Whether a commit went through is known by 0 only.
  int end(bool commit, int64_t until_ns);

  // False: something of the last transaction may be on its way still, or lie in a partition unacknowledged.
  // In the next one it would be taken for that one's: its end would end that one, too early, and records with
  // the same numbers would be dropped as known. Taking the id anew rules both out.
  bool sound() const { return !unsure_ && breaks_before_ == brokers_.breaks(); }

  // Of the last write(), by the number among all for the position.
  struct Refused {
    Position position;
    size_t record = 0;
    int code = 0;
  };
  const std::vector<Refused>& too_large() const { return too_large_; }

  // The topic that the last code was about; may be empty.
  const std::string& topic() const { return topic_; }
  const std::string& trouble() const { return brokers_.trouble(); }
  // Grows whenever a connection fails: what brokers had on their way may have got lost since.
  int64_t breaks() const { return brokers_.breaks(); }

 private:
  // What is written to one position.
  struct Part {
    Position position;
    std::span<const RecordView> records;
    Deliveries::Slot* slot = nullptr;
    size_t written = 0;      // records
    size_t sent = 0;         // records in the request at hand; 0: it was answered
    size_t most = SIZE_MAX;  // records in a batch; less where the topic took no larger one
    bool unsure = false;     // some may lie in the partition, though nobody said so
  };
  using Parts = std::vector<Part*>;
  // Sent to one broker, and not answered yet.
  struct Underway {
    std::string address;
    Parts parts;
  };

  static std::vector<Part> by_position(std::span<const Appending> given, std::deque<Deliveries::Slot>& slots,
                                       std::map<Position, std::vector<RecordView>>& together);

  Asked begun() const;
  int ask_coordinator(Brokers::Role role, const std::string& key, Api api, int version, const Asked& body,
                      int64_t until_ns, const std::function<int(Told&)>& code_of);
  int find_leaders(const std::vector<Part>& parts, int64_t until_ns);
  int add_partitions(const std::vector<Part>& parts, int64_t until_ns);
  int send_offsets(const Places& places, int64_t until_ns);
  int write_parts(std::vector<Part>& parts, const Places& places, int64_t until_ns);
  int send_round(std::vector<Part>& parts, size_t room, std::vector<Underway>& underway);
  int hear(const std::vector<Underway>& underway);
  Asked produce_request(const Parts& parts);
  int take_answer(const Parts& parts, Told& told);
  int take_answer(Part& part, int code, Offset first);
  void pause(int64_t& pause_ms) const;
  int64_t now_ns() const { return options_.clock->monotonic_ns(); }

  const KafkaOptions& options_;
  const std::string id_;
  const Packing packing_;
  Brokers brokers_;
  Writer writer_;
  std::map<Position, int32_t> sequences_;  // of the next record
  std::set<Position> added_;               // to the open transaction
  bool offsets_added_ = false;
  bool unsure_ = false;
  int64_t breaks_before_ = 0;  // when the transaction began
  std::vector<Refused> too_large_;
  std::string topic_;
};

}  // namespace tradewind::log::kafka
