#pragma once
// Claims: which process has a transactional id. Each says so in a record of tw.producers before it takes the
// id; the one whose record is the newest has it. Beside it lies which topics were ever written under the id.
//
// Brokers tell a process alike that its id was taken by another and that they gave its transaction up because
// it was silent for too long; the claims part the two. A process may write under an id that it has taken only
// when it has looked here since, and found no later claim: else it could write between another's restore and
// that one's first commit. Threads: shared freely. Errors: fenced (a later claim is there), unavailable.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/turns.h"
#include "log/kafka/consumer.h"

namespace tradewind::log::kafka {

// Of a process that appends: behind its instance.
inline constexpr std::string_view kAppenderId = ".append";
inline constexpr std::string_view kToolsId = ".tools";  // of one that is no platform

class Claims {
 public:
  // Appends one record to tw.producers, outside transactions.
  using Append = std::function<Result<Offset>(const RecordView&)>;

  // Reads also what is not committed: no record of its own lies in a transaction, and others' may stay open.
  explicit Claims(const Readers& readers);

  // A claim of this process: where its record lies.
  Result<Offset> claim(const std::string& id, const Append& append);
  // conflict: the newest claim is that of a process with another name, `log.kafka.instance`.
  Result<> sole(const std::string& instance);
  // Reads the claims to their end: `fenced`, with who has it, when a later one than `mine` is there.
  Result<> check(const std::string& id, Offset mine);
  // Looks whether this process' newest claims still hold; then what superseded() answers is as of now.
  Result<> look();
  // The topics that were noted for an id, as far as was read.
  std::set<std::string> topics(const std::string& id) const;
  // Notes that these topics, and no others, were or will be written under the id.
  static Result<> note_topics(const std::string& id, const std::set<std::string>& topics, Timestamp now,
                              const Append& append);
  // The sentence for the first id that another process has taken, as far as was read; nothing: none.
  std::optional<Error> superseded() const;

  // Whether the key is one of these and not that of a numbering producer.
  static bool is_key(BytesView key);

 private:
  struct Claim {
    Offset offset = -1;
    std::string who;
  };
  Result<> read_on();
  void take(const RecordView& record);
  Result<> read_to_end();
  static Error taken(const std::string& id, const Claim& by);

  const std::shared_ptr<Readers> readers_;
  const std::string who_;  // this process, in a claim's value
  Turns reading_;
  std::unique_ptr<Consumer> consumer_;
  Offset next_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, Claim> newest_;
  std::map<std::string, std::set<std::string>> topics_;
  std::map<std::string, Offset> own_;
};

}  // namespace tradewind::log::kafka
