// What every Log promises, asked of each implementation.
#include <gmock/gmock.h>

#include "log/contract.h"

namespace tradewind::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TYPED_TEST_SUITE(LogContract, Kinds);

// What a log in memory has no part in: it ends with its process.
template <typename Kind>
class DurableLogContract : public LogContract<Kind> {};
TYPED_TEST_SUITE(DurableLogContract, DurableKinds);

TYPED_TEST(LogContract, KeepsTheOrderOfAPartitionAndCountsOffsetsFromZero) {
  this->topic("orders", 2);
  EXPECT_EQ(this->append({"orders", 0}, {record("a", "1"), record("b", "2")}), 0);
  EXPECT_EQ(this->append({"orders", 1}, {record("c", "3")}), 0);
  EXPECT_EQ(this->append({"orders", 0}, {record("d", "4")}), 2);
  EXPECT_THAT(this->read({"orders", 0}), ElementsAre("a=1", "b=2", "d=4"));
  EXPECT_THAT(this->read({"orders", 1}), ElementsAre("c=3"));
}

TYPED_TEST(LogContract, GivesBackTimesOffsetsAndHeaders) {
  this->topic("orders");
  const HeaderView headers[] = {{"trace", "77"}, {"empty", ""}, {"none", std::nullopt}};
  RecordView with = record("a", "1", 1'300'000'000'123);
  with.headers = headers;
  with.header_count = 3;
  this->append({"orders", 0}, {record("first", "0", -5), with, record("last", "2", 7)});
  auto consumer = std::move(this->log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign({"orders", 0}, 0).ok());
  std::vector<FetchedBatch> batches;  // brokers may send records that were appended together one by one
  std::vector<RecordView> records;
  while (records.size() < 3) {
    auto polled = std::move(consumer->poll(Duration(0), 10)).value();
    ASSERT_EQ(polled.size(), 1u);
    records.insert(records.end(), polled[0].records.begin(), polled[0].records.end());
    batches.push_back(std::move(polled[0]));
  }
  ASSERT_EQ(records.size(), 3u);
  EXPECT_TRUE(TypeParam::kMarks > 0 || batches.size() == 1);
  EXPECT_EQ(batches.back().next, 3);
  EXPECT_EQ(batches.back().end, 3);
  EXPECT_EQ(records[0].time.ms, -5);
  EXPECT_EQ(records[0].header_count, 0u);
  const RecordView& middle = records[1];
  EXPECT_EQ(middle.time.ms, 1'300'000'000'123);
  EXPECT_EQ(middle.offset, 1);
  ASSERT_EQ(middle.header_count, 3u);
  EXPECT_EQ(middle.headers[0].name, "trace");
  EXPECT_EQ(middle.headers[0].value, "77");
  EXPECT_EQ(middle.headers[1].value, "");
  EXPECT_EQ(middle.headers[2].name, "none");
  EXPECT_FALSE(middle.headers[2].value.has_value());
  EXPECT_EQ(records[2].time.ms, 7);
}

// Brokers refuse what is more than an hour ahead of them.
TYPED_TEST(LogContract, GivesBackTimesThatLieFarAhead) {
  constexpr int64_t kYear2100 = 4'102'444'800'000;
  this->topic("orders");
  this->append({"orders", 0}, {record("single", "1", kYear2100)});
  const RecordView together[] = {record("together", "2", kYear2100)};
  const Appending part{{"orders", 0}, together};
  ASSERT_TRUE(std::move(this->log->producer({})).value()->append_all({&part, 1}).ok());
  auto consumer = std::move(this->log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign({"orders", 0}, 0).ok());
  for (size_t found = 0; found < 2;) {
    const auto polled = std::move(consumer->poll(Duration(0), 10)).value();
    ASSERT_FALSE(polled.empty());
    for (const RecordView& one : polled[0].records) EXPECT_EQ(one.time.ms, kYear2100);
    found += polled[0].records.size();
  }
}

