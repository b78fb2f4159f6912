#include "log/kafka/transactor.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <deque>

#include "log/kafka/request.h"

namespace tradewind::log::kafka {
namespace {

constexpr int kMostAttempts = 5;
constexpr Duration kPause(20);
constexpr int kFlushMs = 100;
// Long enough for the records of one partition to be handed over, so that they go in one request.
constexpr const char* kLinger = "5";

struct ErrorGone {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using KafkaError = std::unique_ptr<rd_kafka_error_t, ErrorGone>;

}  // namespace

// One try of a commit.
struct Transactor::Attempt {
  Deliveries deliveries;
  std::deque<Deliveries::Slot> slots;  // they stay where they are
  Error error;
  int64_t until_ns = 0;

  int left_ms(int64_t now_ns) const {
    return static_cast<int>(std::max<int64_t>((until_ns - now_ns) / 1'000'000, 1));
  }
  Offsets first() const {
    Offsets offsets;
    for (const Deliveries::Slot& slot : slots) {
      if (slot.first < 0) continue;
      const auto [at, added] = offsets.emplace(slot.position, slot.first);
      if (!added) at->second = std::min(at->second, slot.first);
    }
    return offsets;
  }
};

Result<std::unique_ptr<Transactor>> Transactor::open(std::shared_ptr<Readers> readers, std::string id) {
  std::unique_ptr<Transactor> made(new Transactor(std::move(readers), std::move(id)));
  TRY(made->take_id());
  return made;
}

Result<> Transactor::take_id() {
  const KafkaOptions& options = readers_->options();
  client_.reset();
  mirrored_.clear();
  const std::string transaction_ms = std::to_string(2 * options.patience.count());
  auto client = TRY(Client::make(
      options, ClientKind::producer,
      {{"transactional.id", id_}, {"transaction.timeout.ms", transaction_ms}, {"linger.ms", kLinger}}));
  const int64_t until = now_ns() + options.patience.count() * 1'000'000;
  while (true) {
    const auto left = static_cast<int>(std::max<int64_t>((until - now_ns()) / 1'000'000, 1));
    const KafkaError failed(rd_kafka_init_transactions(client->handle(), left));
    if (failed == nullptr) break;
    client->serve(Duration(0));
    const bool again = rd_kafka_error_is_retriable(failed.get()) != 0 && now_ns() < until;
    if (!again)
      return client->error(rd_kafka_error_code(failed.get()),
                           "the transactional id " + id_ + " cannot be taken");
    options.clock->sleep(kPause);
  }
  client_ = std::move(client);
  return {};
}

Result<Offsets> Transactor::commit(const Work& work, std::optional<Doubt>& doubt) {
  Result<Offsets> done = committed(work, doubt);
  const bool refused = !done.ok() && done.error().code == Code::unavailable;
  readers_->marks().refuse(id_, refused ? std::optional(done.error()) : std::nullopt);
  return done;
}

Result<Offsets> Transactor::committed(const Work& work, std::optional<Doubt>& doubt) {
  const int64_t until_ns = now_ns() + readers_->options().patience.count() * 1'000'000;
  Error last;
  for (int tries = 0; tries < kMostAttempts && (tries == 0 || now_ns() < until_ns); ++tries) {
    if (fenced_) return *fenced_;
    if (client_ == nullptr) TRY(take_id());
    std::optional<Offsets> settled;
    TRY(settle(doubt, settled));
    if (settled) return *settled;
    Attempt one;
    one.until_ns = until_ns;
    const Outcome outcome = attempt(work, one);
    if (outcome == Outcome::failed) return one.error;
    const Offsets first = one.first();
    if (outcome == Outcome::done) {
      const Timestamp now = readers_->options().clock->now();
      for (const Deliveries::Slot& slot : one.slots) {
        if (slot.last >= 0) readers_->marks().wrote(slot.position, slot.last + 1, true, now);
      }
      readers_->marks().bell.ring();
      return first;
    }
    if (outcome == Outcome::doubtful) {
      client_.reset();
      if (!first.empty()) doubt = Doubt{first, first.begin()->first, first.begin()->second};
    }
    last = one.error;
  }
  last.code = Code::unavailable;
  return last;
}

// The id is this process' anew, so the transaction in doubt has ended: what of it is read was committed.
Result<> Transactor::settle(std::optional<Doubt>& doubt, std::optional<Offsets>& first) {
  if (!doubt) return {};
  const auto consumer = readers_->consumer(readers_);
  TRY(consumer->assign(doubt->position, doubt->offset));
  const int64_t until_ns = now_ns() + readers_->options().patience.count() * 1'000'000;
  Offset next = doubt->offset;
  bool there = false;
  while (next <= doubt->offset) {
    if (now_ns() > until_ns) {  // another's transaction lies open before it
      return Error{Code::unavailable, "whether a transaction of " + id_ +
                                          " was committed is not to be read yet in " + doubt->position.topic};
    }
    for (const FetchedBatch& batch : TRY(consumer->poll(Duration(1'000), 1))) {
      there = there || (!batch.records.empty() && batch.records.front().offset == doubt->offset);
      next = batch.next;
    }
  }
  if (there) first = doubt->first;
  doubt.reset();
  return {};
}

Transactor::Outcome Transactor::attempt(const Work& work, Attempt& attempt) {
  const KafkaError refused(rd_kafka_begin_transaction(client_->handle()));
  if (refused != nullptr) {
    const int code = rd_kafka_error_code(refused.get());
    if (lost(code, "a transaction cannot begin", attempt)) return fenced_ ? Outcome::failed : Outcome::again;
    client_.reset();
    return Outcome::again;
  }
  Outcome outcome = produce_all(work, attempt);
  if (outcome == Outcome::done) outcome = send_offsets(work, attempt);
  if (outcome == Outcome::done) outcome = end(attempt);
  if (outcome == Outcome::done && !work.consumed.empty()) {
    for (const auto& [position, offset] : work.consumed) mirrored_[work.group][position] = offset;
  }
  return outcome;
}

Transactor::Outcome Transactor::produce_all(const Work& work, Attempt& attempt) {
  const int64_t generation = readers_->catalog().generation();
  for (const Appending& part : work.parts) {
    Deliveries::Slot& slot = attempt.slots.emplace_back();
    slot.all = &attempt.deliveries;
    slot.position = part.position;
    rd_kafka_topic_t* topic = client_->topic(part.position.topic, generation);
    for (const RecordView& record : part.records) {
      if (produce(*client_, topic, part.position.partition, record, false, slot) != 0) break;
    }
    if (attempt.deliveries.failure() != 0) break;
  }
  // All of it has an answer before anything else is asked: to abort what is still on its way is an error that
  // ends the client. The answer may be that librdkafka gave up: it does so within the patience.
  while (!attempt.deliveries.done()) rd_kafka_flush(client_->handle(), kFlushMs);
  const int code = attempt.deliveries.failure();
  return code == 0 ? Outcome::done : give_up(code, "records cannot be written", attempt);
}

// The places in the sources ride along, those that moved: no group reads for this log, so no member of one is
// named.
Transactor::Outcome Transactor::send_offsets(const Work& work, Attempt& attempt) {
  Offsets moved;
  const Offsets& known = mirrored_[work.group];
  for (const auto& [position, offset] : work.consumed) {
    const auto at = known.find(position);
    const bool same = at != known.end() && at->second == offset;
    if (!same && readers_->catalog().check(position).ok()) moved[position] = offset;
  }
  if (moved.empty()) return Outcome::done;
  const Partitions list = list_of(moved);
  rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata_new(work.group.c_str());
  Outcome outcome = Outcome::done;
  while (true) {
    const KafkaError failed(rd_kafka_send_offsets_to_transaction(client_->handle(), list.get(), group,
                                                                 attempt.left_ms(now_ns())));
    if (failed == nullptr) break;
    if (rd_kafka_error_is_retriable(failed.get()) != 0 && now_ns() < attempt.until_ns) {
      readers_->options().clock->sleep(kPause);
      continue;
    }
    outcome = give_up(rd_kafka_error_code(failed.get()),
                      "the offsets of group " + work.group + " cannot be written", attempt);
    break;
  }
  rd_kafka_consumer_group_metadata_destroy(group);
  return outcome;
}

Transactor::Outcome Transactor::end(Attempt& attempt) {
  while (true) {
    const KafkaError failed(rd_kafka_commit_transaction(client_->handle(), attempt.left_ms(now_ns())));
    if (failed == nullptr) return Outcome::done;
    const int code = rd_kafka_error_code(failed.get());
    if (lost(code, "a transaction cannot be committed", attempt))
      return fenced_ ? Outcome::failed : Outcome::doubtful;
    if (rd_kafka_error_txn_requires_abort(failed.get()) != 0)
      return give_up(code, "a transaction cannot be committed", attempt);
    if (rd_kafka_error_is_retriable(failed.get()) == 0 || now_ns() >= attempt.until_ns)
      return Outcome::doubtful;
    readers_->options().clock->sleep(kPause);
  }
}

// Nothing of it may be seen: abort, or, where that fails too, take the id anew.
Transactor::Outcome Transactor::give_up(int code, const std::string& doing, Attempt& attempt) {
  if (lost(code, doing, attempt)) return fenced_ ? Outcome::failed : Outcome::again;
  const KafkaError failed(rd_kafka_abort_transaction(client_->handle(), attempt.left_ms(now_ns())));
  if (failed != nullptr) client_.reset();
  const bool passing = attempt.error.code == Code::unavailable || attempt.error.code == Code::fenced;
  return passing ? Outcome::again : Outcome::failed;
}

// Whether the client is of no more use; then it is gone.
bool Transactor::lost(int code, const std::string& doing, Attempt& attempt) {
  client_->serve(Duration(0));
  const int fatal = client_->fatal();
  attempt.error = client_->error(fatal != 0 ? fatal : code, doing);
  if (fatal == 0) return false;
  if (attempt.error.code == Code::fenced) {
    fenced_ =
        attempt.error = {Code::fenced, "another process took over the transactional id " + id_ +
                                           "; this one must stop (give each its own log.kafka.instance)"};
  }
  client_.reset();
  return true;
}

}  // namespace tradewind::log::kafka
