#include "log/embedded/keeper.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "base/mutant.h"

namespace tradewind::log {
namespace {

constexpr int64_t kMostStepBytes = 256 * 1024;  // read, and written in one group, by a step
constexpr size_t kMostLooks = 20'000;           // at batches, while the lock is held
constexpr Duration kPause(1000);                // between looking for what there is to do
constexpr int64_t kLeastAgeMs = 10'000;         // of a segment that is sealed because of its age
constexpr uint32_t kMostSpan = 1u << 30;        // offsets that one rewritten batch stands for

int64_t appended_by(const Journal& journal, const BatchPlace& place, int64_t now_ms) {
  return place.rewritten != 0 ? place.appended_ms : journal.ended_ms(*place.segment, now_ms);
}

// What a partition keeps by the time and the size that are set for its topic.
Offset kept_from(const Journal& journal, const TopicSpec& spec, const PartitionIndex& partition,
                 int64_t now_ms) {
  Offset keep = partition.begin;
  int64_t bytes = partition.bytes();
  for (const BatchPlace& place : partition.batches()) {
    if (place.frame > journal.durable()) break;
    const bool old =
        spec.retention.count() >= 0 && appended_by(journal, place, now_ms) < now_ms - spec.retention.count();
    const bool beyond = spec.retention_bytes >= 0 && bytes - place.bytes() >= spec.retention_bytes;
    if (!old && !beyond) break;
    bytes -= place.bytes();
    keep = place.end();
  }
  return keep;
}

// Nothing in the last segment counts as old: it has to be sealed for that. A quarter of the time is waited,
// so that records stay no longer than that beyond it.
bool wants_another_segment(const Segment& last, const TopicSpec& spec, const PartitionIndex& partition,
                           int64_t now_ms) {
  if (spec.retention.count() < 0 || partition.batches().empty()) return false;
  const BatchPlace& newest = partition.batches().back();
  return newest.segment == &last && newest.rewritten == 0 &&
         now_ms - last.begun_ms >= std::max(spec.retention.count() / 4, kLeastAgeMs);
}

}  // namespace

void Keeper::run(const std::stop_token& stop) {
  uint64_t refusals = 0;
  while (!stop.stop_requested() && !core_.journal.failure()) {
    const auto more = step();
    Duration wait = kPause;
    if (more.ok() && *more) {
      wait = Duration(
          static_cast<int64_t>(bytes_read_ * 1000 / std::max<uint64_t>(core_.options.keeper_rate, 1)));
    }
    std::unique_lock lock(core_.mutex);
    core_.room_wanted.wait_for(lock, stop, wait, [&] { return core_.refusals != refusals; });
    refusals = core_.refusals;
  }
}

Result<bool> Keeper::step() {
  bytes_read_ = 0;
  auto more = work();
  figures_.failed = !more.ok() && more.error().code != Code::unavailable;
  return more;
}

Result<bool> Keeper::work() {
  if (mark_) {
    TRY(settle());
    return true;
  }
  if (TRY(expire())) return true;
  compact_next_ = !compact_next_;  // neither waits for the other to be done
  if (compact_next_) return TRY(compact()) || TRY(reclaim());
  return TRY(reclaim()) || TRY(compact());
}

// What was written last is made durable, and on the disk where that is more; then readers get it, and
// segments go.
Result<> Keeper::settle() {
  if (!mutant(11)) TRY(core_.wait_durable(*mark_));
  if (core_.journal.synced() < *mark_ && !mutant(11)) {
    Journal::Syncing syncing;
    {
      const std::lock_guard lock(core_.mutex);
      syncing = core_.journal.begin_real_sync();
    }
    TRY(core_.journal.settle_sync(syncing, true));
  }
  const std::lock_guard lock(core_.mutex);
  core_.settle(unsettled_);
  unsettled_.clear();
  mark_.reset();
  return core_.journal.recycle();
}

Result<bool> Keeper::expire() {
  const std::lock_guard lock(core_.mutex);
  const int64_t now_ms = core_.now_ms();
  if (core_.options.own_thread && !core_.refused() && looked_ms_ <= now_ms &&
      looked_ms_ > now_ms - kPause.count())
    return false;
  looked_ms_ = now_ms;
  TRY(core_.journal.recycle());  // what a reader held before
  if (core_.journal.segments().empty()) return false;
  if (!pass_) choose_partition();
  const Segment& last = *core_.journal.segments().back();
  bool rotate = false;
  int64_t expired = 0;
  for (const auto& [name, topic] : core_.topics) {
    if (topic->spec.cleanup == Cleanup::compact) continue;
    for (uint32_t p = 0; p < topic->partitions.size(); ++p) {
      const PartitionIndex& partition = topic->partitions[p];
      const Offset keep = kept_from(core_.journal, topic->spec, partition, now_ms);
      if (keep > partition.begin) expired += TRY(core_.trim(*topic, p, keep, LogCore::Asked::by_keeper));
      rotate = rotate || wants_another_segment(last, topic->spec, partition, now_ms);
    }
  }
  if (core_.refused() && core_.room_again()) (void)core_.refusing();  // what went made room
  if (rotate && !core_.refused()) TRY(core_.rotate_early());
  figures_.expired_records += expired;
  if (expired > 0) mark_ = core_.journal.written();
  return expired > 0;
}

Keeper::Source Keeper::source_of(const TopicIndex& topic, uint32_t partition, const BatchPlace& place) {
  return {.place = place,
          .appended_ms = appended_by(core_.journal, place, core_.now_ms()),
          .file = place.segment->file,
          .topic = topic.number,
          .partition = partition};
}

// Without the lock: the files that are held are not used again.
Result<> Keeper::read(std::vector<Source>& sources) {
  for (Source& source : sources) {
    const BatchPlace& place = source.place;
    Bytes bytes(static_cast<size_t>(place.bytes()), '\0');
    const size_t got = TRY(source.file->read(place.at, bytes.data(), bytes.size()));
    bytes_read_ += got;
    std::memcpy(&source.header, bytes.data(), sizeof source.header);
    source.payload = bytes.substr(sizeof source.header);
    const EntryHeader& header = source.header;
    Rewritten range{place.appended_ms, place.count};
    BytesView payload = source.payload;
    const bool as_known = !is_rewritten(header.kind) || get_rewritten(payload, header, range);
    if (got < bytes.size() || !as_known || range.span != place.span ||
        range.appended_ms != place.appended_ms || !holds_records(header.kind) ||
        header.topic != source.topic || header.partition != source.partition ||
        header.base_offset != place.base || header.count != place.count || header.length != place.length ||
        crc32c(source.payload) != header.crc) {
      return Error{Code::corrupt, "a batch at byte " + std::to_string(place.at) +
                                      " of a segment is damaged; restore the directory from a backup"};
    }
  }
  return {};
}

Result<> Keeper::append(FrameGroup& group) {
  const std::lock_guard lock(core_.mutex);
  if (core_.refused() && !core_.journal.fits(group.bytes())) return full_disk(core_.options.directory);
  mark_ = TRY(core_.append_rewritten(group, unsettled_));
  return {};
}

// So that groups fill segments well.
int64_t Keeper::step_bytes() const {
  return std::min(kMostStepBytes, static_cast<int64_t>(core_.options.first_segment_bytes / 8));
}

// The oldest one in which something is live, while there is too much that is not. Null: nothing to do. While
// appends are refused only what makes room at once counts.
Segment* Keeper::segment_to_empty() {
  const auto& segments = core_.journal.segments();
  Segment* oldest = nullptr;
  uint64_t dead = 0;
  uint64_t live = 0;
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (oldest == nullptr && segments[i]->live_batches == 0) continue;  // it goes once nobody reads it
    if (oldest == nullptr) oldest = segments[i].get();
    dead += Journal::dead_bytes(*segments[i]);
    live += static_cast<uint64_t>(segments[i]->live_bytes);
  }
  if (oldest == nullptr) return nullptr;
  if (core_.refused()) {
    const auto needed = static_cast<uint64_t>(oldest->live_bytes) * 5 / 4 + 4096;
    return core_.journal.fits(needed) ? oldest : nullptr;
  }
  const uint64_t spare = live / 100 * static_cast<uint64_t>(core_.options.spare_percent);
  return dead > spare + core_.options.first_segment_bytes ? oldest : nullptr;
}

