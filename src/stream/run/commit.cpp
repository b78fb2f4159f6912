// The one commit: outputs, state frames and positions in one transaction; then, and only then, the stores
// count them as done.
//
// Records of the state topic: key "<query>/<durable>", value varint group and a frame; key "@<topic>#<lane>",
// value 'm' and the names of its members, or 'p' and (partition, next offset) pairs; key "&<query>", the
// places of a join (joins.cpp); key "!" closes a snapshot.
#include <algorithm>

#include "base/coding.h"
#include "base/mutant.h"
#include "stream/run/worker.h"
#include "telemetry/logger.h"

namespace tradewind::stream {
namespace {

constexpr int64_t kMemoryCheckNs = 1'000'000'000;
constexpr int64_t kMostBehindNs = 1'000'000'000;  // a commit comes at least once a second
constexpr int64_t kFirstBehindNs = 100'000'000;   // the first of a start; the next few double it
constexpr int64_t kTrimAgainNs = 10'000'000'000;

int64_t ns(Duration wait) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count();
}

std::string lane_key(const Lane& lane) {
  return "@" + lane.topic + "#" + std::to_string(lane.id);
}

}  // namespace

// While input keeps coming a commit may cost about a tenth of the time, within the interval; with nothing to
// read it comes at once. The interval bounds the latency of who is up to date: far behind, nobody waits for a
// result of this moment, and rows of one key fold together the better the longer a commit is put off.
bool Worker::commit_due(bool read_nothing) const {
  if (!work_since_commit_) return false;
  if (rows_since_commit_ >= options_.rows_per_commit) return true;
  size_t bytes = transaction_ == nullptr ? 0 : static_cast<size_t>(transaction_->bytes());
  for (const auto& lane : lanes_) {
    for (const Lane::Readers& readers : lane->readers) {
      for (const Task* task : readers.tasks) bytes += task->changed_bytes();
    }
  }
  for (const auto& lane : joins_) {
    const std::shared_ptr<Query> known = query(lane->query);
    if (known != nullptr && known->task != nullptr) bytes += known->task->changed_bytes();
  }
  if (static_cast<int64_t>(bytes) > log_.most_transaction_bytes() / 2) return true;
  const int64_t now = clock_.monotonic_ns();
  if (read_nothing) return now - last_commit_ns_ >= ns(options_.idle_commit);
  int64_t behind = 0;
  for (const auto& lane : lanes_) {
    for (const auto& [partition, place] : lane->places) behind += place.end - place.next;
  }
  for (const auto& lane : joins_) {
    for (const auto& [position, place] : lane->topics->places()) behind += place.end - place.next;
  }
  const int64_t most_behind = std::min(kFirstBehindNs << reading_commits_, kMostBehindNs);
  if (behind > static_cast<int64_t>(options_.rows_per_commit) && now - first_work_ns_ < most_behind)
    return false;
  const int64_t wait =
      std::clamp(10 * last_commit_cost_ns_, ns(options_.idle_commit), ns(options_.commit_interval));
  return now - first_work_ns_ >= wait;
}

Result<> Worker::commit() {
  if (!opened_ || torn_) return {};
  const int64_t began = clock_.monotonic_ns();
  const int64_t commit_before_ns = last_commit_ns_;
  if (!prepared_) {
    merge_lanes();
    if (!work_since_commit_) return {};
    if (auto prepared = prepare(); !prepared.ok()) {  // tasks have given out what is not in the transaction
      torn_ = true;
      return prepared;
    }
  }
  const int64_t oldest_ms = oldest_record_ms();
  const log::Offsets first = TRY(write());
  prepared_ = false;
  transaction_.reset();
  TRY(passed(CommitStep::committed));
  TRY(committed(first));
  last_commit_ns_ = clock_.monotonic_ns();
  last_commit_cost_ns_ = last_commit_ns_ - began;
  figures_.commits += 1;
  figures_.commit_ns += last_commit_cost_ns_;
  if (commit_duration_ != nullptr) {
    commit_duration_->observe_ns(last_commit_cost_ns_);
    const bool had_rows = first_work_ns_ > commit_before_ns;
    if (had_rows) result_delay_->observe_ns(last_commit_ns_ - first_work_ns_);
    if (oldest_ms != INT64_MAX) {
      const auto waited_ms = static_cast<double>(std::max<int64_t>(clock_.now().ms - oldest_ms, 0));
      end_to_end_->observe(waited_ms / 1000);
    }
  }
  beat();
  return {};
}

