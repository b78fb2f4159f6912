#pragma once
// Appender: what is appended outside a worker's commit: records of one partition, and batches of several that
// are seen whole or not at all and may carry a number by which a repeated one is known.
//
// Batches that come while one is written go together into the next transaction. The highest number of each
// producer lies in the topic tw.producers, written in the same transaction as what it numbers.
// Threads: shared freely. Errors: not_found, invalid, unavailable, fenced.

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "log/kafka/consumer.h"
#include "log/kafka/transactor.h"

namespace tradewind::log::kafka {

class Appender {
 public:
  // conflict: the cluster holds the platform of another instance.
  static Result<std::shared_ptr<Appender>> open(std::shared_ptr<Readers> readers,
                                                std::shared_ptr<Claims> claims);
  ~Appender();

  // A topic that was just created is waited for, until every broker has heard of it.
  Result<Offset> append(const Position& position, std::span<const RecordView> records);
  Result<> append_all(std::span<const Appending> parts, const std::string& producer, int64_t sequence);
  // A claim's record; see Claims.
  Result<Offset> claim(const RecordView& record);
  int64_t last_sequence(const std::string& producer) const;  // -1: none

  // Why it takes nothing any more.
  std::optional<Error> failure() const;
  int64_t records() const;
  int64_t bytes() const;

 private:
  struct Asked {
    std::span<const Appending> parts;
    std::string producer;
    int64_t sequence = -1;
    bool done = false;
    Result<> answer;
  };
  explicit Appender(std::shared_ptr<Readers> readers) : readers_(std::move(readers)) {}

  // What became of records of one partition.
  struct Sent {
    std::shared_ptr<Client> client;
    int code = 0;  // librdkafka's
    Offset first = -1;
    Offset last = -1;
  };
  Result<Sent> send(const Position& position, std::span<const RecordView> records);
  Result<> restore();
  Result<std::shared_ptr<Client>> single();
  Result<> write(const std::vector<Asked*>& together);
  Result<> settle();
  Result<> commit(const std::vector<Appending>& parts, const std::map<std::string, int64_t>& numbers);
  void adopt(const std::map<std::string, int64_t>& numbers);
  void note_fenced();
  void count(std::span<const RecordView> records);

  const std::shared_ptr<Readers> readers_;
  std::unique_ptr<Transactor> transactor_;  // the writing thread's
  std::optional<Transactor::Doubt> doubt_;
  std::map<std::string, int64_t> doubtful_numbers_;
  std::shared_ptr<Client> single_;
  std::jthread serving_;
  std::atomic<int64_t> looked_{0};  // how often a topic was looked at anew

  mutable std::mutex mutex_;
  std::condition_variable written_;
  std::vector<Asked*> waiting_;
  bool writing_ = false;
  std::map<std::string, int64_t> sequences_;
  std::optional<Error> failure_;
  int64_t records_ = 0;
  int64_t bytes_ = 0;
};

// Of the records' keys, values and headers. invalid, when one is more than Kafka takes, or all are more than
// a transaction does.
Result<int64_t> checked_bytes(std::span<const RecordView> records);

}  // namespace tradewind::log::kafka
