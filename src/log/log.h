#pragma once
// Log: topics of partitions of records; the only wire between programs, tasks and connectors. Embedded or
// Kafka.
//
// Threads: a Log is shared freely. A Producer may be shared too. A Transaction and a Consumer belong to one
// thread. Errors: unavailable (try again), io and corrupt (the log is no longer to be trusted; embedded: the
// process should stop), fenced (another producer took this transactional id), not_found, conflict, invalid.

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/record.h"
#include "log/topic.h"

namespace tradewind::log {

using Offsets = std::map<Position, Offset>;

// Records for one partition, in order.
struct Appending {
  Position position;
  std::span<const RecordView> records;
};

// A record of a transaction that its topic does not take, though others take as large ones.
struct TooLarge {
  Position position;
  std::optional<Bytes> key;
  int64_t bytes = 0;  // as payload_bytes()
  std::string remedy;
};

// Outputs, state frames and positions of one commit: seen whole or not at all. Destroying it uncommitted
// aborts it.
class Transaction {
 public:
  virtual ~Transaction() = default;
  // Copies the bytes; nothing is visible yet. Appends to one partition keep their order. invalid: a record is
  // of more than Log::most_record_bytes(); then none of them is in the transaction.
  virtual Result<> append(const Position& position, std::span<const RecordView> records) = 0;
  // The moment of truth. `consumed` rides along as the group's offsets (a mirror for lag tools). Answers the
  // offset of the first record appended to each position. When it answers, readers of Visibility::written see
  // it; it is durable once Log::durable() has reached what Log::written() was afterwards. After `unavailable`
  // nothing has happened, and it may be asked again; so it is after `invalid` where too_large() tells why.
  virtual Result<Offsets> commit(std::string_view group, const Offsets& consumed) = 0;
  // After `unavailable`: it may have gone through all the same, and only asking again tells.
  virtual bool in_doubt() const { return false; }
  // The records for whose size the last commit() was refused; empty: it was not, or for another reason.
  virtual std::vector<TooLarge> too_large() const { return {}; }
  // Takes those out of the transaction.
  virtual void leave_out_too_large() {}
  // Bytes appended so far; a commit of more than Log::most_transaction_bytes() is refused with `invalid`.
  virtual int64_t bytes() const = 0;
};

class Producer {
 public:
  virtual ~Producer() = default;
  // Appends and waits until it is durable; the offset of the first record.
  virtual Result<Offset> append(const Position& position, std::span<const RecordView> records) = 0;
  // Several partitions, all or nothing, durable on return. With `sequence` >= 0 the append is idempotent: one
  // whose sequence is not above last_sequence() is answered ok without being written again.
  virtual Result<> append_all(std::span<const Appending> parts, int64_t sequence = -1) = 0;
  // The highest sequence this producer id has ever had committed, also by earlier processes; -1 if none.
  virtual Result<int64_t> last_sequence() = 0;
  // REQUIRES the producer has a transactional id. One transaction at a time. `fenced` when superseded.
  virtual Result<std::unique_ptr<Transaction>> begin() = 0;
};

// What a consumer may see. Workers read `written`: their results stand behind it in the same journal, so a
// crash that loses the input loses the results too. Everybody else reads `durable`.
enum class Visibility { durable, written };

class Consumer {
 public:
  virtual ~Consumer() = default;
  // Reads `position` from `from` (clipped to what is still there). Assigning again moves it.
  virtual Result<> assign(const Position& position, Offset from) = 0;
  virtual void unassign(const Position& position) = 0;
  // What is there, at most about `max_records`; waits up to `wait` for the first record, and is the only
  // thing that waits. Empty when nothing came. Assigned partitions take turns. A batch's `end` tells when its
  // partition is read out. A batch may hold no records: only `next` has moved then, over what is not there;
  // or it tells that there is nothing to move to (FetchedBatch::beyond_end()), and goes on waiting there.
  // not_found, invalid: a partition is gone, or may not be read; the others go on when it is unassigned.
  virtual Result<std::vector<FetchedBatch>> poll(Duration wait, size_t max_records) = 0;
};

struct ProducerOptions {
  std::string id;  // idempotence across processes hangs on it; empty: none
  bool transactional =
      false;  // with `id` as transactional id: opening it fences an earlier producer of that id
};

class Log {
 public:
  virtual ~Log() = default;

  // conflict if it exists (with different partitions), ok if it exists alike.
  virtual Result<> create_topic(const TopicSpec& spec) = 0;
  virtual Result<> delete_topic(const std::string& name) = 0;
  virtual Result<std::vector<TopicSpec>> topics() = 0;
  virtual Result<TopicSpec> topic(const std::string& name) = 0;  // not_found

  // The first offset still there and one past the last durable one.
  struct Bounds {
    Offset begin = 0;
    Offset end = 0;
  };
  virtual Result<Bounds> bounds(const Position& position, Visibility visibility) = 0;
  // One past the last record, committed or not, of all these at once. Those that cannot be told within `wait`
  // are left out.
  virtual Offsets ends(const std::vector<Position>& positions, Duration wait);
  // Wall time at which the first record at or behind `from` was appended, as well as the log knows it: of
  // what was there before this process began, when its segment was begun; a log that keeps no such times
  // answers the record's own. Nothing: there is no such record yet.
  virtual Result<std::optional<Timestamp>> appended(const Position& position, Offset from) = 0;
  // What lies from a reader's place on: how many records, and when the first was appended, if that is known.
  struct Backlog {
    int64_t records = 0;
    std::optional<Timestamp> oldest;
  };
  // Of all these places at once, for who only looks. It answers from what is known rather than wait for who
  // does not answer: a place that is not known is left out.
  virtual std::map<Position, Backlog> backlog(const Offsets& places);
  // Everything before `keep` may go; readers start at `keep` from now on (a snapshot made the rest
  // superfluous).
  virtual Result<> trim(const Position& position, Offset keep) = 0;
  virtual Result<Offsets> group_offsets(const std::string& group) = 0;

  virtual Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) = 0;
  virtual Result<std::unique_ptr<Consumer>> consumer(Visibility visibility) = 0;

  // A mark that grows with everything written, and how far of it is durable. A commit is durable when
  // durable() is at least what written() was after it. Kafka: both the same counter.
  virtual uint64_t written() const = 0;
  virtual uint64_t durable() const = 0;
  // Waits until durable() >= mark.
  virtual Result<> wait_durable(uint64_t mark) = 0;
  // Waits until written() is more than `seen`, somebody calls wake(), or `wait` is over: for who reads many
  // topics. It may return early.
  virtual void wait_for_more(uint64_t seen, Duration wait) = 0;
  virtual void wake() = 0;
  virtual int64_t most_transaction_bytes() const = 0;
  // Of one record, as payload_bytes(). A topic may take less, which commits and appends tell with `invalid`.
  virtual int64_t most_record_bytes() const { return most_transaction_bytes(); }
};

}  // namespace tradewind::log
