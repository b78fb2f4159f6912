// Restore: the state topic is folded, record by record, and reading goes on at the places its last frames
// name.
#include <algorithm>

#include "base/coding.h"
#include "base/mutant.h"
#include "stream/run/worker.h"
#include "telemetry/logger.h"

namespace tradewind::stream {
namespace {

constexpr size_t kRecordsPerPoll = 8192;
constexpr int64_t kTellNs = 2'000'000'000;  // how often a long restore says how far it is

}  // namespace

Result<> Worker::restore() {
  for (const std::shared_ptr<Query>& known : queries()) {
    if (!known->error.empty()) continue;
    for (size_t i = 0; i < known->topology->input_count(); ++i) {
      const std::string& topic = known->topology->input(i).topic;
      const auto spec = log_.topic(topic);
      if (spec.ok()) partitions_[topic] = spec->partitions;
      if (spec.ok()) continue;
      if (spec.error().code == Code::unavailable) return spec.error();
      const std::lock_guard lock(known->about);
      known->error = spec.error().message;
    }
    if (!known->error.empty()) continue;
    known->task = TRY(Task::make(known->topology, mode(*known->topology), registry_, *this, known->figures));
  }
  RestoredLanes lanes;
  restored_joins_.clear();
  restored_pieces_.clear();
  TRY(count_state());
  for (int32_t s = 0; s < options_.state_partitions; ++s) {
    if (owns(s)) TRY(restore_partition(s, lanes));
  }
  return place_queries(lanes);
}

// How much there is to restore.
Result<> Worker::count_state() {
  int64_t records = 0;
  for (int32_t s = 0; s < options_.state_partitions; ++s) {
    if (!owns(s)) continue;
    const auto bounds = TRY(log_.bounds({state_topic(options_.application), s}, log::Visibility::written));
    records += bounds.end - bounds.begin;
  }
  figures_.restored_records = 0;
  figures_.restored_bytes = 0;
  figures_.restore_records = records;
  restore_told_ns_ = clock_.monotonic_ns();
  return {};
}

void Worker::tell_restore() {
  const int64_t now_ns = clock_.monotonic_ns();
  if (options_.logger == nullptr || now_ns - restore_told_ns_ < kTellNs) return;
  restore_told_ns_ = now_ns;
  options_.logger->info("stream", "restoring state",
                        {{"records", std::to_string(figures_.restored_records)},
                         {"of", std::to_string(figures_.restore_records)},
                         {"mb", std::to_string(figures_.restored_bytes >> 20)}});
}

Result<> Worker::restore_partition(int32_t partition, RestoredLanes& lanes) {
  const log::Position position{state_topic(options_.application), partition};
  const auto bounds = TRY(log_.bounds(position, log::Visibility::written));
  auto consumer = TRY(log_.consumer(log::Visibility::written));
  TRY(consumer->assign(position, bounds.begin));
  log::Offset next = bounds.begin;
  const int64_t before = figures_.restored_records;
  while (next < bounds.end) {
    const auto fetched = TRY(consumer->poll(Duration(1000), kRecordsPerPoll));
    beat();
    for (const log::FetchedBatch& batch : fetched) {
      int64_t bytes = 0;
      for (const log::RecordView& record : batch.records) {
        bytes += static_cast<int64_t>(record.value ? record.value->size() : 0);
        auto done = restore_record(record, partition, lanes);
        if (!done.ok()) {
          return done.error().within(position.topic + " partition " + std::to_string(partition) + " offset " +
                                     std::to_string(record.offset));
        }
      }
      next = batch.next;
      figures_.restored_bytes += bytes;
      figures_.restored_records = before + (next - bounds.begin);
      frame_bytes_ += static_cast<int64_t>(batch.records.size()) * 64;
      tell_restore();
    }
  }
  return {};
}

Result<> Worker::restore_record(const log::RecordView& record, int32_t partition, RestoredLanes& lanes) {
  if (!record.key || !record.value || record.key->empty()) return {};
  const std::string key(*record.key);
  BytesView value = *record.value;
  if (key[0] == '!') return {};
  if (key[0] == '+') return restore_piece(key.substr(1), value, partition, lanes);
  if (key[0] == '&') return restore_join(key.substr(1), value);
  if (key[0] != '@') return fold_frame(key, value);
  const size_t hash = key.rfind('#');
  const Error bad{Code::corrupt, "the place of a lane cannot be read"};
  if (hash == std::string::npos || value.empty()) return bad;
  RestoredLane& lane = lanes[{key.substr(1, hash - 1), std::atoi(key.c_str() + hash + 1), partition}];
  const char form = value[0];
  value.remove_prefix(1);
  if (form == 'm') {
    uint64_t count = 0;
    if (!get_varint(value, count) || count > value.size()) return bad;
    lane.members.clear();
    for (uint64_t i = 0; i < count; ++i) {
      BytesView name;
      if (!get_bytes(value, name)) return bad;
      lane.members.emplace_back(name);
    }
    return {};
  }
  while (!value.empty()) {
    int64_t source = 0;
    int64_t next = 0;
    if (!get_zigzag(value, source) || !get_zigzag(value, next)) return bad;
    lane.next[static_cast<int32_t>(source)] = mutant(5) ? next + 1 : next;
  }
  return {};
}

Result<> Worker::fold_frame(const std::string& key, BytesView value) {
  const size_t slash = key.rfind('/');
  if (slash == std::string::npos) return Error{Code::corrupt, "a frame without a name"};
  const std::shared_ptr<Query> known = query(key.substr(0, slash));
  if (known == nullptr || known->task == nullptr) return {};  // dropped since
  uint64_t group = 0;
  if (!get_varint(value, group)) return Error{Code::corrupt, "a frame without a group"};
  const auto fold_into = [&](const std::string& name) -> std::optional<Result<>> {
    for (const Task::Kept& kept : known->task->durables()) {
      if (kept.name == name) return kept.durable->fold(static_cast<int32_t>(group), value);
    }
    return std::nullopt;
  };
  const std::string name = key.substr(slash + 1);
  if (const auto done = fold_into(name)) return *done;
  // Partials of several workers, restored into one: nothing is in hand between commits but how far the
  // partitions are, and that goes on in the table.
  return name == "partial" ? fold_into("table").value_or(Result<>()) : Result<>();
}

Result<> Worker::place_queries(const RestoredLanes& lanes) {
  for (const std::shared_ptr<Query>& known : queries()) {
    if (known->task == nullptr) {
      TRY(keep_places(*known, lanes));
      continue;
    }
    const std::string& name = known->topology->name;
    if (!known->topology->inputs.empty()) {
      TRY(place_join(*known));
      continue;
    }
    if (!TRY(place_query(*known->topology, known->topology->source.topic, false, lanes))) {
      TRY(start_query(*known));
      continue;
    }
    const auto partials = log_.topic(partials_topic(name));
    if (!partials.ok() && partials.error().code == Code::unavailable) return partials.error();
    if (!partials.ok() || known->topology->one_worker ||
        TRY(place_query(*known->topology, partials->name, true, lanes)))
      continue;
    std::map<int32_t, log::Offset> next;  // several workers for the first time: the topic of partials is new
    for (int32_t g = 0; g < partials->partitions; ++g) {
      if (owns(g)) next[g] = 0;
    }
    TRY(lane_at(partials->name, true, std::nullopt, next, name));
  }
  forget_lanes(lanes);
  for (const auto& lane : lanes_) work_since_commit_ = work_since_commit_ || lane->members_changed;
  publish_places();
  return {};
}

// Where the query left each partition that is this worker's; false: it has not read the topic yet.
Result<bool> Worker::place_query(const Topology& topology, const std::string& topic, bool partials,
                                 const RestoredLanes& lanes) {
  const std::string& name = topology.name;
  const auto home = home_of(topology);
  const auto spec = TRY(log_.topic(topic));
  std::map<int32_t, log::Offset> next;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    if (home || owns(p)) next[p] = 0;
  }
  bool placed = false;
  for (const auto& [key, lane] : lanes) {
    if (key.topic != topic || std::find(lane.members.begin(), lane.members.end(), name) == lane.members.end())
      continue;
    placed = true;
    for (const auto& [p, offset] : lane.next) {
      const bool known =
          home.value_or(p % options_.state_partitions) == key.state_partition && next.contains(p);
      if (known) next[p] = std::max(next[p], offset);
    }
  }
  if (placed) TRY(lane_at(topic, partials, home, next, name));
  return placed;
}

