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
constexpr size_t kMostProofs = 16;  // records that are looked for, until one is found

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
  Offsets last() const {
    Offsets offsets;
    for (const Deliveries::Slot& slot : slots) {
      if (slot.last < 0) continue;
      Offset& known = offsets[slot.position];
      known = std::max(known, slot.last);
    }
    return offsets;
  }
};

Result<std::unique_ptr<Transactor>> Transactor::open(std::shared_ptr<Readers> readers,
                                                     std::shared_ptr<Claims> claims,
                                                     const Claims::Append& append, std::string id) {
  std::unique_ptr<Transactor> made(new Transactor(std::move(readers), std::move(claims), std::move(id)));
  made->claim_ = TRY(made->claims_->claim(made->id_, append));
  TRY(made->take_anew(made->patience_ends_ns()));
  return made;
}

// The claims are looked at behind the taking: whoever claimed the id before that, and so may have restored
// what it wrote until then, has it; whoever claims it later takes it later, too.
Result<> Transactor::take_anew(int64_t until_ns) {
  TRY(take_id(until_ns));
  const Result<> ours = claims_->check(id_, claim_);
  if (ours.ok()) return {};
  client_.reset();
  if (ours.error().code == Code::fenced) fenced_ = ours.error();
  return ours;
}

Result<> Transactor::take_id(int64_t until) {
  const KafkaOptions& options = readers_->options();
  client_.reset();
  mirrored_.clear();
  const std::string transaction_ms = std::to_string(2 * options.patience.count());
  auto client = TRY(Client::make(
      options, ClientKind::producer,
      {{"transactional.id", id_}, {"transaction.timeout.ms", transaction_ms}, {"linger.ms", kLinger}}));
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
  const int64_t until_ns = patience_ends_ns();
  Error last;
  for (int tries = 0; tries < kMostAttempts && (tries == 0 || now_ns() < until_ns); ++tries) {
    if (fenced_) return *fenced_;
    if (client_ == nullptr) {  // not from one that has it
      const Result<> ours = claims_->check(id_, claim_);
      if (!ours.ok() && ours.error().code == Code::fenced) fenced_ = ours.error();
      TRY(Result<>(ours));
      TRY(take_anew(until_ns));
    }
    std::optional<Offsets> settled;
    TRY(settle(doubt, settled, until_ns));
    if (settled) return *settled;
    Attempt one;
    one.until_ns = until_ns;
    const Outcome outcome = attempt(work, one);
    if (outcome == Outcome::failed) return one.error;
    if (outcome == Outcome::done) {
      const Timestamp now = readers_->options().clock->now();
      for (const auto& [position, offset] : one.last())
        readers_->marks().wrote(position, offset + 1, true, now);
      readers_->marks().bell.ring();
      return one.first();
    }
    if (outcome == Outcome::doubtful) {
      client_.reset();
      if (Offsets written = one.last(); !written.empty()) doubt = Doubt{one.first(), std::move(written)};
    }
    last = one.error;
  }
  last.code = Code::unavailable;
  return last;
}

// The id is this process' anew, so the transaction in doubt has ended: what of it is read was committed. One
// record is proof; that one is missing is none where others may have replaced it since, or it has expired. So
// all are looked for, first those of the platform's own topics, which lose nothing by time.
Result<> Transactor::settle(std::optional<Doubt>& doubt, std::optional<Offsets>& first, int64_t until_ns) {
  if (!doubt) return {};
  std::vector<std::pair<Position, Offset>> proofs(doubt->last.begin(), doubt->last.end());
  std::stable_partition(proofs.begin(), proofs.end(),
                        [](const auto& proof) { return proof.first.topic.starts_with("tw."); });
  if (proofs.size() > kMostProofs) proofs.resize(kMostProofs);
  bool found = false;
  for (size_t i = 0; i < proofs.size() && !found; ++i)
    found = TRY(there(proofs[i].first, proofs[i].second, until_ns));
  if (found) first = doubt->first;
  readers_->marks().settled(found);
  doubt.reset();
  return {};
}

Result<bool> Transactor::there(const Position& position, Offset offset, int64_t until_ns) {
  const auto consumer = readers_->consumer(readers_);
  TRY(consumer->assign(position, offset));
  bool found = false;
  for (Offset next = offset; next <= offset;) {
    if (now_ns() > until_ns) {  // another's transaction lies open before it
      return Error{Code::unavailable, "whether a transaction of " + id_ +
                                          " was committed is not to be read yet in " + position.topic};
    }
    for (const FetchedBatch& batch : TRY(consumer->poll(Duration(1'000), 1))) {
      found = found || (!batch.records.empty() && batch.records.front().offset == offset);
      next = batch.next;
    }
  }
  return found;
}

Transactor::Outcome Transactor::attempt(const Work& work, Attempt& attempt) {
  const KafkaError refused(rd_kafka_begin_transaction(client_->handle()));
  if (refused != nullptr) {
    const int code = rd_kafka_error_code(refused.get());
    if (!lost(code, "a transaction cannot begin", attempt)) client_.reset();
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
    if (lost(code, "a transaction cannot be committed", attempt)) return Outcome::doubtful;
    if (rd_kafka_error_txn_requires_abort(failed.get()) != 0)
      return give_up(code, "a transaction cannot be committed", attempt);
    if (rd_kafka_error_is_retriable(failed.get()) == 0 || now_ns() >= attempt.until_ns)
      return Outcome::doubtful;
    readers_->options().clock->sleep(kPause);
  }
}

// Nothing of it may be seen: abort, or, where that fails too, take the id anew.
Transactor::Outcome Transactor::give_up(int code, const std::string& doing, Attempt& attempt) {
  if (lost(code, doing, attempt)) return Outcome::again;
  const KafkaError failed(rd_kafka_abort_transaction(client_->handle(), attempt.left_ms(now_ns())));
  if (failed != nullptr) client_.reset();
  const bool passing = attempt.error.code == Code::unavailable || attempt.error.code == Code::fenced;
  return passing ? Outcome::again : Outcome::failed;
}

// Whether the client is of no more use; then it is gone. That brokers do not know its epoch any more may have
// two reasons: another process took the id, or they gave up a transaction that took too long. Who takes the
// id anew asks the claims.
bool Transactor::lost(int code, const std::string& doing, Attempt& attempt) {
  client_->serve(Duration(0));
  const int fatal = client_->fatal();
  attempt.error = client_->error(fatal != 0 ? fatal : code, doing);
  if (fatal == 0) return false;
  client_.reset();
  return true;
}

}  // namespace tradewind::log::kafka
