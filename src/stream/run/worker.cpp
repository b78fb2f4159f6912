#include "stream/run/worker.h"

#include "base/hash.h"

#include <algorithm>

#include "data/value.h"
#include "stream/metrics.h"
#include "telemetry/logger.h"

namespace tradewind::stream {

Worker::Worker(int index, int count, log::Log& log, schema::Registry& registry, Clock& clock,
               const RuntimeOptions& options, std::shared_ptr<IdleBoard> board)
    : index_(index),
      count_(count),
      log_(log),
      registry_(registry),
      clock_(clock),
      options_(options),
      board_(std::move(board)) {
  CHECK(index >= 0 && index < count && options.state_partitions >= count);
  if (options.metrics == nullptr) return;
  commit_duration_ = &options.metrics->histogram(kCommitDuration);
  result_delay_ = &options.metrics->histogram(kResultDelay);
  end_to_end_ = &options.metrics->histogram(kEndToEnd);
}

Worker::~Worker() = default;

std::shared_ptr<Worker::Query> Worker::query(const std::string& name) const {
  const std::lock_guard lock(queries_mutex_);
  const auto found = queries_.find(name);
  return found == queries_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Worker::Query>> Worker::queries() const {
  const std::lock_guard lock(queries_mutex_);
  std::vector<std::shared_ptr<Query>> all;
  for (const auto& [name, query] : queries_) all.push_back(query);
  return all;
}

std::optional<int32_t> Worker::home_of(const Topology& topology) const {
  if (!topology.one_worker) return std::nullopt;
  return static_cast<int32_t>(hash64(topology.name) % static_cast<uint64_t>(options_.state_partitions));
}

Result<> Worker::add(std::shared_ptr<const Topology> topology, bool earliest, bool paused) {
  if (const auto home = home_of(*topology); home && !owns(*home)) return {};  // another worker's
  auto query = std::make_shared<Query>();
  query->topology = std::move(topology);
  query->earliest = earliest;
  query->paused = paused;
  const std::string name = query->name = query->topology->name;
  {
    const std::lock_guard lock(queries_mutex_);
    if (!queries_.emplace(name, query).second)
      return Error{Code::conflict, "query " + name + " runs already"};
  }
  if (!opened_) return {};
  if (prepared_) {
    put_off_.emplace_back(name, true);
    return {};
  }
  return start(query);
}

Result<> Worker::start(const std::shared_ptr<Query>& query) {
  const std::string& name = query->topology->name;
  if (auto started = start_query(*query); !started.ok()) {
    TRY(leave_lanes(name));
    const std::lock_guard lock(queries_mutex_);
    queries_.erase(name);
    return started;
  }
  auto done = commit();
  // It runs; that its place is not written yet is the disk's matter.
  return done.ok() || prepared_ ? Result<>() : done;
}

// No reader may be left with a task that goes.
Result<> Worker::leave_lanes(const std::string& name) {
  leave_join(name);
  for (const auto& lane : lanes_) {
    const auto member = std::find(lane->members.begin(), lane->members.end(), name);
    if (member == lane->members.end()) continue;
    lane->members.erase(member);
    for (const auto& [partition, place] : lane->places) board_->set(name, partition, false);
    lane->members_changed = true;
    const std::shared_ptr<Query> gone = query(name);
    for (Lane::Readers& readers : lane->readers) std::erase(readers.tasks, gone->task.get());
    // Less need be decoded from now on; where that cannot be arranged just now, what was is decoded on.
    (void)bind_readers(*lane).ok();
  }
  return {};
}

Result<> Worker::remove(const std::string& name) {
  if (query(name) == nullptr) return Error{Code::not_found, "no query is called " + name};
  if (auto done = commit(); !done.ok() && !prepared_) return done;
  if (prepared_) {
    put_off_.emplace_back(name, false);
    return {};
  }
  return drop(name);
}

Result<> Worker::drop(const std::string& name) {
  const std::shared_ptr<Query> gone = query(name);
  if (gone == nullptr) return {};
  TRY(leave_lanes(name));
  {
    const std::lock_guard lock(lock_);
    gone->task.reset();
  }
  {
    const std::lock_guard lock(queries_mutex_);
    queries_.erase(name);
  }
  std::erase_if(snapshot_list_, [&](const auto& entry) { return entry.first == name; });
  snapshot_at_ = std::min(snapshot_at_, snapshot_list_.size());
  work_since_commit_ = true;
  auto done = commit();
  return done.ok() || prepared_ ? Result<>() : done;
}

// What was asked for while a commit waited for room.
Result<> Worker::catch_up_on_queries() {
  while (!put_off_.empty() && !prepared_) {
    const auto [name, begins] = put_off_.front();
    put_off_.erase(put_off_.begin());
    const std::shared_ptr<Query> known = query(name);
    if (known == nullptr) continue;
    if (!begins) {
      TRY(drop(name));
      continue;
    }
    TRY(start(known));
  }
  return {};
}

Result<> Worker::open() {
  auto made = log_.create_topic({.name = state_topic(options_.application),
                                 .partitions = options_.state_partitions,
                                 .retention = Duration(-1)});
  if (!made.ok() && made.error().code != Code::conflict) return made.error();
  producer_ =
      TRY(log_.producer({.id = options_.application + "-" + std::to_string(index_), .transactional = true}));
  TRY(restore());
  opened_ = true;
  return commit();
}

Result<bool> Worker::step(Duration wait) {
  beat();
  if (torn_) {
    TRY(rebuild());
    return true;
  }
  if (prepared_) {
    TRY(commit_or_rebuild());
    TRY(catch_up_on_queries());
    return true;
  }
  if (grown()) {  // what is there is committed; then the queries are placed anew, on all partitions
    TRY(commit_or_rebuild());
    TRY(rebuild());
    return true;
  }
  size_t read = 0;
  const uint64_t seen = log_.written();
  merge_lanes();
  hold_back();
  const bool pending = work_since_commit_;
  // Whoever has work at hand looks for more without waiting; a commit is due soon.
  auto polled = poll_all();
  if (!polled.ok()) {
    if (failed_query_.empty()) return polled.error();  // tried again from where it was, or rebuilt if torn
    TRY(rebuild());
    return true;
  }
  read += *polled;
  tell_rests();
  if (count_ > 1) tell_idle();
  if (read > 0 && !pending) first_work_ns_ = clock_.monotonic_ns();
  if (read == 0 && !work_since_commit_) work_since_commit_ = closing_due();
  if (commit_due(read == 0)) {
    TRY(commit_or_rebuild());
    return true;
  }
  if (read == 0 && wait.count() > 0) {
    const Duration most =
        work_since_commit_ ? std::min(wait, std::max(options_.idle_commit, Duration(1))) : wait;
    // Who reads nothing is not to be woken by what others write.
    const bool reads = !lanes_.empty() || !joins_.empty();
    log_.wait_for_more(reads ? seen : UINT64_MAX, most);
  }
  return read > 0;
}

Result<size_t> Worker::poll_all() {
  size_t read = 0;
  for (size_t i = 0; i < lanes_.size(); ++i) read += TRY(poll_lane(*lanes_[i], Duration(0)));
  for (size_t i = 0; i < joins_.size(); ++i) read += TRY(poll_join(*joins_[i]));
  return read;
}

// Whether the error is one to wait for: then the lane rests for a while, and everything else goes on.
bool Worker::rests(Rest& rest, const Error& error) {
  if (error.code != Code::unavailable || !failed_query_.empty()) return false;
  const bool first = rest.times == 0;
  rest.begin(error, clock_.monotonic_ns());
  if (first && options_.logger != nullptr)
    options_.logger->warning("stream", "reading waits", {{"error", error.message}});
  return true;
}

void Worker::tell_rests() {
  std::string reason;
  for (const auto& lane : lanes_) {
    if (!lane->rest.reason.empty()) reason = "reading " + lane->topic + " waits: " + lane->rest.reason;
  }
  for (const auto& lane : joins_) {
    if (!lane->rest.reason.empty()) reason = "query " + lane->query + " waits: " + lane->rest.reason;
  }
  if (reason.empty() && !told_rests_) return;
  told_rests_ = !reason.empty();
  figures_.set_waits_for(std::move(reason));
}

Result<> Worker::commit_or_rebuild() {
  auto done = commit();
  return done.ok() || failed_query_.empty() ? done : rebuild();
}

std::shared_ptr<Dictionary> Worker::dictionary(const std::string& name) {
  std::weak_ptr<Dictionary>& known = dictionaries_[name];
  std::shared_ptr<Dictionary> dictionary = known.lock();
  if (dictionary == nullptr) {
    dictionary = std::make_shared<Dictionary>();
    known = dictionary;
  }
  return dictionary;
}

// As they were when the queries were placed; and that the log does not answer must not pass for another
// number.
int32_t Worker::source_partitions(const std::string& topic) {
  if (const auto known = partitions_.find(topic); known != partitions_.end()) return known->second;
  const auto spec = log_.topic(topic);
  return spec.ok() ? spec->partitions : 1;
}

bool Worker::idle(const std::string& query, int32_t partition) {
  if (const JoinLane* join = join_of(query)) return join->silence_ms() >= options_.idle_partition.count();
  for (const auto& lane : lanes_) {
    if (lane->partials || std::find(lane->members.begin(), lane->members.end(), query) == lane->members.end())
      continue;
    const auto place = lane->places.find(partition);
    return place == lane->places.end() ? board_->idle(query, partition) : silent(*lane, place->second);
  }
  return board_->idle(query, partition);  // all of its partitions are other workers'
}

bool Worker::silent(const Lane& lane, const Lane::Place& place) const {
  return lane.last_empty_ms != INT64_MIN &&
         lane.last_empty_ms - place.last_record_ms >= options_.idle_partition.count();
}

// What changed of it goes on the board.
void Worker::tell_idle() {
  for (const auto& lane : lanes_) {
    if (lane->partials) continue;
    for (auto& [partition, place] : lane->places) {
      const bool idle = silent(*lane, place);
      if (idle == place.told_idle && !lane->members_changed) continue;
      place.told_idle = idle;
      for (const std::string& member : lane->members) board_->set(member, partition, idle);
    }
  }
}

// One query's partials can lie in several lanes, when workers that were more kept different places of them.
template <typename Each>
void Worker::each_partials_lane(const std::string& query, Each each) const {
  for (const auto& lane : lanes_) {
    if (lane->partials && !lane->members.empty() && lane->members.front() == query) each(*lane);
  }
}

Result<std::map<int32_t, log::Offset>> Worker::partials_written(const std::string& query) {
  std::map<int32_t, log::Offset> ends;
  Result<> done;
  each_partials_lane(query, [&](const Lane& lane) {
    for (const auto& [group, place] : lane.places) {
      auto bounds = log_.bounds({lane.topic, group}, log::Visibility::written);
      if (bounds.ok())
        ends[group] = bounds->end;
      else
        done = bounds.error();
    }
  });
  TRY(std::move(done));
  return ends;
}

bool Worker::merged(const std::string& query, const std::map<int32_t, log::Offset>& ends) {
  bool all = true;
  each_partials_lane(query, [&](const Lane& lane) {
    for (const auto& [group, place] : lane.places) {
      const auto end = ends.find(group);
      all = all && (end == ends.end() || place.next >= end->second);
    }
  });
  return all;
}

Duration Worker::silence(const std::string& query) {
  int64_t least = INT64_MAX;
  if (const JoinLane* join = join_of(query)) least = join->paused ? 0 : join->silence_ms();
  for (const auto& lane : lanes_) {
    if (lane->partials || std::find(lane->members.begin(), lane->members.end(), query) == lane->members.end())
      continue;
    if (lane->paused) return Duration(0);
    for (const auto& [partition, place] : lane->places) {
      const bool read_out = lane->last_empty_ms != INT64_MIN;
      least = std::min(least, read_out ? lane->last_empty_ms - place.last_record_ms : 0);
    }
  }
  const int64_t enough = options_.idle_close.count();
  return enough > 0 && least != INT64_MAX && least >= enough ? Duration(least) : Duration(0);
}

bool Worker::closing_due() const {
  for (const std::shared_ptr<Query>& known : queries()) {
    if (known->task != nullptr && known->task->closing_due()) return true;
  }
  return false;
}

// That a log does not answer is no fault of a query, and passes.
void Worker::fail(Query& query, const Error& error) {
  if (error.code == Code::unavailable) return;
  failed_query_ = query.topology->name;
  if (options_.logger != nullptr) {
    options_.logger->error("stream", "a query failed",
                           {{"query", query.topology->name}, {"error", error.message}});
  }
  const std::lock_guard lock(query.about);
  query.error = error.message;
}

}  // namespace tradewind::stream
