#include "log/memory_log.h"

#include <algorithm>
#include <mutex>

namespace tradewind::log {
namespace {

struct Kept {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  Timestamp time;
  std::vector<std::pair<std::string, std::optional<Bytes>>> headers;
};

struct Partition {
  Offset begin = 0;
  std::vector<std::shared_ptr<const Kept>> records;  // all ever appended
};

struct State {
  std::mutex mutex;
  std::shared_ptr<const MemoryLimits> limits = std::make_shared<MemoryLimits>();
  std::map<std::string, TopicSpec> topics;
  std::map<Position, Partition> partitions;
  std::map<std::string, Offsets> groups;
  std::map<std::string, int64_t> sequences;
  std::map<std::string, int64_t> epochs;
  uint64_t written = 0;

  // REQUIRES the mutex.
  Result<Partition*> find(const Position& position) {
    const auto found = partitions.find(position);
    if (found == partitions.end()) {
      return Error{Code::not_found,
                   "no partition " + std::to_string(position.partition) + " of a topic " + position.topic};
    }
    return &found->second;
  }
};

std::shared_ptr<const Kept> keep(const RecordView& record) {
  auto kept = std::make_shared<Kept>();
  if (record.key) kept->key = Bytes(*record.key);
  if (record.value) kept->value = Bytes(*record.value);
  kept->time = record.time;
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const HeaderView& header = record.headers[i];
    kept->headers.emplace_back(header.name,
                               header.value ? std::optional<Bytes>(*header.value) : std::nullopt);
  }
  return kept;
}

class MemoryTransaction final : public Transaction {
 public:
  MemoryTransaction(std::shared_ptr<State> state, std::string id, int64_t epoch)
      : state_(std::move(state)), id_(std::move(id)), epoch_(epoch) {}

  Result<> append(const Position& position, std::span<const RecordView> records) override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->find(position));
    for (const RecordView& record : records) {
      if (const int64_t bytes = payload_bytes(record); bytes > state_->limits->record)
        return Error{Code::invalid, "a record of " + std::to_string(bytes) + " bytes is too large"};
    }
    for (const RecordView& record : records) {
      parts_[position].push_back({keep(record), payload_bytes(record)});
      bytes_ += parts_[position].back().bytes;
    }
    return {};
  }

  Result<Offsets> commit(std::string_view group, const Offsets& consumed) override {
    const std::lock_guard lock(state_->mutex);
    if (state_->epochs[id_] != epoch_) return Error{Code::fenced, "another producer took over the id " + id_};
    for (const auto& [position, records] : parts_) TRY(state_->find(position));
    too_large_.clear();
    for (const auto& [position, records] : parts_) {
      for (const Part& part : records) {
        if (!fits(position, part)) too_large_.push_back({position, part.record->key, part.bytes, "mend it"});
      }
    }
    if (!too_large_.empty()) return Error{Code::invalid, "a record is too large for its topic"};
    Offsets first;
    for (auto& [position, records] : parts_) {
      Partition& partition = state_->partitions[position];
      first[position] = static_cast<Offset>(partition.records.size());
      for (const Part& part : records) partition.records.push_back(part.record);
    }
    for (const auto& [position, offset] : consumed) state_->groups[std::string(group)][position] = offset;
    ++state_->written;
    return first;
  }
  std::vector<TooLarge> too_large() const override { return too_large_; }
  void leave_out_too_large() override {
    const std::lock_guard lock(state_->mutex);
    for (auto& [position, records] : parts_)
      std::erase_if(records, [&, at = &position](const Part& part) { return !fits(*at, part); });
    std::erase_if(parts_, [](const auto& part) { return part.second.empty(); });
    too_large_.clear();
  }
  int64_t bytes() const override { return bytes_; }

 private:
  struct Part {
    std::shared_ptr<const Kept> record;
    int64_t bytes = 0;
  };
  // REQUIRES the mutex.
  bool fits(const Position& position, const Part& part) const {
    const auto most = state_->limits->topics.find(position.topic);
    return most == state_->limits->topics.end() || part.bytes <= most->second;
  }

  std::shared_ptr<State> state_;
  std::string id_;
  int64_t epoch_;
  std::map<Position, std::vector<Part>> parts_;
  std::vector<TooLarge> too_large_;
  int64_t bytes_ = 0;
};

