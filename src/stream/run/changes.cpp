// What is changed of queries that run: their topology, and whether they read.
#include <algorithm>

#include "stream/run/worker.h"

namespace tradewind::stream {
namespace {

class Frames final : public state::FrameSink {
 public:
  void frame(int32_t group, BytesView bytes) override { frames.emplace_back(group, bytes); }
  std::vector<std::pair<int32_t, Bytes>> frames;
};

// Everything of it, whatever a snapshot under way has given already.
std::vector<std::pair<int32_t, Bytes>> whole(state::Durable& durable) {
  Frames rest;
  while (!durable.snapshot(SIZE_MAX, rest)) {
  }
  Frames all;
  while (!durable.snapshot(SIZE_MAX, all)) {
  }
  return std::move(all.frames);
}

}  // namespace

// Commits, so that nothing is in hand.
Result<> Worker::settle() {
  if (!prepared_) TRY(commit());
  if (prepared_) return Error{Code::unavailable, "the disk is full; try again when there is room"};
  return {};
}

Result<> Worker::replace(const std::shared_ptr<const Topology>& topology) {
  const std::shared_ptr<Query> known = query(topology->name);
  if (known == nullptr) return Error{Code::not_found, "no query is called " + topology->name};
  if (!opened_ || known->task == nullptr) {  // its state is restored into the new one
    known->topology = topology;
    return {};
  }
  TRY(settle());
  std::unique_ptr<Task> made = TRY(Task::make(topology, mode(*topology), registry_, *this, known->figures));
  for (const Task::Kept& kept : known->task->durables()) {
    for (const Task::Kept& into : made->durables()) {
      if (into.name != kept.name) continue;
      for (const auto& [group, frame] : whole(*kept.durable)) TRY(into.durable->fold(group, frame));
    }
  }
  std::shared_ptr<const Topology> other = topology;
  const auto swap = [&]() -> Result<> {
    {
      const std::lock_guard lock(lock_);
      known->task.swap(made);
      known->topology.swap(other);
    }
    for (const auto& lane : lanes_) {
      const bool reads =
          std::find(lane->members.begin(), lane->members.end(), known->name) != lane->members.end();
      if (reads) TRY(bind_readers(*lane));
    }
    return {};
  };
  auto done = swap();
  if (done.ok()) return done;
  if (!swap().ok()) torn_ = true;  // as it was; where not even that can be had, from the last commit
  return done;
}

// A paused query reads in a lane of its own, which stands still.
Result<> Worker::pause(const std::string& name, bool paused) {
  const std::shared_ptr<Query> known = query(name);
  if (known == nullptr) return Error{Code::not_found, "no query is called " + name};
  if (known->paused == paused) return {};
  if (!opened_ || known->task == nullptr) {
    known->paused = paused;
    return {};
  }
  TRY(settle());
  known->paused = paused;
  for (size_t i = 0; i < lanes_.size(); ++i) {  // lane_at() adds some
    Lane& lane = *lanes_[i];
    const auto member = std::find(lane.members.begin(), lane.members.end(), name);
    if (lane.partials || member == lane.members.end()) continue;
    if (lane.members.size() == 1) {
      lane.paused = paused;
      break;
    }
    std::map<int32_t, log::Offset> next;
    for (const auto& [partition, place] : lane.places) next[partition] = place.next;
    lane.members.erase(member);
    if (auto bound = bind_readers(lane); !bound.ok()) {  // as it was
      lane.members.push_back(name);
      known->paused = !paused;
      return bound;
    }
    lane.members_changed = true;
    TRY(lane_at(lane.topic, false, lane.home, next, name));
    break;
  }
  work_since_commit_ = true;
  return commit();
}

}  // namespace tradewind::stream
