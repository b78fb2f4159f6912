// Reading: the batches that lie next to each other in the journal are fetched with one read.
#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/memory.h"
#include "log/embedded/core.h"

namespace tradewind::log {
namespace {

constexpr size_t kMostRead = 2 * 1024 * 1024;
constexpr uint64_t kMostGap = 64 * 1024;  // bytes of others' batches worth reading over

// Buffers that readers may still point into; one comes back when nobody holds it any more, from whatever
// thread.
class BufferPool {
 public:
  std::shared_ptr<char[]> take(size_t size) {
    std::shared_ptr<Buffer> found;
    {
      const std::lock_guard lock(kept_->mutex);
      auto& free = kept_->free;
      const auto fits =
          std::find_if(free.begin(), free.end(), [&](const auto& buffer) { return buffer->size >= size; });
      if (fits != free.end()) {
        found = std::move(*fits);
        free.erase(fits);
      }
    }
    if (found == nullptr) {
      found = std::make_shared<Buffer>();
      found->size = (size + 65'535) / 65'536 * 65'536;
      found->bytes = allocate(found->size);
    }
    char* bytes = found->bytes.get();
    return {bytes,
            [kept = kept_, buffer = std::move(found)](char*) mutable { kept->give_back(std::move(buffer)); }};
  }

 private:
  struct Buffer {
    Memory bytes;
    size_t size = 0;
  };
  struct Kept {
    void give_back(std::shared_ptr<Buffer> buffer) {
      const std::lock_guard lock(mutex);
      if (free.size() >= kMostKept) free.erase(free.begin());
      free.push_back(std::move(buffer));
    }
    static constexpr size_t kMostKept = 8;
    std::mutex mutex;
    std::vector<std::shared_ptr<Buffer>> free;
  };
  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

class EmbeddedConsumer final : public Consumer {
 public:
  EmbeddedConsumer(std::shared_ptr<LogCore> core, Visibility visibility)
      : core_(std::move(core)), visibility_(visibility) {}

  Result<> assign(const Position& position, Offset from) override {
    const std::lock_guard lock(core_->mutex);
    const PartitionIndex* partition = TRY(core_->find(position, nullptr));
    unassign_known(position);
    const Offset begin = partition->begin;
    assigned_.push_back({.position = position,
                         .topic = core_->topics[position.topic],
                         .next = std::max(from, begin),
                         .gone = from > 0 ? std::max<Offset>(begin - from, 0) : 0});
    return {};
  }

  void unassign(const Position& position) override { unassign_known(position); }

  Result<std::vector<FetchedBatch>> poll(Duration wait, size_t max_records) override {
    while (true) {
      std::vector<Picked> picked;
      TRY(pick_or_wait(wait, max_records, picked));
      if (picked.empty()) return std::vector<FetchedBatch>();
      auto batches = TRY(fetch(picked));
      // Of what was compacted there may be nothing left: what follows is looked at then.
      std::erase_if(batches, [](const FetchedBatch& batch) { return batch.records.empty(); });
      if (!batches.empty()) return batches;
    }
  }

 private:
  struct Assigned {
    Position position;
    std::shared_ptr<TopicIndex> topic;
    Offset next = 0;
    Offset end = 0;
    Offset gone = 0;  // see FetchedBatch
  };
  struct Picked {
    size_t assigned;
    BatchPlace place;
    int64_t appended_ms;  // about
    std::shared_ptr<File> file;
  };

  Result<> pick_or_wait(Duration wait, size_t max_records, std::vector<Picked>& picked) {
    std::unique_lock lock(core_->mutex);
    pick(max_records, picked);
    if (picked.empty() && wait.count() > 0 && core_->options.own_thread) {
      core_->written_changed.wait_for(lock, wait, [&] {
        pick(max_records, picked);
        return !picked.empty() || core_->journal.failure();
      });
    }
    if (const auto failed = core_->journal.failure()) return *failed;
    return {};
  }

  void unassign_known(const Position& position) {
    std::erase_if(assigned_, [&](const Assigned& known) { return known.position == position; });
  }

  bool visible(const BatchPlace& place) const {
    return visibility_ == Visibility::written || place.frame <= core_->journal.durable();
  }

  // Chooses batches in journal order, so that many partitions are read as one stretch.
  void pick(size_t max_records, std::vector<Picked>& picked) {
    std::vector<size_t> at(assigned_.size());
    for (size_t i = 0; i < assigned_.size(); ++i) {
      PartitionIndex& partition =
          assigned_[i].topic->partitions[static_cast<size_t>(assigned_[i].position.partition)];
      if (assigned_[i].next < partition.begin) {
        assigned_[i].gone += partition.begin - assigned_[i].next;
        assigned_[i].next = partition.begin;
      }
      at[i] = partition.locate(assigned_[i].next);
      assigned_[i].end = end_of(partition);
    }
    size_t bytes = 0;
    size_t records = 0;
    while (records < max_records && bytes < kMostRead) {
      size_t best = assigned_.size();
      for (size_t i = 0; i < assigned_.size(); ++i) {
        const auto& batches = batches_of(i);
        if (at[i] >= batches.size() || !visible(batches[at[i]])) continue;
        if (best == assigned_.size() || before(batches[at[i]], batches_of(best)[at[best]])) best = i;
      }
      if (best == assigned_.size()) return;
      const BatchPlace& place = batches_of(best)[at[best]++];
      picked.push_back({best, place, place.about_appended_ms(), place.segment->file});
      const Offset left = place.end() - std::max(place.base, assigned_[best].next);
      records += static_cast<size_t>(std::min<Offset>(place.count, left));
      bytes += place.length + sizeof(EntryHeader);
    }
    pick_empty(at, picked);
  }

  // Batches without records behind what was picked: so the last record that is there is given with where
  // reading ends.
  void pick_empty(std::vector<size_t>& at, std::vector<Picked>& picked) const {
    for (size_t i = 0; i < assigned_.size(); ++i) {
      const auto& batches = batches_of(i);
      for (; at[i] < batches.size() && batches[at[i]].count == 0 && visible(batches[at[i]]); ++at[i]) {
        picked.push_back(
            {i, batches[at[i]], batches[at[i]].about_appended_ms(), batches[at[i]].segment->file});
      }
    }
  }

  const std::deque<BatchPlace>& batches_of(size_t i) const {
    return assigned_[i].topic->partitions[static_cast<size_t>(assigned_[i].position.partition)].batches();
  }
  static bool before(const BatchPlace& a, const BatchPlace& b) {
    return a.frame < b.frame || (a.frame == b.frame && a.at < b.at);
  }
  Offset end_of(const PartitionIndex& partition) const {
    if (visibility_ == Visibility::written) return partition.next;
    const auto& batches = partition.batches();
    for (auto place = batches.rbegin(); place != batches.rend(); ++place) {
      if (place->frame <= core_->journal.durable()) return place->end();
    }
    return batches.empty() ? partition.next : batches.front().base;
  }

  Result<std::vector<FetchedBatch>> fetch(const std::vector<Picked>& picked) {
    std::vector<FetchedBatch> batches;
    std::vector<size_t> batch_of(assigned_.size(), SIZE_MAX);
    for (size_t from = 0; from < picked.size();) {
      size_t to = from + 1;
      uint64_t end = picked[from].place.at + sizeof(EntryHeader) + picked[from].place.length;
      while (to < picked.size() && picked[to].file == picked[from].file && picked[to].place.at >= end &&
             picked[to].place.at - end <= kMostGap && end - picked[from].place.at < 2 * kMostRead) {
        end = picked[to].place.at + sizeof(EntryHeader) + picked[to].place.length;
        ++to;
      }
      const uint64_t begin = picked[from].place.at;
      const std::shared_ptr<char[]> buffer = pool_.take(end - begin);
      const size_t got = TRY(picked[from].file->read(begin, buffer.get(), end - begin));
      for (; from < to; ++from) {
        const BatchPlace& place = picked[from].place;
        if (place.at - begin + sizeof(EntryHeader) + place.length > got)
          return damaged(picked[from], "it ends too early");
        TRY(unpack(picked[from], buffer.get() + (place.at - begin), buffer, batches, batch_of));
      }
    }
    for (FetchedBatch& batch : batches) link_headers(batch.records, batch.headers);
    return batches;
  }

  // Adds the records of one batch to those of its partition.
  Result<> unpack(const Picked& picked, const char* bytes, const std::shared_ptr<char[]>& buffer,
                  std::vector<FetchedBatch>& batches, std::vector<size_t>& batch_of) {
    EntryHeader header;
    std::memcpy(&header, bytes, sizeof header);
    const BytesView payload(bytes + sizeof header, picked.place.length);
    if (header.length != picked.place.length || header.base_offset != picked.place.base ||
        header.count != picked.place.count || crc32c(payload) != header.crc) {
      return damaged(picked, "its checksum is wrong");
    }
    Assigned& assigned = assigned_[picked.assigned];
    size_t& index = batch_of[picked.assigned];
    if (index == SIZE_MAX) {
      index = batches.size();
      batches.emplace_back();
      batches.back().position = assigned.position;
      batches.back().end = assigned.end;
      batches.back().appended = Timestamp{picked.appended_ms};
      batches.back().buffer = buffer;
      batches.back().gone = std::exchange(assigned.gone, 0);
    }
    FetchedBatch& batch = batches[index];
    if (batch.buffer != buffer) {  // records of two reads: both stay
      using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
      batch.buffer = std::make_shared<const Both>(batch.buffer, buffer);
    }
    const size_t first = batch.records.size();
    if (!decode_batch(header, payload, batch.records, batch.headers))
      return damaged(picked, "its records cannot be read");
    const auto unread =
        std::find_if(batch.records.begin() + static_cast<ptrdiff_t>(first), batch.records.end(),
                     [&](const RecordView& record) { return record.offset >= assigned.next; });
    batch.records.erase(batch.records.begin() + static_cast<ptrdiff_t>(first), unread);
    assigned.next = batch.next = picked.place.end();
    return {};
  }

  Error damaged(const Picked& picked, const std::string& what) const {
    return {Code::corrupt, "a batch of topic " + assigned_[picked.assigned].position.topic + " at byte " +
                               std::to_string(picked.place.at) + " of a segment is damaged: " + what +
                               "; restore the directory from a backup"};
  }

  std::shared_ptr<LogCore> core_;
  Visibility visibility_;
  std::vector<Assigned> assigned_;
  BufferPool pool_;
};

}  // namespace

std::unique_ptr<Consumer> make_consumer(std::shared_ptr<LogCore> core, Visibility visibility) {
  return std::make_unique<EmbeddedConsumer>(std::move(core), visibility);
}

}  // namespace tradewind::log