class MemoryProducer final : public Producer {
 public:
  MemoryProducer(std::shared_ptr<State> state, ProducerOptions options)
      : state_(std::move(state)), options_(std::move(options)) {
    const std::lock_guard lock(state_->mutex);
    if (options_.transactional) epoch_ = ++state_->epochs[options_.id];
  }

  Result<Offset> append(const Position& position, std::span<const RecordView> records) override {
    const std::lock_guard lock(state_->mutex);
    Partition* partition = TRY(state_->find(position));
    const auto first = static_cast<Offset>(partition->records.size());
    for (const RecordView& record : records) partition->records.push_back(keep(record));
    ++state_->written;
    return first;
  }

  Result<> append_all(std::span<const Appending> parts, int64_t sequence) override {
    const std::lock_guard lock(state_->mutex);
    for (const Appending& part : parts) TRY(state_->find(part.position));
    if (sequence >= 0) {
      const auto [at, added] = state_->sequences.emplace(options_.id, -1);
      if (sequence <= at->second) return {};
      at->second = sequence;
    }
    for (const Appending& part : parts) {
      Partition& partition = state_->partitions[part.position];
      for (const RecordView& record : part.records) partition.records.push_back(keep(record));
    }
    ++state_->written;
    return {};
  }

  Result<int64_t> last_sequence() override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->sequences.find(options_.id);
    return found == state_->sequences.end() ? int64_t{-1} : found->second;
  }

  Result<std::unique_ptr<Transaction>> begin() override {
    const std::lock_guard lock(state_->mutex);
    if (epoch_ == 0) return Error{Code::invalid, "a producer without a transactional id has no transactions"};
    if (state_->epochs[options_.id] != epoch_)
      return Error{Code::fenced, "another producer took over " + options_.id};
    return std::unique_ptr<Transaction>(new MemoryTransaction(state_, options_.id, epoch_));
  }

 private:
  std::shared_ptr<State> state_;
  ProducerOptions options_;
  int64_t epoch_ = 0;
};

class MemoryConsumer final : public Consumer {
 public:
  explicit MemoryConsumer(std::shared_ptr<State> state) : state_(std::move(state)) {}

  Result<> assign(const Position& position, Offset from) override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->find(position));
    places_[position] = from;
    return {};
  }
  void unassign(const Position& position) override { places_.erase(position); }

  Result<std::vector<FetchedBatch>> poll(Duration, size_t max_records) override {
    const std::lock_guard lock(state_->mutex);
    std::vector<FetchedBatch> batches;
    auto at = places_.upper_bound(last_);  // partitions take turns
    for (size_t turn = 0; turn < places_.size() && max_records > 0; ++turn, ++at) {
      if (at == places_.end()) at = places_.begin();
      FetchedBatch batch = fetch(at->first, at->second, max_records);
      if (batch.records.empty()) continue;
      max_records -= batch.records.size();
      at->second = batch.next;
      last_ = at->first;
      batches.push_back(std::move(batch));
    }
    return batches;
  }

 private:
  FetchedBatch fetch(const Position& position, Offset from, size_t most) const {
    FetchedBatch batch;
    batch.position = position;
    const Partition& partition = state_->partitions[position];
    if (from > 0) batch.gone = std::max<Offset>(partition.begin - from, 0);
    from = std::max(from, partition.begin);
    const auto end = static_cast<Offset>(partition.records.size());
    const Offset to = std::min<Offset>(end, from + static_cast<Offset>(most));
    auto owner = std::make_shared<std::vector<std::shared_ptr<const Kept>>>();
    size_t headers = 0;
    for (Offset i = from; i < to; ++i) headers += partition.records[static_cast<size_t>(i)]->headers.size();
    batch.headers.reserve(headers);
    for (Offset i = from; i < to; ++i) {
      const auto& kept = partition.records[static_cast<size_t>(i)];
      owner->push_back(kept);
      RecordView record{.time = kept->time, .offset = i};
      if (kept->key) record.key = *kept->key;
      if (kept->value) record.value = *kept->value;
      record.headers = batch.headers.data() + batch.headers.size();
      record.header_count = static_cast<uint32_t>(kept->headers.size());
      for (const auto& [name, value] : kept->headers) {
        batch.headers.push_back({name, value ? std::optional<BytesView>(*value) : std::nullopt});
      }
      batch.records.push_back(record);
    }
    batch.buffer = owner;
    batch.next = std::max(from, to);
    batch.end = end;
    if (!batch.records.empty()) batch.appended = batch.records.front().time;
    return batch;
  }

  std::shared_ptr<State> state_;
  std::map<Position, Offset> places_;
  Position last_;
};