TYPED_TEST(LogContract, KnowsThatThereIsNothingYetBehindTheEnd) {
  this->topic("orders");
  EXPECT_EQ(*this->log->appended({"orders", 0}, 0), std::nullopt);
  this->append({"orders", 0}, {record("a", "1"), record("b", "2")});
  EXPECT_TRUE(this->log->appended({"orders", 0}, 1)->has_value());
  EXPECT_EQ(*this->log->appended({"orders", 0}, 2), std::nullopt);
  EXPECT_EQ(this->log->appended({"orders", 7}, 0).error().code, Code::not_found);
}

TYPED_TEST(LogContract, TellsTombstonesNullKeysAndEmptyValuesApart) {
  this->topic("orders");
  const RecordView tombstone{.key = "a"};
  const RecordView keyless{.value = "v"};
  const RecordView nothing{};
  this->append({"orders", 0}, {tombstone, keyless, record("", ""), nothing});
  EXPECT_THAT(this->read({"orders", 0}), ElementsAre("a=null", "null=v", "=", "null=null"));
}

TYPED_TEST(LogContract, TakesBigRecords) {
  this->topic("orders");
  const Bytes big(5'000'000, 'x');
  this->append({"orders", 0}, {record("before", "1"), record("big", big), record("after", "2")});
  const auto texts = this->read({"orders", 0});
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_EQ(texts[1].size(), big.size() + 4);
  EXPECT_EQ(texts[2], "after=2");
}

TYPED_TEST(LogContract, ReadsFromTheMiddleOfABatch) {
  this->topic("orders");
  this->append({"orders", 0}, {record("a", "1"), record("b", "2"), record("c", "3")});
  EXPECT_THAT(this->read({"orders", 0}, 2), ElementsAre("c=3"));
  EXPECT_THAT(this->read({"orders", 0}, 3), IsEmpty());
}

TYPED_TEST(LogContract, ServesAllAssignedPartitionsAndForgetsUnassignedOnes) {
  this->topic("orders", 3);
  for (int32_t p = 0; p < 3; ++p) this->append({"orders", p}, {record(std::to_string(p), "v")});
  auto consumer = std::move(this->log->consumer(Visibility::durable)).value();
  for (int32_t p = 0; p < 3; ++p) ASSERT_TRUE(consumer->assign({"orders", p}, 0).ok());
  consumer->unassign({"orders", 1});
  std::vector<int32_t> partitions;
  while (true) {
    const auto polled = std::move(consumer->poll(Duration(0), 100)).value();
    if (polled.empty()) break;
    for (const FetchedBatch& batch : polled) partitions.push_back(batch.position.partition);
  }
  EXPECT_THAT(partitions, testing::UnorderedElementsAre(0, 2));
}

TYPED_TEST(LogContract, ShowsACommittedTransactionWhole) {
  this->topic("in");
  this->topic("out", 2);
  auto producer = this->transactional("worker-0");
  auto transaction = std::move(producer->begin()).value();
  const RecordView one[] = {record("a", "1")};
  const RecordView two[] = {record("b", "2"), record("c", "3")};
  ASSERT_TRUE(transaction->append({"out", 0}, one).ok());
  ASSERT_TRUE(transaction->append({"out", 1}, two).ok());
  ASSERT_TRUE(transaction->append({"out", 0}, one).ok());
  EXPECT_GT(transaction->bytes(), 0);
  EXPECT_THAT(this->read({"out", 0}, 0, Visibility::written), IsEmpty());
  const auto first = transaction->commit("group", {{{"in", 0}, 7}});
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_THAT(*first,
              ElementsAre(testing::Pair(Position{"out", 0}, 0), testing::Pair(Position{"out", 1}, 0)));
  EXPECT_THAT(this->read({"out", 0}, 0, Visibility::written), ElementsAre("a=1", "a=1"));
  const uint64_t mark = this->log->written();
  ASSERT_TRUE(this->log->wait_durable(mark).ok());
  EXPECT_GE(this->log->durable(), mark);
  EXPECT_THAT(this->read({"out", 1}), ElementsAre("b=2", "c=3"));
  EXPECT_THAT(this->log->group_offsets("group").value(), ElementsAre(testing::Pair(Position{"in", 0}, 7)));
}

