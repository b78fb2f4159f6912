// Commits of which nobody knows whether they went through: what was sent is there once all the same.
#include "ingest/ingestor.h"
#include "log/memory_log.h"
#include "schema/local_registry.h"

namespace tradewind::ingest {
namespace {

using log::Position;

// Passes everything on to another log, but says of some commits that it is not known whether they went
// through.
class DoubtfulLog final : public log::Log {
 public:
  explicit DoubtfulLog(log::Log& inner) : inner_(inner) {}

  // How often the next commit is answered so; whether it went through, the first time it was asked for;
  // whether it is known at last that it did not.
  int silent = 0;
  bool goes_through = false;
  bool given_up = false;

  Result<> create_topic(const log::TopicSpec& spec) override { return inner_.create_topic(spec); }
  Result<> delete_topic(const std::string& name) override { return inner_.delete_topic(name); }
  Result<std::vector<log::TopicSpec>> topics() override { return inner_.topics(); }
  Result<log::TopicSpec> topic(const std::string& name) override { return inner_.topic(name); }
  Result<Bounds> bounds(const Position& position, log::Visibility visibility) override {
    return inner_.bounds(position, visibility);
  }
  Result<std::optional<Timestamp>> appended(const Position& position, log::Offset from) override {
    return inner_.appended(position, from);
  }
  Result<> trim(const Position& position, log::Offset keep) override { return inner_.trim(position, keep); }
  Result<log::Offsets> group_offsets(const std::string& group) override {
    return inner_.group_offsets(group);
  }
  Result<std::unique_ptr<log::Producer>> producer(const log::ProducerOptions& options) override {
    return std::unique_ptr<log::Producer>(std::make_unique<Producer>(*this, TRY(inner_.producer(options))));
  }
  Result<std::unique_ptr<log::Consumer>> consumer(log::Visibility visibility) override {
    return inner_.consumer(visibility);
  }
  uint64_t written() const override { return inner_.written(); }
  uint64_t durable() const override { return inner_.durable(); }
  Result<> wait_durable(uint64_t mark) override { return inner_.wait_durable(mark); }
  void wait_for_more(uint64_t seen, Duration wait) override { inner_.wait_for_more(seen, wait); }
  void wake() override { inner_.wake(); }
  int64_t most_transaction_bytes() const override { return inner_.most_transaction_bytes(); }
  int64_t most_record_bytes() const override { return inner_.most_record_bytes(); }

 private:
  class Transaction final : public log::Transaction {
   public:
    Transaction(DoubtfulLog& log, std::unique_ptr<log::Transaction> inner)
        : log_(log), inner_(std::move(inner)) {}
    Result<> append(const Position& position, std::span<const log::RecordView> records) override {
      return inner_->append(position, records);
    }
    Result<log::Offsets> commit(std::string_view group, const log::Offsets& consumed) override {
      if (log_.silent > 0) {
        --log_.silent;
        if (log_.goes_through && !through_) TRY(inner_->commit(group, consumed));
        through_ |= log_.goes_through;
        in_doubt_ = true;
        return Error{Code::unavailable, "no broker answers"};
      }
      if (in_doubt_ && log_.given_up) {
        in_doubt_ = false;
        return Error{Code::invalid, "it was given up"};
      }
      in_doubt_ = false;
      return through_ ? log::Offsets() : inner_->commit(group, consumed);
    }
    bool in_doubt() const override { return in_doubt_; }
    int64_t bytes() const override { return inner_->bytes(); }

   private:
    DoubtfulLog& log_;
    const std::unique_ptr<log::Transaction> inner_;
    bool in_doubt_ = false;
    bool through_ = false;
  };

  class Producer final : public log::Producer {
   public:
    Producer(DoubtfulLog& log, std::unique_ptr<log::Producer> inner) : log_(log), inner_(std::move(inner)) {}
    Result<log::Offset> append(const Position& position, std::span<const log::RecordView> records) override {
      return inner_->append(position, records);
    }
    Result<> append_all(std::span<const log::Appending> parts, int64_t sequence) override {
      return inner_->append_all(parts, sequence);
    }
    Result<int64_t> last_sequence() override { return inner_->last_sequence(); }
    Result<std::unique_ptr<log::Transaction>> begin() override {
      return std::unique_ptr<log::Transaction>(std::make_unique<Transaction>(log_, TRY(inner_->begin())));
    }

   private:
    DoubtfulLog& log_;
    const std::unique_ptr<log::Producer> inner_;
  };

  log::Log& inner_;
};

class DoubtTest : public testing::Test {
 protected:
  DoubtTest() {
    registry_ = std::move(schema::LocalRegistry::open(*memory_)).value();
    EXPECT_TRUE(memory_->create_topic({.name = "orders", .partitions = 1}).ok());
    EXPECT_TRUE(registry_
                    ->register_schema(
                        "orders-value", schema::SchemaKind::avro,
                        R"({"type":"record","name":"O","fields":[{"name":"event_id","type":"string"}]})")
                    .ok());
    open();
  }
  void open() {
    ingestor_ = std::make_unique<Ingestor>(log_, *registry_, clock_, std::map<std::string, TopicRule>());
    EXPECT_TRUE(ingestor_->start().ok());
  }
  // The code of what it was answered with; nothing: it was taken.
  std::optional<Code> send(const std::string& id) {
    const auto taken = ingestor_->take("orders", R"({"event_id":")" + id + R"("})", std::nullopt);
    return taken.ok() ? std::nullopt : std::optional(taken.error().code);
  }
  log::Offset records() { return memory_->bounds({"orders", 0}, log::Visibility::durable)->end; }

  const std::unique_ptr<log::Log> memory_ = log::make_memory_log();
  DoubtfulLog log_{*memory_};
  ManualClock clock_{Timestamp{1'000'000}};
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(DoubtTest, WhatWentThroughIsNotAppendedAgainWhenItIsSentAgain) {
  log_.silent = 1;
  log_.goes_through = true;
  EXPECT_EQ(send("a"), Code::unavailable);
  EXPECT_EQ(send("a"), std::nullopt);
  EXPECT_EQ(send("b"), std::nullopt);
  EXPECT_EQ(records(), 2);
  open();  // the ids are in the log as well
  EXPECT_EQ(send("a"), std::nullopt);
  EXPECT_EQ(records(), 2);
}

TEST_F(DoubtTest, WhatDidNotIsAppendedOnceByAskingAgain) {
  log_.silent = 1;
  EXPECT_EQ(send("a"), Code::unavailable);
  EXPECT_EQ(send("a"), std::nullopt);
  EXPECT_EQ(records(), 1);
}

TEST_F(DoubtTest, NothingElseIsAppendedAsLongAsItIsNotKnown) {
  log_.silent = 3;
  log_.goes_through = true;
  EXPECT_EQ(send("a"), Code::unavailable);
  EXPECT_EQ(send("b"), Code::unavailable);
  EXPECT_EQ(send("c"), Code::unavailable);
  EXPECT_EQ(send("c"), std::nullopt);
  EXPECT_EQ(send("b"), std::nullopt);
  EXPECT_EQ(send("a"), std::nullopt);
  EXPECT_EQ(records(), 3);
}

TEST_F(DoubtTest, WhatWasGivenUpIsTakenWhenItIsSentAgain) {
  log_.silent = 1;
  EXPECT_EQ(send("a"), Code::unavailable);
  log_.given_up = true;
  EXPECT_EQ(send("a"), std::nullopt);
  EXPECT_EQ(send("a"), std::nullopt);
  EXPECT_EQ(records(), 1);
}

}  // namespace
}  // namespace tradewind::ingest
