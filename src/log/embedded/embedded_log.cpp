#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "log/embedded/admin.h"
#include "log/embedded/core.h"
#include "log/embedded/keeper.h"

namespace tradewind::log {
namespace {

Error fenced(const std::string& id) {
  return {Code::fenced, "another producer took over the transactional id " + id + "; this one must stop"};
}

Result<> check_sizes(std::span<const RecordView> records) {
  int64_t bytes = 0;
  for (const RecordView& record : records) {
    bytes += static_cast<int64_t>((record.key ? record.key->size() : 0) +
                                  (record.value ? record.value->size() : 0));
    for (uint32_t i = 0; i < record.header_count; ++i) {
      const HeaderView& header = record.headers[i];
      bytes += static_cast<int64_t>(header.name.size() + (header.value ? header.value->size() : 0));
    }
    if (bytes > kMostTransaction) return Error{Code::invalid, "more than 64 MB cannot be appended at once"};
  }
  return {};
}

class EmbeddedTransaction final : public Transaction {
 public:
  EmbeddedTransaction(std::shared_ptr<LogCore> core, std::string id, int64_t epoch)
      : core_(std::move(core)), id_(std::move(id)), epoch_(epoch), group_(core_->frames) {}

  Result<> append(const Position& position, std::span<const RecordView> records) override {
    TRY(check_sizes(records));
    uint32_t topic = 0;
    {
      const std::lock_guard lock(core_->mutex);
      TRY(core_->find(position, &topic));
    }
    group_.add_batch(topic, static_cast<uint32_t>(position.partition), records);
    return {};
  }

  Result<Offsets> commit(std::string_view group, const Offsets& consumed) override {
    if (bytes() > kMostTransaction) {
      return Error{Code::invalid, "a transaction of " + std::to_string(bytes() >> 20) +
                                      " MB is too large; commit more often"};
    }
    const std::lock_guard lock(core_->mutex);
    const ProducerState& state = core_->producers[id_];
    if (state.epoch != epoch_ && !mutant(10)) return fenced(id_);
    if (!consumed.empty() && !asked_before_) core_->put_group_entry(std::string(group), consumed, group_);
    asked_before_ = true;
    if (group_.empty()) return Offsets();
    Offsets first;
    TRY(core_->append(group_, &first));
    Offsets& offsets = core_->groups[std::string(group)];
    for (const auto& [position, offset] : consumed) {
      if (core_->topics.contains(position.topic)) offsets[position] = offset;
    }
    return first;
  }

  int64_t bytes() const override { return static_cast<int64_t>(group_.bytes()); }

 private:
  std::shared_ptr<LogCore> core_;
  std::string id_;
  int64_t epoch_;
  FrameGroup group_;
  bool asked_before_ = false;
};

class EmbeddedProducer final : public Producer {
 public:
  EmbeddedProducer(std::shared_ptr<LogCore> core, std::string id, int64_t epoch)
      : core_(std::move(core)), id_(std::move(id)), epoch_(epoch) {}

  Result<Offset> append(const Position& position, std::span<const RecordView> records) override {
    TRY(check_sizes(records));
    uint64_t mark = 0;
    Offset first = 0;
    FrameGroup group;
    {
      uint32_t topic = 0;
      std::unique_lock lock(core_->mutex);
      first = TRY(core_->find(position, &topic))->next;
      lock.unlock();
      group.add_batch(topic, static_cast<uint32_t>(position.partition), records);
      if (group.empty()) return first;
      lock.lock();
      Offsets offsets;
      mark = TRY(core_->append(group, &offsets));
      first = offsets[position];
    }
    TRY(core_->wait_durable(mark));
    return first;
  }

  Result<> append_all(std::span<const Appending> parts, int64_t sequence) override {
    FrameGroup group;
    for (const Appending& part : parts) {
      TRY(check_sizes(part.records));
      uint32_t topic = 0;
      {
        const std::lock_guard lock(core_->mutex);
        TRY(core_->find(part.position, &topic));
      }
      group.add_batch(topic, static_cast<uint32_t>(part.position.partition), part.records);
    }
    if (group.bytes() > kMostTransaction)
      return Error{Code::invalid, "more than 64 MB cannot be appended at once"};
    uint64_t mark = 0;
    {
      const std::lock_guard lock(core_->mutex);
      mark = core_->journal.written();
      ProducerState& state = core_->producers[id_];
      const bool repeated = sequence >= 0 && sequence <= state.sequence;
      if (sequence >= 0 && !repeated) {
        core_->put_producer_entry(id_, {state.epoch, sequence}, group);
      }
      if (!repeated && !group.empty()) {
        mark = TRY(core_->append(group, nullptr));
        if (sequence >= 0) state.sequence = sequence;
      }
    }
    return core_->wait_durable(mark);  // a repeated one too: the first may not be durable yet
  }

