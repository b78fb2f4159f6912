#pragma once
// Appender: what several requests brought, appended to the log at once: one look for ids that were seen, one
// transaction, one wait until the disk has it.
//
// Where nobody knows whether a transaction went through, its requests are answered with unavailable, its ids
// count as seen, and nothing else is appended until the log has told: who sends the same again is told apart
// by the ids.
//
// Threads: shared freely. What it answers with ok is durable. submit() needs its thread, which comes with the
// first; append() does without.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "ingest/event_plan.h"
#include "ingest/events.h"
#include "ingest/seen_ids.h"
#include "log/log.h"

namespace tradewind::ingest {

struct Batch {
  using Done = std::function<void(Result<Taken>)>;
  std::shared_ptr<const EventPlan> plan;
  Events events;
  Done done;  // who sent it is answered by it, once
};

using Parts = std::vector<std::vector<log::RecordView>>;  // by partition

// Puts the records of these events behind those that are there; those of `doubles` (if there are any) are
// left out. They point into the events.
void add_records(const EventPlan& plan, const Events& events, Timestamp now, const std::vector<bool>& doubles,
                 Parts& parts);

class Appender {
 public:
  // Is given every batch that was submitted, once, with those that have the same fate: they are durable, or
  // could not be appended. May take them. Called from the appender's thread.
  using Settle = std::function<void(const Result<>&, std::span<std::unique_ptr<Batch>>)>;
  Appender(log::Log& log, Clock& clock, size_t most_ids, Duration ids_kept, Settle settle);
  ~Appender();

  // Reads the ids of the last events back.
  Result<> start();
  // Where the log does not answer, those that wait for their turn are told with the one whose turn it was.
  void submit(std::unique_ptr<Batch> batch);
  // Appends it on the caller's thread; answers when it is durable.
  Result<> append(Batch& batch);

 private:
  void run();
  void append_all(std::vector<std::unique_ptr<Batch>>& group);
  void refuse_waiting(const Result<>& refused);
  // What goes into one transaction; its memory is used again for the next.
  struct Group {
    Timestamp now;
    Bytes ids;
    std::map<std::string, Parts, std::less<>> topics;

    bool empty() const;
    void clear();
  };
  Result<> append_group(std::span<Batch* const> group);
  void gather(const Batch& batch);
  Result<> write();
  Result<> settle_doubt();

  log::Log& log_;
  Clock& clock_;
  const Duration ids_kept_;
  const Settle settle_;
  std::mutex appending_;  // over what follows
  SeenIds seen_;
  std::vector<Batch*> some_;  // that are appended together
  std::vector<bool> doubles_;
  Group together_;
  std::unique_ptr<log::Producer> producer_;
  // Of which nobody knows whether it went through, and how many ids were the last to be seen with it.
  std::unique_ptr<log::Transaction> doubtful_;
  size_t doubtful_ids_ = 0;

  std::mutex mutex_;  // over what waits
  std::condition_variable wanted_;
  std::vector<std::unique_ptr<Batch>> waiting_;
  bool stopping_ = false;
  size_t last_group_ = 0;  // of how many batches it was
  std::thread thread_;
};

inline constexpr const char* kEventIdsTopic = "tw.event_ids";

}  // namespace tradewind::ingest