// Gathers batches that lie in `segment`; false when all have been looked at.
bool Keeper::sweep_on(Segment& segment, Sweep& at, std::vector<Source>& found) {
  int64_t bytes = 0;
  size_t looks = 0;
  auto topic = core_.by_number.lower_bound(at.topic);
  if (topic != core_.by_number.end() && topic->first != at.topic) at.partition = 0, at.offset = 0;
  for (; topic != core_.by_number.end(); ++topic, at.partition = 0) {
    at.topic = topic->first;
    const auto& partitions = topic->second->partitions;
    for (; at.partition < partitions.size(); ++at.partition, at.offset = 0) {
      const auto& batches = partitions[at.partition].batches();
      for (size_t i = partitions[at.partition].locate(at.offset); i < batches.size(); ++i) {
        if (bytes >= step_bytes() || ++looks > kMostLooks) return true;
        at.offset = batches[i].end();
        if (batches[i].segment != &segment) continue;
        found.push_back(source_of(*topic->second, at.partition, batches[i]));
        bytes += batches[i].bytes();
      }
      ++looks;
    }
  }
  return false;
}

Result<bool> Keeper::reclaim() {
  std::vector<Source> sources;
  Sweep at = sweep_;
  {
    const std::lock_guard lock(core_.mutex);
    Segment* oldest = segment_to_empty();
    if (oldest == nullptr) return false;
    if (at.segment != oldest->number) at = {.segment = oldest->number};
    const bool more = sweep_on(*oldest, at, sources);
    if (sources.empty()) {
      sweep_ = more ? at : Sweep{};
      return more;
    }
  }
  TRY(read(sources));
  FrameGroup group;
  int64_t bytes = 0;
  for (const Source& source : sources) {
    group.add_moved(source.header, source.payload, source.appended_ms);
    bytes += source.place.bytes();
  }
  const auto done = append(group);
  if (!done.ok() && done.error().code != Code::not_found) return done.error();
  sweep_ = done.ok() ? at : Sweep{};
  if (done.ok()) figures_.moved_bytes += bytes;
  return true;
}