  Result<int64_t> last_sequence() override {
    const std::lock_guard lock(core_->mutex);
    const auto found = core_->producers.find(id_);
    return found == core_->producers.end() ? int64_t{-1} : found->second.sequence;
  }

  Result<std::unique_ptr<Transaction>> begin() override {
    const std::lock_guard lock(core_->mutex);
    if (epoch_ == 0) return Error{Code::invalid, "a producer without a transactional id has no transactions"};
    if (core_->producers[id_].epoch != epoch_ && !mutant(10)) return fenced(id_);
    return std::unique_ptr<Transaction>(new EmbeddedTransaction(core_, id_, epoch_));
  }

 private:
  std::shared_ptr<LogCore> core_;
  std::string id_;
  int64_t epoch_;
};

class EmbeddedLogFront final : public EmbeddedLog {
 public:
  explicit EmbeddedLogFront(std::shared_ptr<LogCore> core) : core_(std::move(core)), admin_(*core_) {}
  ~EmbeddedLogFront() override { core_->close(); }

  Result<> create_topic(const TopicSpec& spec) override {
    TRY(check_topic_name(spec.name));
    if (spec.partitions < 1 || spec.partitions > kMostPartitions) {
      return Error{Code::invalid, "topic " + spec.name + " needs 1 to 10000 partitions"};
    }
    uint64_t mark = 0;
    {
      const std::lock_guard lock(core_->mutex);
      if (const auto known = core_->topics.find(spec.name); known != core_->topics.end()) {
        if (known->second->spec.partitions == spec.partitions) return {};
        return Error{Code::conflict, "topic " + spec.name + " exists with " +
                                         std::to_string(known->second->spec.partitions) + " partitions"};
      }
      auto topic = std::make_shared<TopicIndex>();
      topic->number = core_->next_number++;
      topic->spec = spec;
      topic->partitions.resize(static_cast<size_t>(spec.partitions));
      FrameGroup group;
      core_->put_topic_entry(*topic, group);
      mark = TRY(core_->append(group, nullptr));
      core_->topics[spec.name] = topic;
      core_->by_number[topic->number] = topic;
    }
    return core_->wait_durable(mark);
  }

  Result<> delete_topic(const std::string& name) override {
    uint64_t mark = 0;
    {
      const std::lock_guard lock(core_->mutex);
      const auto found = core_->topics.find(name);
      if (found == core_->topics.end()) return Error{Code::not_found, "no topic is called " + name};
      FrameGroup group;
      group.add(EntryKind::dropped_topic, found->second->number, 0, {});
      mark = TRY(core_->append(group, nullptr));
      core_->forget_topic(name);
      TRY(core_->journal.recycle());
    }
    return core_->wait_durable(mark);
  }

  Result<std::vector<TopicSpec>> topics() override {
    const std::lock_guard lock(core_->mutex);
    std::vector<TopicSpec> all;
    for (const auto& [name, topic] : core_->topics) all.push_back(topic->spec);
    return all;
  }

  Result<TopicSpec> topic(const std::string& name) override {
    const std::lock_guard lock(core_->mutex);
    const auto found = core_->topics.find(name);
    if (found == core_->topics.end()) return Error{Code::not_found, "no topic is called " + name};
    return found->second->spec;
  }

  Result<Bounds> bounds(const Position& position, Visibility visibility) override {
    const std::lock_guard lock(core_->mutex);
    const PartitionIndex* partition = TRY(core_->find(position, nullptr));
    Bounds bounds{partition->begin, partition->next};
    if (visibility == Visibility::durable) {
      for (auto place = partition->batches().rbegin(); place != partition->batches().rend(); ++place) {
        if (place->frame <= core_->journal.durable()) break;
        bounds.end = place->base;
      }
    }
    bounds.end = std::max(bounds.end, bounds.begin);
    return bounds;
  }

  Result<std::optional<Timestamp>> appended(const Position& position, Offset from) override {
    const std::lock_guard lock(core_->mutex);
    const PartitionIndex* partition = TRY(core_->find(position, nullptr));
    const size_t at = partition->locate(std::max(from, partition->begin));
    if (at == partition->batches().size()) return std::optional<Timestamp>();
    return std::optional(Timestamp{partition->batches()[at].about_appended_ms()});
  }

  Result<> trim(const Position& position, Offset keep) override {
    const std::lock_guard lock(core_->mutex);
    uint32_t number = 0;
    TRY(core_->find(position, &number));
    TRY(core_->trim(*core_->by_number[number], static_cast<uint32_t>(position.partition), keep,
                    LogCore::Asked::by_owner));
    return core_->journal.recycle();
  }

