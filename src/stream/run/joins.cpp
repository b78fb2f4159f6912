// Queries that read several topics: their places and their rounds.
//
// A record of the state topic tells their places: key "&<query>", value pairs of topic (bytes), partition
// (zigzag) and next offset (zigzag); an empty value: the query is gone.
#include <algorithm>

#include "base/coding.h"
#include "base/mutant.h"
#include "stream/run/worker.h"

namespace tradewind::stream {

Result<> Worker::start_join(Query& query, const log::Offsets& places) {
  const Topology& topology = *query.topology;
  if (query.task == nullptr)
    query.task = TRY(Task::make(query.topology, mode(topology), registry_, *this, query.figures));
  auto lane = TRY(JoinLane::open(topology, log_, registry_, log::Visibility::written, places));
  lane->home = *home_of(topology);
  lane->last_record_ms = clock_.now().ms;
  joins_.push_back(std::move(lane));
  std::erase(gone_joins_, topology.name);
  work_since_commit_ = true;
  return {};
}

// Goes on where the query was, or begins.
Result<> Worker::place_join(Query& query) {
  log::Offsets places = TRY(first_places(*query.topology, log_, log::Visibility::written, query.earliest));
  const auto restored = restored_joins_.find(query.topology->name);
  if (restored != restored_joins_.end()) {
    for (auto& [position, next] : places) {
      const auto at = restored->second.find(position);
      next = at == restored->second.end() ? 0 : at->second;
    }
  }
  return start_join(query, places);
}

Result<> Worker::restore_join(const std::string& name, BytesView value) {
  if (value.empty()) {
    restored_joins_.erase(name);
    return {};
  }
  log::Offsets& places = restored_joins_[name];
  while (!value.empty()) {
    BytesView topic;
    int64_t partition = 0;
    int64_t next = 0;
    if (!get_bytes(value, topic) || !get_zigzag(value, partition) || !get_zigzag(value, next))
      return Error{Code::corrupt, "the place of a join cannot be read"};
    places[{std::string(topic), static_cast<int32_t>(partition)}] = mutant(5) ? next + 1 : next;
  }
  return {};
}

Result<size_t> Worker::poll_join(JoinLane& lane) {
  const std::shared_ptr<Query> known = query(lane.query);
  if (known == nullptr || known->task == nullptr) return size_t{0};
  lane.paused = known->paused;
  if (lane.paused || !lane.rest.over(clock_.monotonic_ns())) return size_t{0};
  size_t taken = 0;
  const auto done = lane.read(
      Duration(0), options_.rows_per_poll, options_.rows_per_batch,
      [this](RowNote told) { note(std::move(told)); },
      [&](const MergedRows& rows) -> Result<> {
        beat();
        const std::lock_guard lock(lock_);
        auto processed = known->task->process_merged(rows);
        if (!processed.ok()) fail(*known, processed.error());
        for (const MergedRows::Run& run : rows.runs) taken += run.to - run.from;
        return processed;
      });
  torn_ = torn_ || lane.torn;
  const bool waits = !done.ok() && lane.undecoded && rests(lane.rest, done.error());
  if (!done.ok() && !waits) {
    const bool lost = done.error().code == Code::not_found || done.error().code == Code::invalid;
    if (lost && failed_query_.empty()) fail(*known, done.error());
    return done.error();
  }
  for (const auto& [position, count] : lane.topics->take_gone()) tell_gone(position, count);
  if (done.ok()) lane.rest.end();
  const size_t read = done.ok() ? *done : taken;
  const int64_t now_ms = clock_.now().ms;
  if (done.ok() && read == 0)
    lane.last_empty_ms = now_ms;
  else
    lane.last_record_ms = now_ms;
  for (const auto& [position, place] : lane.topics->places())
    work_since_commit_ = work_since_commit_ || place.changed;
  rows_since_commit_ += read;
  figures_.rows += static_cast<int64_t>(read);
  return read;
}

Result<> Worker::append_join_places(bool all) {
  for (const std::string& name : gone_joins_) {
    for (int32_t s = 0; s < options_.state_partitions; ++s) {
      if (owns(s)) TRY(append_state(s, "&" + name, {}));
    }
  }
  for (const auto& lane : joins_) {
    Bytes value;
    for (const auto& [position, place] : lane->topics->places()) {
      if (!place.changed && !all) continue;
      put_bytes(value, position.topic);
      put_zigzag(value, position.partition);
      put_zigzag(value, place.next);
    }
    if (!value.empty() && !mutant(1)) TRY(append_state(lane->home, "&" + lane->query, value));
  }
  return {};
}

void Worker::publish_join_places() {
  for (const auto& lane : joins_) {
    const std::shared_ptr<Query> known = query(lane->query);
    if (known == nullptr) continue;
    const std::lock_guard lock(known->about);
    for (const auto& [position, place] : lane->topics->places()) known->positions[position] = place.next;
  }
}

const JoinLane* Worker::join_of(const std::string& name) const {
  for (const auto& lane : joins_) {
    if (lane->query == name) return lane.get();
  }
  return nullptr;
}

void Worker::leave_join(const std::string& name) {
  if (std::erase_if(joins_, [&](const auto& lane) { return lane->query == name; }) > 0)
    gone_joins_.push_back(name);
}

}  // namespace tradewind::stream
