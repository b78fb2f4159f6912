#include "log/kafka/transactor.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <deque>
#include <iterator>

#include "log/kafka/left_open.h"

namespace tradewind::log::kafka {
namespace {

constexpr int kMostAttempts = 5;
constexpr int64_t kRetryNs = 5'000'000'000;  // within which who does so tries again
constexpr int64_t kLookAgainNs = 30'000'000'000;
constexpr size_t kMostProofs = 16;  // records that are looked for, until one is found

// What is written, or read to settle a doubt.
std::set<Position> positions_of(const Transactor::Work& work, const std::optional<Transactor::Doubt>& doubt) {
  std::set<Position> positions;
  for (const Appending& part : work.parts) positions.insert(part.position);
  if (!doubt) return positions;
  for (const auto& [position, offset] : doubt->last) positions.insert(position);
  return positions;
}

}  // namespace

// One try of a commit.
struct Transactor::Attempt {
  std::deque<Deliveries::Slot> slots;  // they stay where they are
  Error error;
  int64_t until_ns = 0;
  bool given_up = false;  // it is to end so

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
                                                     std::shared_ptr<Claims> claims, Claims::Append append,
                                                     std::string id) {
  std::unique_ptr<Transactor> made(
      new Transactor(std::move(readers), std::move(claims), std::move(append), std::move(id)));
  made->claim_ = TRY(made->claims_->claim(made->id_, made->append_));
  const int64_t until_ns = made->patience_ends_ns();
  for (int tries = 0; tries < kMostAttempts; ++tries) {
    TRY(made->take_anew(until_ns));
    TRY(made->close_left_open(made->platform_positions(), until_ns));
    if (made->session_->sound()) return made;
  }
  return Error{Code::unavailable,
               "connections fail while " + made->id_ + " is taken: " + made->session_->trouble()};
}

// The claims are looked at behind the taking: whoever claimed the id before that, and so may have restored
// what it wrote until then, has it; whoever claims it later takes it later, too.
Result<> Transactor::take_anew(int64_t until_ns) {
  TRY(take_id(until_ns));
  const Result<> ours = claims_->check(id_, claim_);
  if (ours.ok()) {
    topics_.merge(claims_->topics(id_));
    return {};
  }
  session_.reset();
  if (ours.error().code == Code::fenced) fenced_ = ours.error();
  return ours;
}

Result<> Transactor::take_id(int64_t until_ns) {
  mirrored_.clear();
  breaks_seen_ = -1;
  session_ = std::make_unique<Session>(readers_->options(), id_);
  const int code = session_->take(until_ns);
  if (code == 0) return {};
  Error refused = error(code, "the transactional id " + id_ + " cannot be taken");
  session_.reset();
  return refused;
}

// What nobody starts without.
std::set<Position> Transactor::platform_positions() const {
  std::set<std::string> topics;
  for (const std::string& topic : topics_) {
    if (topic.starts_with("tw.")) topics.insert(topic);
  }
  const auto positions = readers_->catalog().partitions_of(topics);
  return {positions.begin(), positions.end()};
}

// Looks at all positions of the id when connections failed since it last did; then at those that were without
// a leader, when they matter, and now and then. What was written since the last commit that is known to have
// gone through was given up. When the session is not sound behind it, the next one looks at all again.
Result<> Transactor::close_left_open(const std::set<Position>& that_matter, int64_t until_ns) {
  Catalog& catalog = readers_->catalog();
  std::set<Position> looked_at;
  if (session_->breaks() != breaks_seen_) {
    breaks_seen_ = session_->breaks();
    const auto all = catalog.partitions_of(topics_);
    unsure_ = looked_at = {all.begin(), all.end()};
  } else {
    std::set_intersection(unsure_.begin(), unsure_.end(), that_matter.begin(), that_matter.end(),
                          std::inserter(looked_at, looked_at.end()));
    if (looked_at.empty() && now_ns() - looked_ns_ > kLookAgainNs) looked_at = unsure_;
  }
  if (looked_at.empty()) return {};
  looked_ns_ = now_ns();
  const Duration left(std::max<int64_t>((until_ns - now_ns()) / 1'000'000, 1));
  const LeftOpen found = TRY(left_open(catalog, looked_at, that_matter, *readers_->options().clock, left));
  Offsets committed;
  Offsets given_up;
  for (const auto& [position, offset] : found.open) {
    const auto done = done_.find(position);
    (done != done_.end() && offset <= done->second ? committed : given_up)[position] = offset;
  }
  TRY(close(given_up, false, until_ns));
  if (session_->sound()) TRY(close(committed, true, until_ns));
  std::erase_if(unsure_, [&](const Position& position) {
    return looked_at.contains(position) && !found.unknown.contains(position);
  });
  return {};
}

// By a transaction of one record that is none in each of the partitions.
Result<> Transactor::close(const Offsets& open, bool committed, int64_t until_ns) {
  if (open.empty()) return {};
  const HeaderView nothing{.name = kNothingHeader, .value = std::nullopt};
  const RecordView record{.key = kNothingHeader,
                          .time = readers_->options().clock->now(),
                          .headers = &nothing,
                          .header_count = 1};
  Work work;
  std::vector<Appending> parts;
  for (const auto& [position, offset] : open) parts.push_back({position, {&record, 1}});
  work.parts = parts;
  Attempt one;
  one.until_ns = until_ns;
  one.given_up = !committed;
  const Outcome outcome = attempt(work, one);
  if (outcome == Outcome::done) {
    readers_->marks().closed(static_cast<int64_t>(open.size()));
    return {};
  }
  const bool forbidden = outcome == Outcome::failed && session_ != nullptr;
  if (forbidden && open.size() == 1) return {};  // no longer ours to write: it stays as it is
  if (forbidden) {
    for (const auto& [position, offset] : open) {
      if (session_->sound()) TRY(close({{position, offset}}, committed, until_ns));
    }
    return {};
  }
  session_.reset();
  one.error.code = Code::unavailable;
  return one.error;
}

void Transactor::note_done(const Offsets& last) {
  for (const auto& [position, offset] : last) done_[position] = offset;
}

Result<> Transactor::note_topics(const Work& work) {
  std::set<std::string> topics;
  for (const Appending& part : work.parts) topics.insert(part.position.topic);
  if (std::includes(topics_.begin(), topics_.end(), topics.begin(), topics.end())) return {};
  for (const std::string& topic : topics_) {
    if (readers_->catalog().check({topic, 0}).ok()) topics.insert(topic);
  }
  TRY(Claims::note_topics(id_, topics, readers_->options().clock->now(), append_));
  topics_ = std::move(topics);
  return {};
}

Result<Offsets> Transactor::commit(const Work& work, std::optional<Doubt>& doubt) {
  too_large_.clear();
  Result<Offsets> done = committed(work, doubt);
  const bool refused = !done.ok() && done.error().code == Code::unavailable;
  const int64_t until_ns = patience_ends_ns() + kRetryNs;
  readers_->marks().refuse(id_, refused ? std::optional(done.error()) : std::nullopt, until_ns);
  return done;
}

Result<Offsets> Transactor::committed(const Work& work, std::optional<Doubt>& doubt) {
  const int64_t until_ns = patience_ends_ns();
  Error last;
  for (int tries = 0; tries < kMostAttempts && (tries == 0 || now_ns() < until_ns); ++tries) {
    if (fenced_) return *fenced_;
    if (session_ != nullptr && !session_->sound()) session_.reset();
    if (session_ == nullptr) {  // not from one that has it
      const Result<> ours = claims_->check(id_, claim_);
      if (!ours.ok() && ours.error().code == Code::fenced) fenced_ = ours.error();
      TRY(Result<>(ours));
      TRY(take_anew(until_ns));
    }
    if (doubt && breaks_seen_ < 0) TRY(presume(*doubt, until_ns));
    if (session_->breaks() != breaks_seen_ || !unsure_.empty())
      TRY(close_left_open(positions_of(work, doubt), until_ns));
    if (!session_->sound()) {
      last = error(kGone, "what was left open cannot be closed");
      continue;
    }
    TRY(note_topics(work));
    std::optional<Offsets> settled;
    TRY(settle(doubt, settled, until_ns));
    if (settled) return *settled;
    Attempt one;
    one.until_ns = until_ns;
    const Outcome outcome = attempt(work, one);
    if (outcome == Outcome::failed) return one.error;
    if (outcome == Outcome::done) {
      const Timestamp now = readers_->options().clock->now();
      const Offsets last = one.last();
      for (const auto& [position, offset] : last) readers_->marks().wrote(position, offset + 1, now);
      note_done(last);
      readers_->marks().bell.ring();
      return one.first();
    }
    if (outcome == Outcome::doubtful) {
      session_.reset();
      if (Offsets written = one.last(); !written.empty()) doubt = Doubt{one.first(), std::move(written)};
    }
    last = one.error;
  }
  last.code = Code::unavailable;
  return last;
}

// Whether a transaction in doubt went through, as far as that can be read already: brokers may have marked
// its end in some partitions only, and what lies open in the others ended likewise.
Result<> Transactor::presume(const Doubt& doubt, int64_t until_ns) {
  std::vector<Position> positions;
  for (const auto& [position, offset] : doubt.last) positions.push_back(position);
  const Duration left(std::max<int64_t>((until_ns - now_ns()) / 1'000'000, 1));
  const Offsets ends = TRY(readers_->catalog().committed_ends(positions, left));
  for (const auto& [position, offset] : doubt.last) {
    const auto end = ends.find(position);
    if (end == ends.end() || end->second <= offset) continue;
    if (TRY(there(position, offset, until_ns))) {
      note_done(doubt.last);
      return {};
    }
  }
  return {};
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
  if (found) {
    first = doubt->first;
    note_done(doubt->last);
  }
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
  const Session::Places places{work.group, moved(work)};
  int code = session_->write(work.parts, places, attempt.slots, attempt.until_ns);
  too_large_ = session_->too_large();
  if (code != 0) {
    const bool group = code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    const std::string what = group ? "the offsets of group " + work.group : "records";
    return give_up(code, what + " cannot be written", attempt);
  }
  code = session_->end(!attempt.given_up, attempt.until_ns);
  if (code != 0 && attempt.given_up) return give_up(code, "a transaction cannot be given up", attempt);
  if (code != 0) {
    attempt.error = error(code, "a transaction cannot be committed");
    return Outcome::doubtful;
  }
  mirror(work);
  return Outcome::done;
}

// Nothing of it may be seen: it ends now if that can be had, else when the id is taken anew.
Transactor::Outcome Transactor::give_up(int code, const std::string& doing, Attempt& attempt) {
  attempt.error = error(code, doing);
  const bool passing = attempt.error.code == Code::unavailable || attempt.error.code == Code::fenced;
  const bool ended = !passing && session_->end(false, attempt.until_ns) == 0;
  if (!ended) session_.reset();
  return passing ? Outcome::again : Outcome::failed;
}

Error Transactor::error(int code, const std::string& doing) const {
  Client& client = readers_->catalog().client();
  if (code == kGone && !session_->trouble().empty())
    return {Code::unavailable, doing + ": " + session_->trouble()};
  const Right write{"Write", "topic", session_->topic()};
  const bool topic = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
  return client.error(code, doing, topic ? &write : nullptr);
}

void Transactor::mirror(const Work& work) {
  for (const auto& [position, offset] : work.consumed) mirrored_[work.group][position] = offset;
}

// The places in the sources ride along, those that moved.
Offsets Transactor::moved(const Work& work) {
  Offsets moved;
  const Offsets& known = mirrored_[work.group];
  for (const auto& [position, offset] : work.consumed) {
    const auto at = known.find(position);
    const bool same = at != known.end() && at->second == offset;
    if (!same && readers_->catalog().check(position).ok()) moved[position] = offset;
  }
  return moved;
}

}  // namespace tradewind::log::kafka
