#include "log/embedded/core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/planted.h"
#include "log/embedded/keeper.h"
#include "log/metrics.h"

namespace tradewind::log {
namespace {

BatchPlace place_of(const EntryHeader& header, const Rewritten& rewritten, Place place, uint64_t frame) {
  BatchPlace made{.base = header.base_offset, .count = header.count, .span = header.count};
  made.length = header.length;
  made.at = static_cast<uint32_t>(place.at);
  made.segment = place.segment;
  made.frame = frame;
  if (!is_rewritten(header.kind)) return made;
  made.rewritten = 1;
  made.compacted = header.kind == EntryKind::compacted ? 1 : 0;
  made.span = rewritten.span;
  made.appended_ms = rewritten.appended_ms;
  return made;
}

}  // namespace

LogCore::LogCore(EmbeddedOptions given, std::unique_ptr<Disk> made)
    : options(std::move(given)),
      own_disk(std::move(made)),
      disk(own_disk != nullptr ? *own_disk : *options.disk),
      clock(options.clock != nullptr ? *options.clock : system_clock),
      journal(disk, clock,
              {options.directory + "/journal", options.first_segment_bytes, options.most_segment_bytes,
               options.metrics != nullptr ? &options.metrics->histogram(kSyncDuration) : nullptr}),
      keeper(std::make_unique<Keeper>(*this)) {}

LogCore::~LogCore() {
  close();
}

// A folder in which a backup is being restored, or was when that ended too early, is no log yet.
Result<> LogCore::check_restored() {
  TRY(disk.make_directory(options.directory));
  const auto names = TRY(disk.list(options.directory));
  const auto has = [&](const char* name) { return std::ranges::find(names, name) != names.end(); };
  if (!has(kRestoringFolder) || has("journal")) return {};
  return Error{Code::conflict, "a backup was not restored to its end into " + options.directory +
                                   "; run `tradewind backup restore` again"};
}

Result<> LogCore::open() {
  TRY(check_restored());
  TRY(disk.make_directory(options.directory + "/journal"));
  lock_file = TRY(disk.lock(options.directory + "/lock"));
  TRY(journal.recover([this](const EntryHeader& header, Place place, BytesView payload, uint64_t frame) {
    if (recovered(header, place, payload, frame)) return Result<>();
    return Result<>(Error{Code::corrupt, "an entry makes no sense"});
  }));
  settle_recovered();
  FrameGroup like;
  checkpoint(like);
  for (const auto& segment : journal.segments()) segment->overhead = sizeof(SegmentHeader) + like.bytes();
  TRY(journal.recycle());
  if (options.own_thread) {
    keeping_ = std::jthread([this](const std::stop_token& stop) { keeper->run(stop); });
    syncing_ = std::jthread([this] { sync_loop(); });
  }
  return {};
}

void LogCore::close() {
  if (keeping_.joinable()) {
    keeping_.request_stop();
    room_wanted.notify_all();
    keeping_.join();
  }
  if (syncing_.joinable()) {
    {
      const std::lock_guard lock(mutex);
      no_more_syncs_ = true;
    }
    sync_wanted_.notify_all();
    syncing_.join();
  }
  const std::lock_guard lock(mutex);
  if (closed_) return;
  closed_ = true;
  durable_changed.notify_all();
  if (lock_file != nullptr && !options.own_thread) return;  // a simulation ends where it ends
  if (lock_file != nullptr) (void)journal.settle_sync(journal.begin_sync(), true).ok();
}

bool LogCore::recovered_batch(const EntryHeader& header, Place place, BytesView in, uint64_t frame) {
  const bool rewritten = is_rewritten(header.kind);
  Rewritten range;
  if (rewritten && !get_rewritten(in, header, range)) return false;
  if (header.partition >= static_cast<uint32_t>(kMostPartitions) || header.length > kMostEntryBytes ||
      place.at > UINT32_MAX || (header.count == 0 && header.kind != EntryKind::compacted))
    return false;
  auto& topic = by_number[header.topic];
  if (topic == nullptr) {
    topic = std::make_shared<TopicIndex>();
    topic->number = header.topic;
  }
  if (header.partition >= topic->partitions.size() + (planted() ? 1 : 0)) {
    if (!topic->spec.name.empty()) return false;
    topic->partitions.resize(header.partition + 1);
  }
  PartitionIndex& partition = topic->partitions[header.partition];
  const BatchPlace found = place_of(header, range, place, frame);
  if (rewritten) return partition.replace(found, frame);
  if (header.base_offset < partition.next || header.base_offset > kMostNumber - header.count) return false;
  partition.append(found);
  return true;
}

// What recovery read, as readers may see it.
void LogCore::settle_recovered() {
  // What is as old as a journal that did not tell is taken for new: nothing is thrown away too early.
  int64_t begun_ms = kUnknownTime;
  for (const auto& segment : journal.segments()) {
    if (segment->begun_ms == kUnknownTime) segment->begun_ms = std::max(begun_ms, now_ms());
    begun_ms = segment->begun_ms;
  }
  for (auto at = by_number.begin(); at != by_number.end();) {
    const bool dropped =
        at->second->spec.name.empty();  // old footers still name batches of a topic that is gone
    for (PartitionIndex& partition : at->second->partitions) {
      partition.drop_before(dropped ? INT64_MAX : partition.begin, 0);
      const Offset first = partition.batches().empty() ? partition.next : partition.batches().front().base;
      partition.begin = std::max(partition.begin, first);
    }
    at = dropped ? by_number.erase(at) : std::next(at);
  }
}

// REQUIRES the topic is known.
void LogCore::forget_topic(const std::string& name) {
  const std::shared_ptr<TopicIndex> topic = topics.at(name);
  for (PartitionIndex& partition : topic->partitions) partition.drop_before(INT64_MAX, journal.written());
  for (auto& [group, offsets] : groups) {
    std::erase_if(offsets, [&](const auto& entry) { return entry.first.topic == name; });
  }
  by_number.erase(topic->number);
  topics.erase(name);
}

Result<PartitionIndex*> LogCore::find(const Position& position, uint32_t* topic_number) {
  const auto found = topics.find(position.topic);
  if (found == topics.end()) return Error{Code::not_found, "no topic is called " + position.topic};
  TopicIndex& topic = *found->second;
  if (position.partition < 0 || position.partition >= topic.spec.partitions) {
    return Error{Code::not_found, "topic " + position.topic + " has no partition " +
                                      std::to_string(position.partition) + "; it has " +
                                      std::to_string(topic.spec.partitions)};
  }
  if (topic_number != nullptr) *topic_number = topic.number;
  return &topic.partitions[static_cast<size_t>(position.partition)];
}

Result<uint64_t> LogCore::append(FrameGroup& group, Offsets* first_offsets) {
  auto mark = take(group, first_offsets);
  if (!mark.ok())
    note_refusal(mark.error(), group.bytes());
  else if (group.bytes() >= refused_bytes_)
    refused_.reset();  // one like it was taken
  written_changed.notify_all();
  durable_changed.notify_all();  // a new segment makes what stands before it durable, even if nothing follows
  sync_wanted_.notify_all();
  return mark;
}

void LogCore::note_refusal(const Error& error, uint64_t bytes) {
  if (error.code != Code::unavailable) return;
  refused_ = error;
  refused_bytes_ = bytes;
  ++refusals;
  room_wanted.notify_all();
}

std::optional<Error> LogCore::refusing() {
  if (!refused_) return std::nullopt;
  const auto room = journal.make_room(refused_bytes_, [this](FrameGroup& first) { checkpoint(first); });
  if (!room.ok()) return room.error();
  refused_.reset();
  return std::nullopt;
}

Result<uint64_t> LogCore::take(FrameGroup& group, Offsets* first_offsets) {
  std::map<std::pair<uint32_t, uint32_t>, Offset> next;
  for (FrameGroup::Entry& entry : group.entries()) {
    if (entry.header.kind != EntryKind::batch) continue;
    const auto topic = by_number.find(entry.header.topic);
    if (topic == by_number.end())
      return Error{Code::not_found, "a topic was deleted while records were appended to it"};
    const PartitionIndex& partition = topic->second->partitions[entry.header.partition];
    const auto [at, added] =
        next.emplace(std::pair(entry.header.topic, entry.header.partition), partition.next);
    if (added && first_offsets != nullptr) {
      (*first_offsets)[{topic->second->spec.name, static_cast<int32_t>(entry.header.partition)}] =
          partition.next;
    }
    entry.header.base_offset = at->second;
    at->second += entry.header.count;
    if (at->second > kMostNumber) return no_numbers_left();
  }
  const uint64_t frames_before = group.frames().size();
  const int64_t appended_ms = now_ms();
  TRY(journal.append(
      group, [this](FrameGroup& first) { checkpoint(first); },
      [&](const FrameGroup::Entry& entry, Place place) {
        if (entry.header.kind != EntryKind::batch) return;
        TopicIndex& topic = *by_number[entry.header.topic];
        PartitionIndex& partition = topic.partitions[entry.header.partition];
        const uint64_t frame = journal.written() - (frames_before - 1 - entry.frame);
        BatchPlace made = place_of(entry.header, {}, place, frame);
        made.appended_ms = appended_ms;
        partition.append(made);
        topic.records += entry.header.count;
        topic.bytes += entry.data_bytes;
        records += entry.header.count;
        payload_bytes += entry.data_bytes;
      }));
  return journal.written();
}

Result<uint64_t> LogCore::append_rewritten(FrameGroup& group, std::vector<Rewriting>& rewritings) {
  for (const FrameGroup::Entry& entry : group.entries()) {
    if (by_number.contains(entry.header.topic)) continue;
    return Error{Code::not_found, "a topic was deleted while its batches were written again"};
  }
  const uint64_t frames_before = group.frames().size();
  TRY(journal.append(
      group, [this](FrameGroup& first) { checkpoint(first); },
      [&](const FrameGroup::Entry& entry, Place place) {
        const uint64_t frame = journal.written() - (frames_before - 1 - entry.frame);
        rewritings.push_back({entry.header.topic, entry.header.partition,
                              place_of(entry.header, entry.rewritten, place, frame)});
        ++place.segment->live_batches;
      }));
  written_changed.notify_all();
  sync_wanted_.notify_all();
  return journal.written();
}

void LogCore::settle(const std::vector<Rewriting>& rewritings) {
  for (const auto& [number, partition, place] : rewritings) {
    --place.segment->live_batches;
    const auto topic = by_number.find(number);
    if (topic == by_number.end()) continue;
    CHECK(topic->second->partitions[partition].replace(place, place.frame));
  }
}

Result<int64_t> LogCore::trim(TopicIndex& topic, uint32_t number, Offset keep, Asked asked) {
  PartitionIndex& partition = topic.partitions[number];
  keep = std::min(keep, partition.next);
  if (keep <= partition.begin) return int64_t{0};
  const Offset before = std::exchange(partition.begin, keep);
  FrameGroup group;
  put_partition_entry(topic, number, group);
  const auto mark = take(group, nullptr);
  if (!mark.ok()) {
    partition.begin = before;
    if (asked == Asked::by_owner) note_refusal(mark.error(), group.bytes());
    return mark.error();
  }
  written_changed.notify_all();
  sync_wanted_.notify_all();
  return partition.drop_before(keep, *mark);
}

Result<> LogCore::rotate_early() {
  return journal.rotate_early([this](FrameGroup& first) { checkpoint(first); });
}

Result<> LogCore::sync_inline() {
  Journal::Syncing syncing;
  {
    const std::lock_guard lock(mutex);
    syncing = journal.begin_sync();
  }
  return journal.settle_sync(syncing, options.durability == Durability::fsync);
}

Result<> LogCore::wait_durable(uint64_t mark) {
  if (!options.own_thread) {
    if (journal.durable() >= mark) return {};
    return sync_inline();
  }
  std::unique_lock lock(mutex);
  durable_changed.wait(lock, [&] { return journal.durable() >= mark || journal.failure() || closed_; });
  if (journal.durable() >= mark) return {};
  if (const auto failed = journal.failure()) return *failed;
  return Error{Code::unavailable, "the log was closed"};
}

void LogCore::wait_for_more(uint64_t seen, Duration wait) {
  std::unique_lock lock(mutex);
  const uint64_t before = wakes;
  const bool looks = seen < UINT64_MAX;  // else nothing that is written ends the wait, or need disturb it
  (looks ? written_changed : woken).wait_for(lock, wait, [&] {
    return journal.written() > seen || wakes != before || closed_;
  });
}

void LogCore::wake() {
  const std::lock_guard lock(mutex);
  ++wakes;
  written_changed.notify_all();
  woken.notify_all();
}

void LogCore::sync_loop() {
  while (true) {
    Journal::Syncing syncing;
    {
      std::unique_lock lock(mutex);
      const auto pending = [&] { return journal.written() != journal.durable() || journal.failure(); };
      sync_wanted_.wait(lock, [&] { return pending() || no_more_syncs_; });
      if (journal.written() == journal.durable() || journal.failure()) break;
      if (options.group_wait.count() > 0)
        sync_wanted_.wait_for(lock, options.group_wait, [&] { return no_more_syncs_; });
      syncing = journal.begin_sync();
    }
    sync_began_ns = clock.monotonic_ns();
    const auto done = journal.settle_sync(syncing, options.durability == Durability::fsync);
    sync_began_ns = 0;
    // Whoever looked before it was durable is asleep once the mutex has been had; who is woken finds it free.
    { const std::lock_guard lock(mutex); }
    durable_changed.notify_all();
    written_changed.notify_all();
    if (!done.ok()) break;
  }
  const std::lock_guard lock(mutex);
  durable_changed.notify_all();
}

}  // namespace tradewind::log
