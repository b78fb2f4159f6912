// Which queries read together, and reading.
#include <algorithm>

#include "stream/run/lost_place.h"
#include "stream/run/worker.h"
#include "telemetry/logger.h"

namespace tradewind::stream {
namespace {

// A lane that is this close behind another is let alone until it is there; and one that is no further behind
// than the other is behind the end: then the rest is read once for both, and nobody waits for a result of
// this moment.
constexpr int64_t kCloseBehind = 20'000;

}  // namespace

Result<Lane*> Worker::lane_at(const std::string& topic, bool partials, std::optional<int32_t> home,
                              const std::map<int32_t, log::Offset>& next, const std::string& member) {
  int32_t id = 0;
  const std::shared_ptr<Query> known = query(member);
  const bool stands = known != nullptr && known->task == nullptr;
  const bool paused = stands || (!partials && known != nullptr && known->paused);
  for (const auto& lane : lanes_) {
    if (lane->topic != topic) continue;
    id = std::max(id, lane->id + 1);
    const bool same =
        lane->places.size() == next.size() && std::all_of(next.begin(), next.end(), [&](const auto& entry) {
          const auto at = lane->places.find(entry.first);
          return at != lane->places.end() && at->second.next == entry.second;
        });
    if (!same || lane->partials != partials || lane->home != home || lane->paused || paused) continue;
    lane->members.push_back(member);
    lane->members_changed = true;
    TRY(bind_readers(*lane));
    return lane.get();
  }
  auto lane = std::make_unique<Lane>();
  lane->topic = topic;
  lane->id = id;
  lane->partials = partials;
  lane->home = home;
  lane->paused = paused;
  lane->gathers = gathering_ > 0;
  lane->members = {member};
  const int64_t now_ms = clock_.now().ms;
  for (const auto& [partition, offset] : next) {
    lane->places[partition] = {.next = offset, .last_record_ms = now_ms, .changed = true};
  }
  TRY(bind_readers(*lane));
  if (!stands) TRY(assign(*lane));
  lanes_.push_back(std::move(lane));
  lanes_changed_ = true;
  return lanes_.back().get();
}

Result<> Worker::assign(Lane& lane) {
  lane.consumer = TRY(log_.consumer(log::Visibility::written));
  for (const auto& [partition, place] : lane.places) {
    TRY(lane.consumer->assign({lane.topic, partition}, place.next));
  }
  return {};
}

// Makes the task and gives it a place: where it was restored to, else the start or the end of its topic.
Result<> Worker::start_query(Query& query) {
  const Topology& topology = *query.topology;
  if (!topology.inputs.empty()) {
    const log::Offsets places = TRY(first_places(topology, log_, log::Visibility::written, query.earliest));
    for (const auto& [position, next] : places) {
      int32_t& known = partitions_[position.topic];
      known = std::max(known, position.partition + 1);
    }
    return start_join(query, places);
  }
  const auto spec = log_.topic(topology.source.topic);
  if (!spec.ok()) return spec.error().within("query " + topology.name);
  partitions_[topology.source.topic] = spec->partitions;
  query.task = TRY(Task::make(query.topology, mode(topology), registry_, *this, query.figures));
  const auto home = home_of(topology);
  std::map<int32_t, log::Offset> next;
  for (int32_t p = 0; p < spec->partitions; ++p) {
    if (!home && !owns(p)) continue;
    const auto bounds = TRY(log_.bounds({topology.source.topic, p}, log::Visibility::written));
    next[p] = query.earliest ? bounds.begin : bounds.end;
  }
  TRY(lane_at(topology.source.topic, false, home, next, topology.name));
  const auto partials = log_.topic(partials_topic(topology.name));
  if (!partials.ok() && partials.error().code == Code::unavailable) return partials.error();
  if (partials.ok() && !home) {
    std::map<int32_t, log::Offset> places;
    for (int32_t g = 0; g < partials->partitions; ++g) {
      if (owns(g)) places[g] = 0;
    }
    TRY(lane_at(partials->name, true, std::nullopt, places, topology.name));
  }
  work_since_commit_ = true;
  return {};
}

// All anew, or as they were.
Result<> Worker::bind_readers(Lane& lane) {
  if (lane.partials) {
    lane.readers.clear();
    return {};
  }
  std::vector<std::pair<SourceSpec, std::vector<Task*>>> alike;
  for (const std::string& member : lane.members) {
    const std::shared_ptr<Query> known = query(member);
    if (known == nullptr || known->task == nullptr) continue;
    const SourceSpec& source = known->topology->source;
    auto at = std::find_if(alike.begin(), alike.end(),
                           [&](const auto& entry) { return Reader::alike(entry.first, source); });
    if (at == alike.end()) {
      alike.push_back({source, {known->task.get()}});
      continue;
    }
    at->first.wanted = Reader::either(at->first, source);
    at->second.push_back(known->task.get());
  }
  std::vector<Lane::Readers> made;
  for (auto& [source, tasks] : alike) {
    Lane::Readers readers;
    readers.reader = TRY(Reader::make(std::move(source), registry_));
    readers.tasks = std::move(tasks);
    made.push_back(std::move(readers));
  }
  lane.readers = std::move(made);
  return {};
}

// A lane behind another one of its topic must not pass it: it stops exactly there, so that they can become
// one.
log::Offset Worker::bound_for(const Lane& lane, int32_t partition) const {
  log::Offset bound = INT64_MAX;
  if (lane.rivals == nullptr) return bound;
  for (const Lane* other : *lane.rivals) {
    if (other == &lane || !other->beside(lane) || other->members.empty()) continue;
    bool ahead = true;
    for (const auto& [p, place] : lane.places) {
      const auto at = other->places.find(p);
      ahead = ahead && at != other->places.end() && at->second.next >= place.next;
    }
    if (ahead) bound = std::min(bound, other->places.at(partition).next);
  }
  return bound;
}

// Thousands of lanes may read topics of their own; only those of one topic are compared.
void Worker::find_rivals() {
  if (!lanes_changed_) return;
  lanes_changed_ = false;
  std::map<std::string_view, std::vector<Lane*>> by_topic;
  for (const auto& lane : lanes_) {
    lane->rivals = nullptr;
    by_topic[lane->topic].push_back(lane.get());
  }
  rivals_.clear();
  for (auto& [topic, lanes] : by_topic) {
    if (lanes.size() > 1) rivals_.push_back(std::move(lanes));
  }
  for (const auto& group : rivals_) {
    for (Lane* lane : group) lane->rivals = &group;
  }
}

void Worker::hold_back() {
  find_rivals();
  for (const auto& lane : lanes_) lane->held = false;
  for (const auto& group : rivals_) {
    for (const Lane* behind : group) {
      for (Lane* ahead : group) {
        const bool apart = behind == ahead || !behind->beside(*ahead);
        if (apart || behind->members.empty() || ahead->members.empty()) continue;
        int64_t gap = 0;
        int64_t left = 0;
        bool all = true;
        for (const auto& [p, place] : behind->places) {
          const Lane::Place& there = ahead->places.at(p);
          gap += there.next - place.next;
          left += std::max<int64_t>(there.end - there.next, 0);
          all = all && there.next >= place.next;
        }
        if (all && gap > 0 && gap <= std::max(kCloseBehind, left)) ahead->held = true;
      }
    }
  }
}

void Worker::merge_lanes() {
  find_rivals();
  for (const auto& group : rivals_) {
    for (size_t i = 0; i < group.size(); ++i) {
      for (size_t j = i + 1; j < group.size(); ++j) merge(*group[i], *group[j]);
    }
  }
}

void Worker::merge(Lane& into, Lane& from) {
  if (!into.beside(from) || from.members.empty() || into.members.empty() || !into.same_place(from)) return;
  const size_t before = into.members.size();
  into.members.insert(into.members.end(), from.members.begin(), from.members.end());
  if (!bind_readers(into).ok()) {  // the registry is away: until it answers they stay apart
    into.members.resize(before);
    return;
  }
  into.members_changed = true;
  from.members.clear();
  from.members_changed = true;
  from.rest = {};
  from.readers.clear();
  from.consumer.reset();
  work_since_commit_ = true;
}

// A partition that stands at its bound is not read: what lies behind it would be fetched and left out again
// at every poll, and could keep the lane's other partitions from their turn for ever.
Result<> Worker::wait_at_bounds(Lane& lane) {
  for (auto& [partition, place] : lane.places) {
    const bool waits = place.next >= bound_for(lane, partition);
    if (waits == place.waits) continue;
    const log::Position position{lane.topic, partition};
    if (waits)
      lane.consumer->unassign(position);
    else
      TRY(lane.consumer->assign(position, place.next));
    place.waits = waits;
  }
  return {};
}

Result<size_t> Worker::poll_lane(Lane& lane, Duration wait) {
  lane.gathers = lane.gathers && gathering_ > 0;
  if (lane.members.empty() || lane.held || lane.paused || lane.gathers ||
      !lane.rest.over(clock_.monotonic_ns()))
    return size_t{0};
  TRY(wait_at_bounds(lane));
  auto polled = lane.consumer->poll(wait, options_.rows_per_poll);
  if (!polled.ok()) return fail_readers(lane, polled.error());
  std::vector<log::FetchedBatch>& fetched = *polled;
  size_t read = 0;
  const int64_t now_ms = clock_.now().ms;
  if (fetched.empty()) lane.last_empty_ms = now_ms;
  const int rests = lane.rest.times;
  for (log::FetchedBatch& batch : fetched) {
    if (batch.beyond_end()) return fail_readers(lane, beyond_end(batch));
    tell_gone(batch.position, batch.gone);
    torn_ = true;                   // until the batch is with the tasks: the consumer will not give it again
    if (lane.rest.times > rests) {  // what is not taken is read again
      TRY(lane.consumer->assign(batch.position, lane.places[batch.position.partition].next));
    } else {
      read += TRY(take(lane, batch));
    }
    torn_ = false;
    beat();
  }
  if (!fetched.empty() && lane.rest.times == rests) lane.rest.end();
  rows_since_commit_ += read;
  figures_.rows += static_cast<int64_t>(read);
  return read;
}

// What the queries that read a topic can do nothing about ends them, and no other query.
Error Worker::fail_readers(Lane& lane, const Error& error) {
  if (error.code != Code::not_found && error.code != Code::invalid) return error;
  for (const std::string& member : lane.members) {
    if (const std::shared_ptr<Query> known = query(member); known != nullptr) fail(*known, error);
  }
  return error;
}

// Records that went before they were read are missing in all figures from then on.
void Worker::tell_gone(const log::Position& position, int64_t count) {
  if (count == 0) return;
  figures_.gone_records += count;
  if (options_.logger == nullptr) return;
  options_.logger->warning("stream",
                           "records were gone before they were read; keep them for longer (retention.ms)",
                           {{"topic", position.topic},
                            {"partition", std::to_string(position.partition)},
                            {"offsets", std::to_string(count)}});
}

// Delivers what the lane may read of it, and moves its place behind what was delivered. How many records.
Result<size_t> Worker::take(Lane& lane, log::FetchedBatch& batch) {
  Lane::Place& place = lane.places[batch.position.partition];
  if (!batch.records.empty()) place.last_record_ms = clock_.now().ms;
  const log::Offset bound = bound_for(lane, batch.position.partition);
  if (batch.next > bound) {  // the rest is read again, together with the lane ahead
    while (!batch.records.empty() && batch.records.back().offset >= bound) batch.records.pop_back();
    batch.next = bound;
    TRY(lane.consumer->assign(batch.position, bound));
  }
  if (!batch.records.empty()) place.oldest_ms = std::min(place.oldest_ms, batch.appended.ms);
  size_t read = 0;
  const int rests = lane.rest.times;
  const auto done = deliver(lane, batch, read);
  if (!done.ok() && lane.rest.times == rests) return done.error();
  log::Offset next = batch.next;
  if (!done.ok()) {
    next = read > 0 ? batch.records[read].offset : place.next;
    TRY(lane.consumer->assign(batch.position, next));
  }
  if (next != place.next) {
    place.changed = true;
    work_since_commit_ = true;
  }
  place.next = next;
  place.end = std::max(batch.end, batch.next);
  return read;
}

// `done`: how many records were, also where it fails.
Result<> Worker::deliver(Lane& lane, const log::FetchedBatch& batch, size_t& done) {
  const std::span<const log::RecordView> records(batch.records);
  if (lane.partials) {
    if (!records.empty()) TRY(deliver_partials(lane, batch));
    done = records.size();
    return {};
  }
  while (done < records.size()) {
    const size_t count = std::min(options_.rows_per_batch, records.size() - done);
    TRY(deliver_rows(lane, records.subspan(done, count), batch));
    done += count;
  }
  return {};
}

Result<> Worker::deliver_partials(Lane& lane, const log::FetchedBatch& batch) {
  for (const std::string& member : lane.members) {
    const std::shared_ptr<Query> known = query(member);
    if (known == nullptr || known->task == nullptr) continue;
    const std::lock_guard lock(lock_);
    const auto merged = known->task->merge(batch);
    if (!merged.ok()) {
      fail(*known, merged.error());
      return merged.error();
    }
  }
  return {};
}

// For each reader. All are decoded before any is computed with: what fails here, and only that, has done
// nothing yet, so that the lane can rest.
Result<std::vector<Batch>> Worker::decode(Lane& lane, std::span<const log::RecordView> records,
                                          const log::FetchedBatch& batch) {
  std::vector<Batch> decoded;
  std::vector<RowNote> notes;
  for (Lane::Readers& readers : lane.readers) {
    decoded.push_back(TRY(readers.reader->read(records, batch.position.partition, batch.buffer,
                                               [&](RowNote told) { notes.push_back(std::move(told)); })));
  }
  for (RowNote& told : notes) note(std::move(told));
  return decoded;
}

Result<> Worker::deliver_rows(Lane& lane, std::span<const log::RecordView> records,
                              const log::FetchedBatch& batch) {
  const auto decoded = decode(lane, records, batch);
  if (!decoded.ok()) {
    (void)rests(lane.rest, decoded.error());
    return decoded.error();
  }
  for (size_t i = 0; i < decoded->size(); ++i) {
    const Batch& rows = (*decoded)[i];
    if (rows.rows() == 0) continue;
    for (Task* task : lane.readers[i].tasks) {
      const std::lock_guard lock(lock_);
      const auto done = task->process(rows);
      if (!done.ok()) {
        if (const std::shared_ptr<Query> known = query(task->topology().name)) fail(*known, done.error());
        return done.error();
      }
    }
  }
  return {};
}

}  // namespace tradewind::stream