// When the oldest record that the commit at hand has read was appended; INT64_MAX: it has read none.
int64_t Worker::oldest_record_ms() const {
  int64_t oldest_ms = INT64_MAX;
  for (const auto& lane : lanes_) {
    for (const auto& [partition, place] : lane->places) oldest_ms = std::min(oldest_ms, place.oldest_ms);
  }
  for (const auto& lane : joins_) {
    for (const auto& [position, place] : lane->topics->places())
      oldest_ms = std::min(oldest_ms, place.oldest_ms);
  }
  return oldest_ms;
}

Result<> Worker::passed(CommitStep step) const {
  if (options_.goes_on == nullptr || options_.goes_on(step)) return {};
  return Error{Code::io, "stopped behind step " + std::to_string(static_cast<int>(step)) + " of a commit"};
}

// Puts everything of a commit into the transaction.
Result<> Worker::prepare() {
  TRY(ensure_transaction());
  TRY(passed(CommitStep::begun));
  TRY(flush_tasks());
  TRY(passed(CommitStep::flushed));
  if (mutant(3)) {  // outputs are seen without the frames and places that belong to them
    TRY(transaction_->commit(options_.application, {}));
    transaction_ = TRY(producer_->begin());
  }
  TRY(append_frames());
  TRY(passed(CommitStep::framed));
  TRY(append_lanes(false));
  TRY(append_join_places(false));
  TRY(passed(CommitStep::placed));
  if (snapshot_running_ || frame_bytes_ > options_.snapshot_frame_bytes) {
    TRY(append_snapshot());
    TRY(passed(CommitStep::snapshot));
  }
  consumed_.clear();
  for (const auto& lane : lanes_) {
    for (const auto& [partition, place] : lane->places) {
      if (lane->members.empty()) continue;
      const auto [at, added] = consumed_.emplace(log::Position{lane->topic, partition}, place.next);
      if (!added) at->second = std::min(at->second, place.next);
    }
  }
  for (const auto& lane : joins_) {
    for (const auto& [position, place] : lane->topics->places()) {
      const auto [at, added] = consumed_.emplace(position, place.next);
      if (!added) at->second = std::min(at->second, place.next);
    }
  }
  prepared_ = true;
  return {};
}

Result<> Worker::flush_tasks() {
  for (const std::shared_ptr<Query>& known : queries()) {
    if (known->task == nullptr) continue;
    auto flushed = known->task->flush();
    if (!flushed.ok()) {
      fail(*known, flushed.error());
      return flushed.error();
    }
  }
  return {};
}

// What belongs to another worker's part of the state is that worker's to write.
Result<> Worker::append_frame(std::optional<int32_t> home, int32_t group, BytesView key, BytesView value) {
  const int32_t place = home.value_or(group);
  if (!owns(place)) return {};
  return append_state(place % options_.state_partitions, key, value);
}

namespace {

// Puts the frames of one durable into the transaction.
class FrameRecords final : public state::FrameSink {
 public:
  using Append = std::function<Result<>(int32_t, BytesView)>;
  explicit FrameRecords(Append append) : append_(std::move(append)) {}
  void frame(int32_t group, BytesView bytes) override {
    if (!result_.ok()) return;
    value_.clear();
    put_varint(value_, static_cast<uint64_t>(group));
    value_.append(bytes);
    result_ = append_(group, value_);
  }
  const Result<>& result() const { return result_; }

 private:
  Append append_;
  Bytes value_;
  Result<> result_;
};

}  // namespace

Result<> Worker::append_frames() {
  if (mutant(2)) return {};
  for (const std::shared_ptr<Query>& known : queries()) {
    if (known->task == nullptr) continue;
    for (const Task::Kept& kept : known->task->durables()) {
      const std::string key = known->topology->name + "/" + kept.name;
      const auto home = home_of(*known->topology);
      FrameRecords records(
          [&](int32_t group, BytesView value) { return append_frame(home, group, key, value); });
      kept.durable->changes(records);
      TRY(Result<>(records.result()));
    }
  }
  return {};
}

