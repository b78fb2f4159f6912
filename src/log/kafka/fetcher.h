#pragma once
// Fetcher: fetches batches of records from the brokers that lead their partitions, all partitions of a broker
// in one request, of which one is always under way while there is room for its answer.
//
// No thread of its own: answers wait in sockets until hear() takes them. Only making a connection and asking
// who leads what makes ask() wait, three seconds at most. Threads: one. Codes: as in brokers.h.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/kafka/brokers.h"
#include "log/kafka/ears.h"
#include "log/kafka/fetched_batch.h"
#include "log/log.h"

namespace tradewind::log::kafka {

class Fetcher {
 public:
  // Visibility::written: also what was not committed, and what never will be.
  Fetcher(const KafkaOptions& options, Visibility visibility)
      : options_(options), visibility_(visibility), brokers_(options_) {}

  // Something that lies in a partition: a batch of records, or only a place to go on at.
  struct Held {
    std::shared_ptr<const Buffer> answer;  // null: nothing to be read
    StoredBatch batch;
    Offset next = 0;
  };
  struct Part {
    Offset next = 0;        // to be asked for
    Offset end = -1;        // one past the last that can be seen, as the last answer told; -1: none came yet
    std::deque<Held> held;  // in order
    // What keeps it from being fetched; 0: nothing. It is tried again by itself.
    int code = 0;
    std::string why;  // in words, where the code does not tell

   private:
    friend class Fetcher;
    int64_t number = 0;    // of this start
    int64_t again_ns = 0;  // not before
    int64_t pause_ms = 0;
    int64_t share = 0;  // bytes
  };

  // From now on it is fetched from this offset on; what was held of it is gone.
  Part& start(const Position& position, Offset from);
  void stop(const Position& position);
  void stop_all();

  // Takes what has come.
  void hear();
  // Asks for what comes next.
  void ask();
  // The first that a part holds has been read, and goes.
  void drop_first(Part& part);
  // For what is unpacked.
  Buffers& buffers() { return buffers_; }
  // Waits for something to come, `wait` at most; less where a part is to be tried again.
  void wait(Duration wait);
  // Has the ears ring when something comes.
  void listen(const Ears& ears) const;

  // What last kept a connection from coming about.
  const std::string& trouble() const { return brokers_.trouble(); }

 private:
  using Parts = std::map<Position, Part>;
  struct Wanted {
    int64_t number = 0;  // of the part's start
    Offset from = 0;
  };
  struct Underway {
    std::map<Position, Wanted> wanted;
    Duration kept{0};  // the broker may wait so long for records
    std::shared_ptr<Buffer> answer;
  };

  using Due = std::vector<Parts::value_type*>;
  using Aborted = std::vector<std::pair<Offset, int64_t>>;  // where each began, and its writer

  void find_leaders(const Due& due);
  void ask(const std::string& address, const Due& due);
  void take_answer(const Underway& underway);
  void take(Part& part, BytesView records, const std::shared_ptr<const Buffer>& answer, Aborted aborted);
  void hold(Part& part, const StoredBatch& batch, const std::shared_ptr<const Buffer>& answer);
  void later(Part& part, int code, std::string why = "");
  void drop_all(Part& part);
  int64_t now_ns() const { return options_.clock->monotonic_ns(); }

  const KafkaOptions options_;
  const Visibility visibility_;
  Brokers brokers_;
  Buffers buffers_;
  Parts parts_;
  std::map<std::string, Underway> underway_;  // by address
  int64_t starts_ = 0;
  size_t held_bytes_ = 0;
  size_t turn_ = 0;
};

}  // namespace tradewind::log::kafka