class MemoryLog final : public Log {
 public:
  explicit MemoryLog(std::shared_ptr<const MemoryLimits> limits) { state_->limits = std::move(limits); }

  Result<> create_topic(const TopicSpec& spec) override {
    TRY(check_topic_name(spec.name));
    if (spec.partitions < 1)
      return Error{Code::invalid, "topic " + spec.name + " needs at least one partition"};
    const std::lock_guard lock(state_->mutex);
    const auto [at, added] = state_->topics.emplace(spec.name, spec);
    if (!added && at->second.partitions != spec.partitions) {
      return Error{Code::conflict, "topic " + spec.name + " exists with " +
                                       std::to_string(at->second.partitions) + " partitions"};
    }
    for (int32_t p = 0; added && p < spec.partitions; ++p) state_->partitions[{spec.name, p}];
    return {};
  }
  Result<> delete_topic(const std::string& name) override {
    const std::lock_guard lock(state_->mutex);
    if (state_->topics.erase(name) == 0) return Error{Code::not_found, "no topic is called " + name};
    const auto of_topic = [&](const auto& entry) { return entry.first.topic == name; };
    std::erase_if(state_->partitions, of_topic);
    for (auto& [group, offsets] : state_->groups) std::erase_if(offsets, of_topic);
    return {};
  }
  Result<std::vector<TopicSpec>> topics() override {
    const std::lock_guard lock(state_->mutex);
    std::vector<TopicSpec> all;
    for (const auto& [name, spec] : state_->topics) all.push_back(spec);
    return all;
  }
  Result<TopicSpec> topic(const std::string& name) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->topics.find(name);
    if (found == state_->topics.end()) return Error{Code::not_found, "no topic is called " + name};
    return found->second;
  }
  Result<Bounds> bounds(const Position& position, Visibility) override {
    const std::lock_guard lock(state_->mutex);
    const Partition* partition = TRY(state_->find(position));
    return Bounds{partition->begin, static_cast<Offset>(partition->records.size())};
  }
  Result<std::optional<Timestamp>> appended(const Position& position, Offset from) override {
    const std::lock_guard lock(state_->mutex);
    const Partition* partition = TRY(state_->find(position));
    const auto at = static_cast<size_t>(std::max(from, partition->begin));
    if (at >= partition->records.size()) return std::optional<Timestamp>();
    return std::optional(partition->records[at]->time);
  }
  Result<> trim(const Position& position, Offset keep_from) override {
    const std::lock_guard lock(state_->mutex);
    Partition* partition = TRY(state_->find(position));
    partition->begin =
        std::max(partition->begin, std::min(keep_from, static_cast<Offset>(partition->records.size())));
    return {};
  }
  Result<Offsets> group_offsets(const std::string& group) override {
    const std::lock_guard lock(state_->mutex);
    return state_->groups[group];
  }
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    if (options.transactional && options.id.empty()) {
      return Error{Code::invalid, "a transactional producer needs an id"};
    }
    return std::unique_ptr<Producer>(new MemoryProducer(state_, options));
  }
  Result<std::unique_ptr<Consumer>> consumer(Visibility) override {
    return std::unique_ptr<Consumer>(new MemoryConsumer(state_));
  }
  uint64_t written() const override {
    const std::lock_guard lock(state_->mutex);
    return state_->written;
  }
  uint64_t durable() const override { return written(); }
  Result<> wait_durable(uint64_t) override { return {}; }
  void wait_for_more(uint64_t, Duration) override {}  // nothing here waits
  void wake() override {}
  int64_t most_transaction_bytes() const override { return 64LL << 20; }
  int64_t most_record_bytes() const override { return state_->limits->record; }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

std::unique_ptr<Log> make_memory_log() {
  return make_memory_log(std::make_shared<MemoryLimits>());
}

std::unique_ptr<Log> make_memory_log(std::shared_ptr<const MemoryLimits> limits) {
  return std::make_unique<MemoryLog>(std::move(limits));
}

}  // namespace tradewind::log
