// What every Log promises to readers whose place is not there: before what is kept, or behind the end.
#include <gmock/gmock.h>

#include "log/contract.h"

namespace tradewind::log {
namespace {

using testing::ElementsAre;

template <typename Kind>
class PlacesContract : public LogContract<Kind> {};
TYPED_TEST_SUITE(PlacesContract, Kinds);

TYPED_TEST(PlacesContract, StartsReadersAtWhatATrimKept) {
  this->topic("frames");
  this->append({"frames", 0}, {record("a", "1"), record("b", "2")});
  this->append({"frames", 0}, {record("c", "3"), record("d", "4")});
  ASSERT_TRUE(this->log->trim({"frames", 0}, 3).ok());
  EXPECT_EQ(this->bounds({"frames", 0}).begin, 3);
  EXPECT_EQ(this->bounds({"frames", 0}).end, 4);
  EXPECT_THAT(this->read({"frames", 0}), ElementsAre("d=4"));
  ASSERT_TRUE(this->log->trim({"frames", 0}, 1).ok());
  EXPECT_EQ(this->bounds({"frames", 0}).begin, 3);
  ASSERT_TRUE(this->log->trim({"frames", 0}, 99).ok());
  EXPECT_EQ(this->bounds({"frames", 0}).begin, 4);
  EXPECT_EQ(this->append({"frames", 0}, {record("e", "5")}), 4);
  EXPECT_THAT(this->read({"frames", 0}), ElementsAre("e=5"));
}

TYPED_TEST(PlacesContract, MovesAReaderOnWhenItIsTrimmedUnderIt) {
  this->topic("frames");
  this->append({"frames", 0}, {record("a", "1"), record("b", "2"), record("c", "3")});
  auto consumer = std::move(this->log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign({"frames", 0}, 0).ok());
  ASSERT_TRUE(this->log->trim({"frames", 0}, 2).ok());
  const auto polled = std::move(consumer->poll(Duration(0), 10)).value();
  ASSERT_EQ(polled.size(), 1u);
  EXPECT_EQ(polled[0].records.front().offset, 2);
  EXPECT_EQ(polled[0].next, 3);
}

// A topic that was deleted and made anew behind the reader's back looks so.
TYPED_TEST(PlacesContract, WaitsBehindTheEndAndOnKafkaSaysSo) {
  this->topic("orders");
  this->append({"orders", 0}, {record("a", "1"), record("b", "2")});
  const auto consumer = std::move(this->log->consumer(Visibility::written)).value();
  ASSERT_TRUE(consumer->assign({"orders", 0}, 7).ok());
  bool told = false;
  for (int i = 0; i < (TypeParam::kSeesEnds ? 80 : 3) && !told; ++i) {
    const auto batches = consumer->poll(Duration(100), 10);
    ASSERT_TRUE(batches.ok()) << batches.error().message;
    for (const FetchedBatch& batch : *batches) {
      EXPECT_TRUE(batch.beyond_end() && batch.records.empty());
      EXPECT_EQ(batch.next, 7);
      EXPECT_EQ(batch.end, 2);
      told = true;
    }
  }
  EXPECT_EQ(told, TypeParam::kSeesEnds);
}

TYPED_TEST(PlacesContract, TellsHowManyOffsetsWereGoneBeforeTheyWereRead) {
  this->topic("orders");
  this->append({"orders", 0}, {record("a", "1"), record("b", "2"), record("c", "3"), record("d", "4")});
  ASSERT_TRUE(this->log->trim({"orders", 0}, 3).ok());
  const auto consumer = std::move(this->log->consumer(Visibility::durable)).value();
  ASSERT_TRUE(consumer->assign({"orders", 0}, 1).ok());
  const auto batches = std::move(consumer->poll(Duration(1'000), 10)).value();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(text_of(batches[0].records.front()), "d=4");
  EXPECT_EQ(batches[0].gone, 2);
}

}  // namespace
}  // namespace tradewind::log