Result<> Worker::append_lanes(bool all) {
  for (const auto& lane : lanes_) {
    const std::string key = lane_key(*lane);
    for (int32_t s = 0; s < options_.state_partitions; ++s) {
      if (!owns(s)) continue;
      const bool elsewhere = lane->home && *lane->home != s;
      if (all || lane->members_changed) {
        Bytes value = "m";
        put_varint(value, elsewhere ? 0 : lane->members.size());
        for (const std::string& member : lane->members) {
          if (!elsewhere) put_bytes(value, member);
        }
        TRY(append_state(s, key, value));
      }
      if (elsewhere) continue;
      Bytes value = "p";
      for (const auto& [partition, place] : lane->places) {
        const bool here = lane->home || partition % options_.state_partitions == s;
        if (!here || !(all || place.changed || lane->members_changed)) continue;
        put_zigzag(value, partition);
        put_zigzag(value, place.next);
      }
      if (value.size() > 1 && !mutant(1)) TRY(append_state(s, key, value));
    }
  }
  return {};
}

// A snapshot is written in slices, one a commit, between the frames: restoring folds them in order. It begins
// with all places; once its end is committed, what lies before its beginning is no longer needed.
Result<> Worker::append_snapshot() {
  snapshot_started_now_ = false;
  if (!snapshot_running_) {
    begin_snapshot();
    if (frame_bytes_ <= std::max(options_.snapshot_frame_bytes, measured_state_bytes_)) return {};
    if (anything_stands()) return {};
    int64_t live = 0;
    for (const std::shared_ptr<Query>& known : queries()) {
      if (known->task == nullptr) continue;
      for (const Task::Kept& kept : known->task->durables())
        live += static_cast<int64_t>(kept.durable->bytes());
    }
    measured_state_bytes_ = live;
    if (frame_bytes_ < live) return {};
    measured_state_bytes_ = 0;
    snapshot_running_ = true;
    snapshot_started_now_ = true;
    frame_bytes_ = 0;
    TRY(append_lanes(true));
    TRY(append_join_places(true));
    for (int32_t s = 0; s < options_.state_partitions; ++s) {
      if (owns(s)) TRY(append_state(s, "!", "begin"));
    }
    return {};  // the slices see committed rows only: they begin with the next commit
  }
  size_t given = 0;
  while (snapshot_at_ < snapshot_list_.size() && given < options_.snapshot_slice_bytes) {
    const auto& [name, durable] = snapshot_list_[snapshot_at_];
    const std::shared_ptr<Query> known = query(name);
    bool complete = true;
    if (known != nullptr && known->task != nullptr) {
      for (const Task::Kept& kept : known->task->durables()) {
        if (kept.name != durable) continue;
        const std::string key = name + "/" + durable;
        const auto home = home_of(*known->topology);
        FrameRecords records([&](int32_t group, BytesView value) {
          given += value.size();
          return append_frame(home, group, key, value);
        });
        complete = kept.durable->snapshot(options_.snapshot_slice_bytes, records);
        TRY(Result<>(records.result()));
      }
    }
    if (complete) ++snapshot_at_;
  }
  if (snapshot_at_ == snapshot_list_.size()) {
    for (int32_t s = 0; s < options_.state_partitions; ++s) {
      if (owns(s)) TRY(append_state(s, "!", "end"));
    }
    snapshot_done_ = true;
  }
  return {};
}

void Worker::begin_snapshot() {
  snapshot_list_.clear();
  snapshot_at_ = 0;
  for (const std::shared_ptr<Query>& known : queries()) {
    if (known->task == nullptr) continue;
    for (const Task::Kept& kept : known->task->durables())
      snapshot_list_.emplace_back(known->topology->name, kept.name);
  }
}

