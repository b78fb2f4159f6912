#pragma once
// BreakableLog: a Log of one process that forgets all at its end; for tests. Transactions are not offered.
//
// Threads: shared freely, as any Log; everything is durable at once.

#include <algorithm>
#include <deque>
#include <mutex>

#include "log/log.h"

namespace tradewind::log {

class BreakableLog final : public Log {
 public:
  // What every append is answered with while it is set.
  std::optional<Error> broken;

  Result<> create_topic(const TopicSpec& spec) override {
    const std::lock_guard lock(mutex_);
    const auto known = topics_.find(spec.name);
    if (known != topics_.end() && known->second.partitions != spec.partitions) {
      return Error{Code::conflict, "topic " + spec.name + " exists"};
    }
    topics_.emplace(spec.name, spec);
    return {};
  }
  Result<> delete_topic(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    topics_.erase(name);
    std::erase_if(records_, [&](const auto& entry) { return entry.first.topic == name; });
    return {};
  }
  Result<std::vector<TopicSpec>> topics() override {
    const std::lock_guard lock(mutex_);
    std::vector<TopicSpec> list;
    for (const auto& [name, spec] : topics_) list.push_back(spec);
    return list;
  }
  Result<TopicSpec> topic(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const auto known = topics_.find(name);
    if (known == topics_.end()) return Error{Code::not_found, "no topic is named " + name};
    return known->second;
  }
  Result<Bounds> bounds(const Position& position, Visibility) override {
    const std::lock_guard lock(mutex_);
    return Bounds{0, static_cast<Offset>(records_[position].size())};
  }
  Result<std::optional<Timestamp>> appended(const Position& position, Offset from) override {
    const std::lock_guard lock(mutex_);
    const auto& kept = records_[position];
    if (from >= static_cast<Offset>(kept.size())) return std::optional<Timestamp>();
    return std::optional(kept[static_cast<size_t>(std::max<Offset>(from, 0))].time);
  }
  Result<> trim(const Position&, Offset) override { return {}; }
  Result<Offsets> group_offsets(const std::string&) override { return Offsets(); }
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    return std::unique_ptr<Producer>(std::make_unique<MemoryProducer>(*this, options.id));
  }
  Result<std::unique_ptr<Consumer>> consumer(Visibility) override {
    return std::unique_ptr<Consumer>(std::make_unique<MemoryConsumer>(*this));
  }
  uint64_t written() const override { return 0; }
  uint64_t durable() const override { return 0; }
  Result<> wait_durable(uint64_t) override { return {}; }
  void wait_for_more(uint64_t, Duration) override {}
  void wake() override {}
  int64_t most_transaction_bytes() const override { return 0; }

 private:
  struct Kept {
    std::optional<Bytes> key;
    std::optional<Bytes> value;
    Timestamp time;
  };

  class MemoryProducer final : public Producer {
   public:
    MemoryProducer(BreakableLog& log, std::string id) : log_(log), id_(std::move(id)) {}
    Result<Offset> append(const Position& position, std::span<const RecordView> records) override {
      const std::lock_guard lock(log_.mutex_);
      if (log_.broken) return *log_.broken;
      auto& kept = log_.records_[position];
      const auto first = static_cast<Offset>(kept.size());
      const auto copy = [](const std::optional<BytesView>& view) {
        return view ? std::optional<Bytes>(Bytes(*view)) : std::nullopt;
      };
      for (const RecordView& record : records)
        kept.push_back({copy(record.key), copy(record.value), record.time});
      return first;
    }
    Result<> append_all(std::span<const Appending> parts, int64_t sequence) override {
      if (sequence >= 0 && sequence <= *last_sequence()) return {};
      for (const Appending& part : parts) TRY(append(part.position, part.records));
      const std::lock_guard lock(log_.mutex_);
      if (sequence >= 0) log_.sequences_[id_] = sequence;
      return {};
    }
    Result<int64_t> last_sequence() override {
      const std::lock_guard lock(log_.mutex_);
      const auto known = log_.sequences_.find(id_);
      return known == log_.sequences_.end() ? int64_t{-1} : known->second;
    }
    Result<std::unique_ptr<Transaction>> begin() override {
      return Error{Code::unsupported, "a memory log has no transactions"};
    }

   private:
    BreakableLog& log_;
    const std::string id_;
  };

  class MemoryConsumer final : public Consumer {
   public:
    explicit MemoryConsumer(BreakableLog& log) : log_(log) {}
    Result<> assign(const Position& position, Offset from) override {
      next_[position] = from;
      return {};
    }
    void unassign(const Position& position) override { next_.erase(position); }
    Result<std::vector<FetchedBatch>> poll(Duration, size_t max_records) override {
      const std::lock_guard lock(log_.mutex_);
      std::vector<FetchedBatch> batches;
      for (auto& [position, next] : next_) {
        const auto& kept = log_.records_[position];  // a deque: what is in it stays where it is
        FetchedBatch batch{.position = position};
        while (next < static_cast<Offset>(kept.size()) && batch.records.size() < max_records) {
          const Kept& record = kept[static_cast<size_t>(next)];
          batch.records.push_back(
              {.key = record.key, .value = record.value, .time = record.time, .offset = next++});
        }
        batch.next = next;
        batch.end = static_cast<Offset>(kept.size());
        if (!batch.records.empty()) batch.appended = batch.records.front().time;
        if (!batch.records.empty()) batches.push_back(std::move(batch));
      }
      return batches;
    }

   private:
    BreakableLog& log_;
    std::map<Position, Offset> next_;
  };

  std::mutex mutex_;
  std::map<std::string, TopicSpec> topics_;
  std::map<Position, std::deque<Kept>> records_;
  std::map<std::string, int64_t> sequences_;
};

}  // namespace tradewind::log