// One in which enough is not compacted, of what is sealed. REQUIRES the lock.
void Keeper::choose_partition() {
  if (core_.refused()) return;
  const Segment* last = core_.journal.segments().back().get();
  const int64_t percent = core_.options.dirty_percent;
  for (const auto& [name, topic] : core_.topics) {
    if (topic->spec.cleanup == Cleanup::remove) continue;
    for (uint32_t p = 0; p < topic->partitions.size(); ++p) {
      const PartitionIndex& partition = topic->partitions[p];
      if (partition.dirty_bytes() == 0) continue;
      int64_t bytes = 0;
      int64_t dirty = 0;
      Offset first = -1;
      Offset end = 0;
      for (const BatchPlace& place : partition.batches()) {
        if (place.segment == last && place.rewritten == 0) break;
        bytes += place.bytes();
        end = place.end();
        if (place.compacted != 0) continue;
        dirty += place.bytes();
        if (first < 0) first = place.base;
      }
      if (dirty == 0 || dirty < bytes / 100 * percent) continue;
      const Duration tombstones = topic->spec.tombstone_retention.value_or(core_.options.tombstone_retention);
      pass_.emplace(
          Pass{topic->number, p, first, end, true, tombstones, KeyMap(core_.options.compaction_memory)});
      return;
    }
  }
}

Result<bool> Keeper::compact() {
  if (!pass_) return false;
  return pass_->gathering ? gather() : rewrite();
}