// A query that cannot run keeps its places, in lanes that stand still, until it runs again or is dropped; its
// state lies in the topic until then. Those of a join stay where they are written.
Result<> Worker::keep_places(const Query& query, const RestoredLanes& lanes) {
  const std::string& name = query.topology->name;
  const auto home = home_of(*query.topology);
  std::map<std::string, std::map<int32_t, log::Offset>> kept;  // by topic
  for (const auto& [key, lane] : lanes) {
    if (std::find(lane.members.begin(), lane.members.end(), name) == lane.members.end()) continue;
    for (const auto& [p, offset] : lane.next) {
      if (home.value_or(p % options_.state_partitions) != key.state_partition) continue;
      log::Offset& next = kept[key.topic][p];
      next = std::max(next, offset);
    }
  }
  for (const auto& [topic, next] : kept) TRY(lane_at(topic, topic == partials_topic(name), home, next, name));
  return {};
}

// Whether some of the state is to be had from the topic only.
bool Worker::anything_stands() const {
  const auto stands = [&](const std::string& name) {
    const std::shared_ptr<Query> known = query(name);
    return known != nullptr && known->task == nullptr;
  };
  const bool lane_does = std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
    return lane->paused && std::any_of(lane->members.begin(), lane->members.end(), stands);
  });
  return lane_does || std::any_of(restored_joins_.begin(), restored_joins_.end(),
                                  [&](const auto& join) { return stands(join.first); });
}