TYPED_TEST(LogContract, ForgetsATransactionThatIsNotCommitted) {
  this->topic("out");
  auto producer = this->transactional("worker-0");
  const RecordView one[] = {record("a", "1")};
  {
    auto transaction = std::move(producer->begin()).value();
    ASSERT_TRUE(transaction->append({"out", 0}, one).ok());
  }
  auto transaction = std::move(producer->begin()).value();
  const RecordView two[] = {record("b", "2")};
  ASSERT_TRUE(transaction->append({"out", 0}, two).ok());
  ASSERT_TRUE(transaction->commit("group", {}).ok());
  EXPECT_THAT(this->read({"out", 0}, 0, Visibility::written), ElementsAre("b=2"));
}

TYPED_TEST(LogContract, FencesTheEarlierProducerOfATransactionalId) {
  this->topic("out");
  const RecordView one[] = {record("a", "1")};
  auto earlier = this->transactional("worker-0");
  auto open = std::move(earlier->begin()).value();
  ASSERT_TRUE(open->append({"out", 0}, one).ok());
  auto later = this->transactional("worker-0");
  auto other = this->transactional("worker-1");
  EXPECT_EQ(open->commit("group", {{{"out", 0}, 1}}).error().code, Code::fenced);
  EXPECT_EQ(earlier->begin().error().code, Code::fenced);
  EXPECT_TRUE(later->begin().ok());
  EXPECT_TRUE(other->begin().ok());
  EXPECT_THAT(this->read({"out", 0}, 0, Visibility::written), IsEmpty());
  EXPECT_THAT(this->log->group_offsets("group").value(), IsEmpty());
}

TYPED_TEST(LogContract, HasTransactionsOnlyForTransactionalIds) {
  auto plain = std::move(this->log->producer({.id = "plain"})).value();
  EXPECT_EQ(plain->begin().error().code, Code::invalid);
  EXPECT_EQ(this->log->producer({.transactional = true}).error().code, Code::invalid);
}

TYPED_TEST(LogContract, WritesASequenceOnce) {
  this->topic("events", 2);
  const RecordView one[] = {record("a", "1")};
  const Appending parts[] = {{{"events", 0}, one}, {{"events", 1}, one}};
  auto producer = std::move(this->log->producer({.id = this->fresh("loader")})).value();
  EXPECT_EQ(producer->last_sequence().value(), -1);
  ASSERT_TRUE(producer->append_all(parts, 4).ok());
  ASSERT_TRUE(producer->append_all(parts, 4).ok());
  ASSERT_TRUE(producer->append_all(parts, 3).ok());
  EXPECT_EQ(producer->last_sequence().value(), 4);
  auto again = std::move(this->log->producer({.id = this->fresh("loader")})).value();
  ASSERT_TRUE(again->append_all(parts, 4).ok());
  EXPECT_EQ(again->last_sequence().value(), 4);
  EXPECT_THAT(this->read({"events", 0}), ElementsAre("a=1"));
  ASSERT_TRUE(again->append_all(parts, 5).ok());
  EXPECT_THAT(this->read({"events", 1}), ElementsAre("a=1", "a=1"));
}

TYPED_TEST(LogContract, WritesNothingAndKeepsTheSequenceWhenOnePartIsWrong) {
  this->topic("events");
  const RecordView one[] = {record("a", "1")};
  const Appending parts[] = {{{"events", 0}, one}, {{"missing", 0}, one}};
  auto producer = std::move(this->log->producer({.id = this->fresh("loader")})).value();
  EXPECT_EQ(producer->append_all(parts, 1).error().code, Code::not_found);
  EXPECT_EQ(producer->last_sequence().value(), -1);
  EXPECT_THAT(this->read({"events", 0}, 0, Visibility::written), IsEmpty());
}

