// Commits of which nobody knows whether they went through: what was sent is there once all the same.
#include "ingest/ingestor.h"
#include "log/memory_log.h"
#include "log/passing_log.h"
#include "schema/local_registry.h"

namespace tradewind::ingest {
namespace {

using log::Position;

// Says of some commits that it is not known whether they went through.
class DoubtfulLog final : public log::PassingLog {
 public:
  using PassingLog::PassingLog;

  // How often the next commit is answered so; whether it went through, the first time it was asked for;
  // whether it is known at last that it did not.
  int silent = 0;
  bool goes_through = false;
  bool given_up = false;

 private:
  class Transaction final : public log::PassingTransaction {
   public:
    Transaction(DoubtfulLog& log, std::unique_ptr<log::Transaction> inner)
        : PassingTransaction(std::move(inner)), log_(log) {}
    Result<log::Offsets> commit(std::string_view group, const log::Offsets& consumed) override {
      if (log_.silent > 0) {
        --log_.silent;
        if (log_.goes_through && !through_) TRY(PassingTransaction::commit(group, consumed));
        through_ |= log_.goes_through;
        in_doubt_ = true;
        return Error{Code::unavailable, "no broker answers"};
      }
      if (in_doubt_ && log_.given_up) {
        in_doubt_ = false;
        return Error{Code::invalid, "it was given up"};
      }
      in_doubt_ = false;
      return through_ ? log::Offsets() : PassingTransaction::commit(group, consumed);
    }
    bool in_doubt() const override { return in_doubt_; }

   private:
    DoubtfulLog& log_;
    bool in_doubt_ = false;
    bool through_ = false;
  };

  std::unique_ptr<log::Transaction> around(std::unique_ptr<log::Transaction> inner) override {
    return std::make_unique<Transaction>(*this, std::move(inner));
  }
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