// The next batches of the pass, read; none when it is through. The pass ends when its topic goes.
Result<std::vector<Keeper::Source>> Keeper::batches_of_pass(Offset& last_record) {
  std::vector<Source> sources;
  {
    const std::lock_guard lock(core_.mutex);
    const auto topic = core_.by_number.find(pass_->topic);
    if (topic == core_.by_number.end() || core_.refused()) {
      pass_.reset();
      return sources;
    }
    const PartitionIndex& partition = topic->second->partitions[pass_->partition];
    last_record = partition.next - 1;
    int64_t bytes = 0;
    for (size_t i = partition.locate(pass_->next); i < partition.batches().size(); ++i) {
      const BatchPlace& place = partition.batches()[i];
      const bool enough = bytes >= step_bytes() || sources.size() >= kMostLooks ||
                          (!sources.empty() && place.end() - sources[0].place.base > kMostSpan);
      if (place.base >= pass_->end || enough) break;
      sources.push_back(source_of(*topic->second, pass_->partition, place));
      bytes += place.bytes();
    }
    if (pass_->next < partition.begin) pass_->next = partition.begin;
  }
  TRY(read(sources));
  return sources;
}

Result<bool> Keeper::gather() {
  Offset last_record = 0;
  const auto sources = TRY(batches_of_pass(last_record));
  if (!pass_) return true;
  std::vector<RecordView> records;
  std::vector<HeaderView> headers;
  bool through = sources.empty();
  for (const Source& source : sources) {
    if (pass_->keys.full()) {  // the rest takes another pass
      pass_->end = source.place.base;
      through = true;
      break;
    }
    records.clear();
    headers.clear();
    if (!decode_batch(source.header, source.payload, records, headers))
      return Error{Code::corrupt, "a batch's records cannot be read"};
    for (const RecordView& record : records) {
      if (record.key) pass_->keys.put(*record.key, record.offset);
    }
    pass_->next = source.place.end();
  }
  if (through) {
    pass_->gathering = false;
    pass_->next = 0;
  }
  return true;
}

// Writes the next batches of the pass as one, without the records that a later one of their key replaces.
// In the order of offsets: so what a tombstone hides is gone on the disk before the tombstone is.
Result<bool> Keeper::rewrite() {
  Offset last_record = 0;
  const auto sources = TRY(batches_of_pass(last_record));
  if (!pass_ || sources.empty()) {
    pass_.reset();
    return true;
  }
  const int64_t now_ms = core_.now_ms();
  std::vector<RecordView> records;
  std::vector<HeaderView> headers;
  std::vector<RecordView> kept;
  Rewritten range;
  range.appended_ms = kUnknownTime;
  bool compacted = true;
  size_t all = 0;
  for (const Source& source : sources) {
    const size_t first = records.size();
    if (!decode_batch(source.header, source.payload, records, headers))
      return Error{Code::corrupt, "a batch's records cannot be read"};
    const bool old = source.appended_ms < now_ms - pass_->tombstone_retention.count();
    for (size_t i = first; i < records.size(); ++i) {
      const RecordView& record = records[i];
      const bool replaced = record.key && pass_->keys.latest(*record.key) > record.offset;
      const bool forgotten = record.key && !record.value && old && record.offset != last_record;
      if (!replaced && !forgotten && !(mutant(13) && !record.value)) kept.push_back(record);
    }
    range.appended_ms = std::max(range.appended_ms, source.appended_ms);
    compacted = compacted && source.place.compacted != 0;
  }
  all = records.size();
  pass_->next = sources.back().place.end();
  if (compacted && kept.size() == all) return true;  // nothing would change
  link_headers(kept, headers);
  const Offset base = sources.front().place.base;
  range.span = static_cast<uint32_t>(sources.back().place.end() - base);
  FrameGroup group;
  group.add_compacted(pass_->topic, pass_->partition, base, range, kept);
  const auto done = append(group);
  if (!done.ok()) pass_.reset();  // its topic is gone, or there is no room: it begins anew
  if (!done.ok() && done.error().code != Code::not_found) return done.error();
  if (done.ok()) figures_.compacted_records += static_cast<int64_t>(all - kept.size());
  return true;
}

}  // namespace tradewind::log