Result<> Worker::committed(const log::Offsets& first_offsets) {
  {
    const std::lock_guard lock(lock_);
    for (const std::shared_ptr<Query>& known : queries()) {
      if (known->task == nullptr) continue;
      for (const Task::Kept& kept : known->task->durables()) kept.durable->committed();
    }
    for (auto at = dictionaries_.begin(); at != dictionaries_.end();) {
      if (const auto dictionary = at->second.lock()) {
        dictionary->sweep();
        ++at;
      } else {
        at = dictionaries_.erase(at);
      }
    }
  }
  publish_places();
  for (const auto& lane : lanes_) {
    lane->members_changed = false;
    for (auto& [partition, place] : lane->places) {
      place.changed = false;
      place.oldest_ms = INT64_MAX;
    }
  }
  for (const auto& lane : joins_) lane->topics->settled();
  gone_joins_.clear();
  std::erase_if(lanes_, [](const auto& lane) { return lane->members.empty(); });
  lanes_changed_ = true;
  work_since_commit_ = false;
  if (rows_since_commit_ > 0) reading_commits_ = std::min(reading_commits_ + 1, 4);
  rows_since_commit_ = 0;
  if (snapshot_started_now_) {
    snapshot_started_now_ = false;
    snapshot_start_.clear();
    for (const auto& [position, offset] : first_offsets) {
      const bool state = position.topic == state_topic(options_.application);
      if (state && owns(position.partition)) snapshot_start_[position.partition] = offset;
    }
  }
  TRY(passed(CommitStep::marked));
  if (snapshot_done_ || (mutant(6) && snapshot_running_)) TRY(trim_state());
  if (!to_trim_.empty() && clock_.monotonic_ns() >= trim_again_ns_) TRY(try_trims());
  return check_memory();
}

// What a snapshot has made superfluous, and what is merged by what is committed.
Result<> Worker::trim_state() {
  snapshot_done_ = false;
  snapshot_running_ = false;
  for (const auto& [partition, offset] : snapshot_start_)
    to_trim_[{state_topic(options_.application), partition}] = offset;
  for (const auto& lane : lanes_) {
    if (!lane->partials) continue;
    for (const auto& [partition, place] : lane->places) to_trim_[{lane->topic, partition}] = place.next;
  }
  TRY(try_trims());
  return passed(CommitStep::trimmed);
}

// What the log does not trim just now, or refuses to, stays and is tried again: a start has more to read.
Result<> Worker::try_trims() {
  std::string refused;
  for (auto at = to_trim_.begin(); at != to_trim_.end();) {
    const auto trimmed = log_.trim(at->first, at->second);
    if (trimmed.ok()) {
      at = to_trim_.erase(at);
      TRY(passed(CommitStep::trimmed_one));
      continue;
    }
    const Code code = trimmed.error().code;
    if (code != Code::unavailable && code != Code::invalid) return trimmed;
    if (code == Code::invalid && refused.empty()) refused = trimmed.error().message;
    ++at;
  }
  trim_again_ns_ = clock_.monotonic_ns() + kTrimAgainNs;
  if (!refused.empty() && refused != figures_.untrimmed() && options_.logger != nullptr)
    options_.logger->warning("stream", "what is no longer needed stays", {{"error", refused}});
  figures_.set_untrimmed(std::move(refused), static_cast<int64_t>(to_trim_.size()));
  return {};
}

void Worker::publish_places() {
  publish_join_places();
  for (const auto& lane : lanes_) {
    for (const std::string& member : lane->members) {
      const std::shared_ptr<Query> known = query(member);
      if (known == nullptr) continue;
      const std::lock_guard lock(known->about);
      for (const auto& [partition, place] : lane->places)
        known->positions[{lane->topic, partition}] = place.next;
    }
  }
}

// A query that outgrows the memory set aside is stopped with the remedy; the others go on.
Result<> Worker::check_memory() {
  const int64_t now = clock_.monotonic_ns();
  if (now - last_memory_check_ns_ < kMemoryCheckNs) return {};
  last_memory_check_ns_ = now;
  int64_t total = 0;
  Query* largest = nullptr;
  for (const std::shared_ptr<Query>& known : queries()) {
    if (known->task == nullptr) continue;
    int64_t bytes = 0;
    for (const Task::Kept& kept : known->task->durables())
      bytes += static_cast<int64_t>(kept.durable->bytes());
    known->figures.state_bytes = bytes;
    total += bytes;
    if (largest == nullptr || bytes > largest->figures.state_bytes) largest = known.get();
  }
  for (const auto& [name, known] : dictionaries_) {
    if (const auto dictionary = known.lock()) total += static_cast<int64_t>(dictionary->bytes());
  }
  figures_.state_bytes = total;
  if (largest == nullptr || total <= options_.state_bytes) return {};
  const Error full{Code::invalid, "its state of " + std::to_string(largest->figures.state_bytes >> 20) +
                                      " MB is the largest and all together outgrow state.memory_bytes (" +
                                      std::to_string(options_.state_bytes >> 20) +
                                      " MB); raise that setting, shorten RETENTION or group by less"};
  fail(*largest, full);
  return full;
}

}  // namespace tradewind::stream