  Result<Offsets> group_offsets(const std::string& group) override {
    const std::lock_guard lock(core_->mutex);
    const auto found = core_->groups.find(group);
    return found == core_->groups.end() ? Offsets() : found->second;
  }

  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    int64_t epoch = 0;
    if (options.transactional) {
      if (options.id.empty()) return Error{Code::invalid, "a transactional producer needs an id"};
      uint64_t mark = 0;
      {
        const std::lock_guard lock(core_->mutex);
        ProducerState state = core_->producers[options.id];
        if (state.epoch >= kMostNumber) return no_numbers_left();
        epoch = ++state.epoch;
        FrameGroup group;
        core_->put_producer_entry(options.id, state, group);
        mark = TRY(core_->append(group, nullptr));
        core_->producers[options.id] = state;
      }
      TRY(core_->wait_durable(mark));
    }
    return std::unique_ptr<Producer>(new EmbeddedProducer(core_, options.id, epoch));
  }

  Result<std::unique_ptr<Consumer>> consumer(Visibility visibility) override {
    return make_consumer(core_, visibility);
  }

  uint64_t written() const override { return core_->journal.written(); }
  uint64_t durable() const override { return core_->journal.durable(); }
  Result<> wait_durable(uint64_t mark) override { return core_->wait_durable(mark); }
  void wait_for_more(uint64_t seen, Duration wait) override { core_->wait_for_more(seen, wait); }
  void wake() override { core_->wake(); }
  int64_t most_transaction_bytes() const override { return kMostTransaction; }

  LogFigures figures() const override {
    const std::lock_guard lock(core_->mutex);
    const JournalFigures& journal = core_->journal.figures();
    LogFigures figures;
    figures.bytes_written = journal.bytes_written;
    figures.payload_bytes = core_->payload_bytes;
    figures.records = core_->records;
    figures.syncs = journal.syncs;
    figures.sync_ns = journal.sync_ns;
    if (const int64_t began_ns = core_->sync_began_ns; began_ns != 0)
      figures.sync_waiting_seconds = static_cast<double>(core_->clock.monotonic_ns() - began_ns) / 1e9;
    figures.segments = journal.segments;
    figures.bytes = static_cast<int64_t>(core_->journal.bytes());
    figures.live_bytes = core_->journal.live_bytes();
    figures.reclaimed_bytes = journal.reclaimed;
    figures.moved_bytes = core_->keeper->figures().moved_bytes;
    figures.compacted_records = core_->keeper->figures().compacted_records;
    figures.expired_records = core_->keeper->figures().expired_records;
    figures.keeper_failed = core_->keeper->figures().failed;
    figures.durability = core_->options.durability;
    return figures;
  }
  Admin& admin() override { return admin_; }
  Result<BackupSource> backup_source() override {
    std::vector<BackupSource::Held> sources;
    uint64_t last_frame = 0;
    {
      const std::lock_guard lock(core_->mutex);
      if (const auto failed = core_->journal.failure()) return *failed;
      const auto& segments = core_->journal.segments();
      for (const auto& segment : segments) {
        const bool sealed = segment != segments.back();
        sources.push_back({segment->number, segment->end, sealed, segment->file});
      }
      last_frame = core_->journal.written();
    }
    return BackupSource::of(std::move(sources), last_frame);
  }
  std::vector<TopicFigures> topic_figures() const override {
    const std::lock_guard lock(core_->mutex);
    std::vector<TopicFigures> all;
    for (const auto& [name, topic] : core_->topics) {
      TopicFigures figures{.name = name, .records = topic->records, .bytes = topic->bytes};
      for (const PartitionIndex& partition : topic->partitions) {
        figures.ends += partition.next;
        figures.held_bytes += partition.bytes();
      }
      all.push_back(std::move(figures));
    }
    return all;
  }
  Result<Room> room() const override { return core_->disk.room(core_->options.directory); }
  Result<bool> keep() override { return core_->keeper->step(); }
  Result<> verify() override {
    const std::lock_guard lock(core_->mutex);
    return core_->journal.verify();
  }
  std::optional<Error> failure() const override { return core_->journal.failure(); }
  std::optional<Error> refusing() override {
    const std::lock_guard lock(core_->mutex);
    return core_->refusing();
  }

 private:
  std::shared_ptr<LogCore> core_;
  EmbeddedAdmin admin_;
};

}  // namespace

Result<std::unique_ptr<EmbeddedLog>> open_embedded(const EmbeddedOptions& options) {
  auto core = std::make_shared<LogCore>(options, options.disk == nullptr ? make_posix_disk() : nullptr);
  TRY(core->open());
  return std::unique_ptr<EmbeddedLog>(std::make_unique<EmbeddedLogFront>(std::move(core)));
}

}  // namespace tradewind::log
