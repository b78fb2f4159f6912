// Entries of the journal beside batches: what LogCore writes of topics, partitions, producers and groups, and
// what it makes of it at a start.
#include <algorithm>

#include "base/coding.h"
#include "base/mutant.h"
#include "log/embedded/core.h"

namespace tradewind::log {
namespace {

bool get_text(BytesView& in, std::string& text) {
  BytesView bytes;
  if (!get_bytes(in, bytes)) return false;
  text = Bytes(bytes);
  return true;
}

}  // namespace

void LogCore::put_topic_entry(const TopicIndex& topic, FrameGroup& group) const {
  Bytes payload;
  put_bytes(payload, topic.spec.name);
  put_zigzag(payload, topic.spec.partitions);
  put_zigzag(payload, topic.spec.replicas);
  put_zigzag(payload, static_cast<int64_t>(topic.spec.cleanup));
  put_zigzag(payload, topic.spec.retention.count());
  put_zigzag(payload, topic.spec.retention_bytes);
  if (topic.spec.tombstone_retention) put_zigzag(payload, topic.spec.tombstone_retention->count());
  group.add(EntryKind::topic, topic.number, 0, payload);
}

void LogCore::put_partition_entry(const TopicIndex& topic, uint32_t partition, FrameGroup& group) const {
  Bytes payload;
  put_zigzag(payload, topic.partitions[partition].begin);
  put_zigzag(payload, topic.partitions[partition].next);
  group.add(EntryKind::partition, topic.number, partition, payload);
}

void LogCore::put_producer_entry(const std::string& id, const ProducerState& state, FrameGroup& group) const {
  Bytes payload;
  put_bytes(payload, id);
  put_zigzag(payload, state.epoch);
  put_zigzag(payload, mutant(9) ? int64_t{-1} : state.sequence);
  group.add(EntryKind::producer, 0, 0, payload);
}

void LogCore::put_group_entry(const std::string& name, const Offsets& offsets, FrameGroup& group) const {
  Bytes payload;
  put_bytes(payload, name);
  for (const auto& [position, offset] : offsets) {
    const auto topic = topics.find(position.topic);
    if (topic == topics.end()) continue;
    put_zigzag(payload, topic->second->number);
    put_zigzag(payload, position.partition);
    put_zigzag(payload, offset);
  }
  group.add(EntryKind::group, 0, 0, payload);
}

// Of all segments, so that a start knows those of old ones without reading them.
void LogCore::put_ages_entry(FrameGroup& group) const {
  Bytes payload;
  for (const auto& segment : journal.segments()) {
    put_varint(payload, segment->number);
    put_zigzag(payload, segment->begun_ms);
  }
  group.add(EntryKind::ages, 0, 0, payload);
}

bool LogCore::recovered_ages(BytesView in) {
  int64_t before = kUnknownTime;
  while (!in.empty()) {
    uint64_t number = 0;
    int64_t begun_ms = 0;
    if (!get_varint(in, number) || !get_zigzag(in, begun_ms) || begun_ms < std::max<int64_t>(before, 0) ||
        begun_ms > kMostNumber)
      return false;
    before = begun_ms;
    if (Segment* segment = journal.segment(number)) segment->begun_ms = begun_ms;
  }
  return true;
}

void LogCore::checkpoint(FrameGroup& group) const {
  put_ages_entry(group);
  for (const auto& [name, topic] : topics) {
    put_topic_entry(*topic, group);
    for (uint32_t p = 0; p < topic->partitions.size(); ++p) put_partition_entry(*topic, p, group);
  }
  for (const auto& [id, state] : producers) put_producer_entry(id, state, group);
  for (const auto& [name, offsets] : groups) {
    if (!offsets.empty()) put_group_entry(name, offsets, group);
  }
}

bool LogCore::recovered_topic(const EntryHeader& header, BytesView in) {
  TopicSpec spec;
  int64_t partitions = 0;
  int64_t replicas = 0;
  int64_t cleanup = 0;
  int64_t retention_ms = 0;
  if (!get_text(in, spec.name) || !get_zigzag(in, partitions) || !get_zigzag(in, replicas) ||
      !get_zigzag(in, cleanup) || !get_zigzag(in, retention_ms) || !get_zigzag(in, spec.retention_bytes)) {
    return false;
  }
  if (!in.empty()) {
    int64_t tombstones_ms = 0;
    if (!get_zigzag(in, tombstones_ms) || tombstones_ms < 0) return false;
    spec.tombstone_retention = Duration(tombstones_ms);
  }
  if (spec.name.empty() || partitions < 1 || partitions > kMostPartitions || cleanup < 0 || cleanup > 2)
    return false;
  spec.partitions = static_cast<int32_t>(partitions);
  spec.replicas = static_cast<int16_t>(replicas);
  spec.cleanup = static_cast<Cleanup>(cleanup);
  spec.retention = Duration(retention_ms);
  auto& topic = by_number[header.topic];
  if (topic == nullptr) topic = std::make_shared<TopicIndex>();  // else a footer named its batches already
  topic->number = header.topic;
  topic->spec = spec;
  if (topic->partitions.size() > static_cast<size_t>(partitions)) return false;
  topic->partitions.resize(static_cast<size_t>(partitions));
  topics[spec.name] = topic;
  return true;
}

bool LogCore::recovered_partition(const EntryHeader& header, BytesView in) {
  const auto found = by_number.find(header.topic);
  if (found == by_number.end() || header.partition >= found->second->partitions.size()) return false;
  Offset begin = 0;
  Offset next = 0;
  if (!get_zigzag(in, begin) || !get_zigzag(in, next) || begin > next || next > kMostNumber) return false;
  PartitionIndex& partition = found->second->partitions[header.partition];
  partition.begin = std::max(partition.begin, begin);
  partition.next = std::max(partition.next, next);
  return true;
}

bool LogCore::recovered_group(BytesView in) {
  std::string name;
  if (!get_text(in, name)) return false;
  if (in.empty()) {
    groups.erase(name);
    return true;
  }
  Offsets& offsets = groups[name];
  while (!in.empty()) {
    int64_t number = 0;
    int64_t partition = 0;
    Offset offset = 0;
    if (!get_zigzag(in, number) || !get_zigzag(in, partition) || !get_zigzag(in, offset)) return false;
    const auto topic = by_number.find(static_cast<uint32_t>(number));
    if (topic == by_number.end() || topic->second->spec.name.empty()) continue;
    offsets[{topic->second->spec.name, static_cast<int32_t>(partition)}] = offset;
  }
  return true;
}

bool LogCore::recovered(const EntryHeader& header, Place place, BytesView in, uint64_t frame) {
  if (header.topic > INT32_MAX) return false;
  next_number =
      std::max(next_number, header.topic + 1);  // also of a topic that is gone while its batches are not
  switch (header.kind) {
    case EntryKind::topic: return recovered_topic(header, in);
    case EntryKind::batch:
    case EntryKind::moved:
    case EntryKind::compacted: return recovered_batch(header, place, in, frame);
    case EntryKind::ages: return recovered_ages(in);
    case EntryKind::partition: return recovered_partition(header, in);
    case EntryKind::group: return recovered_group(in);
    case EntryKind::dropped_topic: {
      const auto found = by_number.find(header.topic);
      if (found == by_number.end() || found->second->spec.name.empty()) return false;
      forget_topic(std::string(found->second->spec.name));
      return true;
    }
    case EntryKind::producer: {
      std::string id;
      ProducerState state;
      if (!get_text(in, id) || !get_zigzag(in, state.epoch) || !get_zigzag(in, state.sequence)) return false;
      producers[id] = state;
      return state.epoch >= 0 && state.epoch <= kMostNumber;
    }
  }
  return false;
}

}  // namespace tradewind::log
