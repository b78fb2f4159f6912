#pragma once
// PassingLog: a Log that passes everything on to another, for logs that do one thing otherwise.
//
// Threads: as the other log.

#include <memory>
#include <utility>

#include "log/log.h"

namespace tradewind::log {

class PassingTransaction : public Transaction {
 public:
  explicit PassingTransaction(std::unique_ptr<Transaction> inner) : inner_(std::move(inner)) {}

  Result<> append(const Position& position, std::span<const RecordView> records) override {
    return inner_->append(position, records);
  }
  Result<Offsets> commit(std::string_view group, const Offsets& consumed) override {
    return inner_->commit(group, consumed);
  }
  int64_t bytes() const override { return inner_->bytes(); }

 private:
  const std::unique_ptr<Transaction> inner_;
};

class PassingLog : public Log {
 public:
  // `inner` outlives it.
  explicit PassingLog(Log& inner) : inner_(inner) {}

  Result<> create_topic(const TopicSpec& spec) override { return inner_.create_topic(spec); }
  Result<> delete_topic(const std::string& name) override { return inner_.delete_topic(name); }
  Result<std::vector<TopicSpec>> topics() override { return inner_.topics(); }
  Result<TopicSpec> topic(const std::string& name) override { return inner_.topic(name); }
  Result<Bounds> bounds(const Position& position, Visibility visibility) override {
    return inner_.bounds(position, visibility);
  }
  Result<std::optional<Timestamp>> appended(const Position& position, Offset from) override {
    return inner_.appended(position, from);
  }
  Result<> trim(const Position& position, Offset keep) override { return inner_.trim(position, keep); }
  Result<Offsets> group_offsets(const std::string& group) override { return inner_.group_offsets(group); }
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    return std::unique_ptr<Producer>(std::make_unique<PassingProducer>(*this, TRY(inner_.producer(options))));
  }
  Result<std::unique_ptr<Consumer>> consumer(Visibility visibility) override {
    return inner_.consumer(visibility);
  }
  uint64_t written() const override { return inner_.written(); }
  uint64_t durable() const override { return inner_.durable(); }
  Result<> wait_durable(uint64_t mark) override { return inner_.wait_durable(mark); }
  void wait_for_more(uint64_t seen, Duration wait) override { inner_.wait_for_more(seen, wait); }
  void wake() override { inner_.wake(); }
  int64_t most_transaction_bytes() const override { return inner_.most_transaction_bytes(); }
  int64_t most_record_bytes() const override { return inner_.most_record_bytes(); }

 protected:
  // What a producer is given instead of this transaction of the other log.
  virtual std::unique_ptr<Transaction> around(std::unique_ptr<Transaction> inner) { return inner; }

 private:
  class PassingProducer final : public Producer {
   public:
    PassingProducer(PassingLog& log, std::unique_ptr<Producer> inner) : log_(log), inner_(std::move(inner)) {}
    Result<Offset> append(const Position& position, std::span<const RecordView> records) override {
      return inner_->append(position, records);
    }
    Result<> append_all(std::span<const Appending> parts, int64_t sequence) override {
      return inner_->append_all(parts, sequence);
    }
    Result<int64_t> last_sequence() override { return inner_->last_sequence(); }
    Result<std::unique_ptr<Transaction>> begin() override { return log_.around(TRY(inner_->begin())); }

   private:
    PassingLog& log_;
    const std::unique_ptr<Producer> inner_;
  };

  Log& inner_;
};

}  // namespace tradewind::log