// A lane that is there no longer is written as empty: else its last words would place its queries twice at
// the next start.
void Worker::forget_lanes(const RestoredLanes& lanes) {
  for (const auto& [key, lane] : lanes) {
    const bool there = std::any_of(lanes_.begin(), lanes_.end(), [&, wanted = &key](const auto& known) {
      return known->topic == wanted->topic && known->id == wanted->id;
    });
    if (there || lane.members.empty()) continue;
    auto gone = std::make_unique<Lane>();
    gone->topic = key.topic;
    gone->id = key.id;
    gone->members_changed = true;
    lanes_.push_back(std::move(gone));
    lanes_changed_ = true;
  }
}

// Whether a topic that is read has got partitions, which Kafka's tools can give it; asked now and then.
bool Worker::grown() {
  constexpr int64_t kEveryNs = 10'000'000'000;
  const int64_t now_ns = clock_.monotonic_ns();
  if (now_ns - looked_ns_ < kEveryNs) return false;
  looked_ns_ = now_ns;
  for (const auto& [topic, partitions] : partitions_) {
    const auto spec = log_.topic(topic);
    if (!spec.ok() || spec->partitions <= partitions) continue;
    if (options_.logger != nullptr) {
      options_.logger->info("stream", "a topic has got partitions, which are read from now on",
                            {{"topic", topic}, {"partitions", std::to_string(spec->partitions)}});
    }
    return true;
  }
  return false;
}

// After an error of one query, or a round that ended halfway: the transaction is given up, everything goes
// back to the last commit. Where that fails it is asked for again.
Result<> Worker::rebuild() {
  torn_ = true;
  transaction_.reset();
  prepared_ = false;
  failed_query_.clear();
  {
    const std::lock_guard lock(lock_);
    lanes_.clear();
    lanes_changed_ = true;
    joins_.clear();
    partitions_.clear();
    for (const std::shared_ptr<Query>& known : queries()) known->task.reset();
    dictionaries_.clear();
  }
  snapshot_running_ = snapshot_done_ = snapshot_started_now_ = false;
  snapshot_at_ = 0;
  frame_bytes_ = 0;
  rows_since_commit_ = 0;
  opened_ = false;
  if (auto done = restore(); !done.ok()) {
    figures_.set_waits_for("the queries wait to be restored: " + done.error().message);
    told_rests_ = true;
    return done;
  }
  opened_ = true;
  torn_ = false;
  return commit();
}

}  // namespace tradewind::stream