TYPED_TEST(LogContract, NamesWhatItDoesNotKnow) {
  this->topic("orders", 2);
  const RecordView one[] = {record("a", "1")};
  auto producer = std::move(this->log->producer({})).value();
  EXPECT_EQ(producer->append({"missing", 0}, one).error().code, Code::not_found);
  EXPECT_EQ(producer->append({"orders", 2}, one).error().code, Code::not_found);
  EXPECT_EQ(producer->append({"orders", -1}, one).error().code, Code::not_found);
  EXPECT_EQ(this->log->topic("missing").error().code, Code::not_found);
  EXPECT_EQ(this->log->delete_topic("missing").error().code, Code::not_found);
  EXPECT_EQ(this->log->bounds({"missing", 0}, Visibility::written).error().code, Code::not_found);
  EXPECT_EQ(this->log->trim({"missing", 0}, 1).error().code, Code::not_found);
  auto consumer = std::move(this->log->consumer(Visibility::durable)).value();
  EXPECT_EQ(consumer->assign({"missing", 0}, 0).error().code, Code::not_found);
  EXPECT_THAT(this->log->group_offsets("nobody").value(), IsEmpty());
}

TYPED_TEST(LogContract, RefusesImpossibleTopics) {
  for (const std::string name : {"", ".", "..", "a b", "a/b", "\xc3\xa4"}) {
    EXPECT_EQ(this->log->create_topic({.name = name}).error().code, Code::invalid) << name;
  }
  EXPECT_EQ(this->log->create_topic({.name = std::string(250, 'a')}).error().code, Code::invalid);
  EXPECT_EQ(this->log->create_topic({.name = "orders", .partitions = 0}).error().code, Code::invalid);
  EXPECT_TRUE(this->log->create_topic({.name = std::string(249, 'a')}).ok());
}

TYPED_TEST(LogContract, CreatesATopicTwiceOnlyAlike) {
  this->topic("orders", 2);
  EXPECT_TRUE(this->log->create_topic({.name = "orders", .partitions = 2}).ok());
  EXPECT_EQ(this->log->create_topic({.name = "orders", .partitions = 3}).error().code, Code::conflict);
  EXPECT_EQ(this->log->topic("orders")->partitions, 2);
}

TYPED_TEST(LogContract, StartsATopicAnewAfterItWasDeleted) {
  this->topic("orders", 2);
  this->append({"orders", 1}, {record("old", "1")});
  ASSERT_TRUE(this->log->delete_topic("orders").ok());
  EXPECT_THAT(this->log->topics().value(), IsEmpty());
  this->topic("orders", 2);
  EXPECT_EQ(this->bounds({"orders", 1}).end, 0);
  EXPECT_EQ(this->append({"orders", 1}, {record("new", "2")}), 0);
  EXPECT_THAT(this->read({"orders", 1}), ElementsAre("new=2"));
}

TYPED_TEST(LogContract, TakesWhatIsAppendedRightBehindTheCreationOfItsTopic) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = "fresh" + std::to_string(i);
    this->topic(name, 3);
    EXPECT_EQ(this->append({name, i % 3}, {record("k", "v")}), 0) << name;
    ASSERT_TRUE(this->log->delete_topic(name).ok());
  }
}

TYPED_TEST(LogContract, TellsTheEndsOfManyPlacesAtOnce) {
  this->topic("one", 2);
  this->append({"one", 1}, {record("a", "1"), record("b", "2")});
  const Offsets ends = this->log->ends({{"one", 0}, {"one", 1}, {"nowhere", 0}}, Duration(5'000));
  EXPECT_THAT(ends, ElementsAre(Pair(Position{"one", 0}, 0), Pair(Position{"one", 1}, 2)));
}

TYPED_TEST(LogContract, TellsAtOnceWhatLiesBehindManyPlaces) {
  this->topic("orders", 2);
  this->append({"orders", 0}, {record("a", "1", 1'000), record("b", "2", 2'000), record("c", "3", 3'000)});
  const Offsets places{{{"orders", 0}, 1}, {{"orders", 1}, 0}, {{"nowhere", 0}, 0}};
  const auto backlog = this->log->backlog(places);
  ASSERT_TRUE(backlog.contains({"orders", 0}));
  EXPECT_EQ(backlog.at({"orders", 0}).records, 2);
  EXPECT_TRUE(backlog.at({"orders", 0}).oldest.has_value());
  ASSERT_TRUE(backlog.contains({"orders", 1}));
  EXPECT_EQ(backlog.at({"orders", 1}).records, 0);
  EXPECT_FALSE(backlog.contains({"nowhere", 0}));
}

TYPED_TEST(LogContract, CountsMarksUpwards) {
  this->topic("orders");
  const uint64_t before = this->log->written();
  this->append({"orders", 0}, {record("a", "1")});
  EXPECT_GT(this->log->written(), before);
  EXPECT_GE(this->log->durable(), this->log->written());
  EXPECT_TRUE(this->log->wait_durable(this->log->written()).ok());
  EXPECT_GT(this->log->most_transaction_bytes(), 0);
}

TYPED_TEST(DurableLogContract, IsTheSameAfterARestart) {
  TopicSpec spec{.name = "orders", .partitions = 3, .cleanup = Cleanup::compact, .retention = Duration(-1)};
  ASSERT_TRUE(this->log->create_topic(spec).ok());
  spec.replicas = this->log->topic("orders").value().replicas;  // as many as the cluster makes by itself
  this->topic("gone");
  this->append({"gone", 0}, {record("x", "9")});
  this->append({"orders", 2}, {record("a", "1"), record("b", "2"), record("c", "3")});
  ASSERT_TRUE(this->log->delete_topic("gone").ok());
  ASSERT_TRUE(this->log->trim({"orders", 2}, 1).ok());
  auto earlier = this->transactional("worker-0");
  auto open = std::move(earlier->begin()).value();
  const RecordView one[] = {record("d", "4")};
  ASSERT_TRUE(open->append({"orders", 0}, one).ok());
  ASSERT_TRUE(open->commit("group", {{{"orders", 2}, 3}}).ok());
  const Appending parts[] = {{{"orders", 1}, one}};
  ASSERT_TRUE(
      std::move(this->log->producer({.id = this->fresh("loader")})).value()->append_all(parts, 12).ok());
  const uint64_t durable = this->log->durable();
  open.reset();
  earlier.reset();

  for (int round = 0; round < 2; ++round) {
    this->restart();
    EXPECT_THAT(this->log->topics().value(), ElementsAre(spec));
    EXPECT_GE(this->log->durable(), durable);
    EXPECT_EQ(this->bounds({"orders", 2}).begin, 1);
    EXPECT_THAT(this->read({"orders", 2}), ElementsAre("b=2", "c=3"));
    EXPECT_THAT(this->read({"orders", 0}), ElementsAre("d=4"));
    EXPECT_THAT(this->log->group_offsets("group").value(),
                ElementsAre(testing::Pair(Position{"orders", 2}, 3)));
    auto loader = std::move(this->log->producer({.id = this->fresh("loader")})).value();
    EXPECT_EQ(loader->last_sequence().value(), 12);
    ASSERT_TRUE(loader->append_all(parts, 12).ok());
    EXPECT_EQ(this->bounds({"orders", 1}).end, 1 + TypeParam::kMarks);
  }
}

TYPED_TEST(DurableLogContract, GivesATopicMadeAfterARestartNothingOfADeletedOne) {
  this->topic("kept");
  this->topic("gone");
  const Bytes big(300'000, 'x');  // several segments, so that only footers and checkpoints tell of it
  this->append({"kept", 0}, {record("k", "1")});
  for (int i = 0; i < 8; ++i) this->append({"gone", 0}, {record("old", big)});
  ASSERT_TRUE(this->log->delete_topic("gone").ok());
  for (int i = 0; i < 8; ++i) this->append({"kept", 0}, {record("k", big)});
  this->restart();
  this->topic("fresh");
  this->append({"fresh", 0}, {record("new", "1")});
  for (int i = 0; i < 8; ++i) this->append({"kept", 0}, {record("k", big)});
  this->restart();
  EXPECT_THAT(this->read({"fresh", 0}), ElementsAre("new=1"));
  EXPECT_EQ(this->bounds({"kept", 0}).end, 17);
  EXPECT_EQ(this->read({"kept", 0}).size(), 17u);
}

}  // namespace
}  // namespace tradewind::log
