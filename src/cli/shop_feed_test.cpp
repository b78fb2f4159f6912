#include "cli/shop_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "apps/shop/topics.h"
#include "apps/simulate/event_json.h"
#include "apps/simulate/event_writer.h"
#include "log/memory_log.h"
#include "schema/local_registry.h"

namespace tradewind::cli {
namespace {

using simulate::kTopics;
using simulate::Topic;

constexpr Timestamp kNow{1'767'600'000'000};  // 2026-01-05T08:00:00Z
constexpr Duration kHour(3'600'000);

std::map<std::string, ingest::TopicRule> rules() {
  std::map<std::string, ingest::TopicRule> rules{{"simulated-truth", {.key_field = "subject_id"}}};
  for (const shop::ShopTopic& topic : shop::shop_topics()) rules[topic.name] = {.key_field = topic.key_field};
  return rules;
}

class ShopFeedTest : public testing::Test {
 protected:
  ShopFeedTest() : log_(log::make_memory_log()) {
    registry_ = std::move(schema::LocalRegistry::open(*log_)).value();
    EXPECT_TRUE(shop::declare_shop(*log_, *registry_).ok());
    ingestor_ = std::make_unique<ingest::Ingestor>(*log_, *registry_, clock_, rules());
    EXPECT_TRUE(ingestor_->start().ok());
    options_.producer = "test-shop";
    options_.shop.from = kNow - kHour;
  }

  std::unique_ptr<ShopFeed> open(Timestamp now) {
    auto feed = ShopFeed::open(*log_, *registry_, *ingestor_, options_, now);
    EXPECT_TRUE(feed.ok()) << feed.error().message;
    return std::move(*feed);
  }

  // What lies in a topic: how often each value is there.
  std::map<Bytes, int> values_of(Topic topic) {
    std::map<Bytes, int> values;
    each(topic, [&](const log::RecordView& record) { ++values[Bytes(*record.value)]; });
    return values;
  }

  template <typename Look>
  void each(Topic topic, Look look) {
    const std::string name = name_of(topic);
    for (int32_t partition = 0; partition < log_->topic(name)->partitions; ++partition) {
      const log::Position position{name, partition};
      const auto bounds = *log_->bounds(position, log::Visibility::durable);
      auto consumer = std::move(log_->consumer(log::Visibility::durable)).value();
      ASSERT_TRUE(consumer->assign(position, bounds.begin).ok());
      for (log::Offset next = bounds.begin; next < bounds.end;) {
        const auto polled = consumer->poll(Duration(0), 10'000);
        for (const log::FetchedBatch& batch : *polled) {
          for (const log::RecordView& record : batch.records) look(record);
          next = batch.next;
        }
      }
    }
  }

  // What a shop that nothing befell sends.
  std::array<std::map<Bytes, int>, kTopics> undisturbed(uint64_t events) {
    simulate::SimulationOptions shop = options_.shop;
    for (size_t i = 0; i < kTopics; ++i)
      shop.schema_ids[i] = registry_->latest(std::string(name_of(static_cast<Topic>(i))) + "-value")->id;
    auto made = std::move(simulate::Simulation::create(shop)).value();
    std::array<std::map<Bytes, int>, kTopics> values;
    simulate::EventBatch batch;
    made->run(Timestamp::max(), events, batch);
    for (size_t i = 0; i < batch.size() && i < events; ++i)
      ++values[static_cast<size_t>(batch[i].topic)][Bytes(batch[i].value)];
    return values;
  }

  void expect_undisturbed(uint64_t events) {
    const auto expected = undisturbed(events);
    for (size_t i = 0; i < kTopics; ++i) {
      EXPECT_TRUE(values_of(static_cast<Topic>(i)) == expected[i]) << name_of(static_cast<Topic>(i));
      EXPECT_FALSE(expected[i].empty());
    }
  }

  ManualClock clock_{kNow};
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<ingest::Ingestor> ingestor_;
  ShopFeedOptions options_;
};

TEST_F(ShopFeedTest, GoesOnBehindTheLastEventWhereverItWasKilled) {
  uint64_t sent = 0;
  for (const size_t most : {1UL, 700UL, 1UL, 5'000UL, 3'000UL}) {
    const auto feed = open(kNow);
    EXPECT_EQ(feed->sent(), sent);
    ASSERT_TRUE(feed->send(Timestamp::max(), most).ok());
    sent = feed->sent();
  }
  expect_undisturbed(sent);
}

TEST_F(ShopFeedTest, GoesOnFromTheSavedShopWithoutDoublingOrLosing) {
  options_.saved = true;
  options_.history = options_.caught_up = kHour;
  uint64_t sent = 0;
  for (int start = 0; start < 4; ++start) {
    const auto feed = open(kNow);
    EXPECT_EQ(feed->sent(), sent);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(feed->send(kNow, 4'000).ok());
    sent = feed->sent();
    if (start == 2) {
      ASSERT_TRUE(feed->save().ok());
    }
  }
  expect_undisturbed(sent);
}

TEST_F(ShopFeedTest, KeepsOnlyTheLastSavedShop) {
  options_.saved = true;
  for (int start = 0; start < 3; ++start) {
    const auto feed = open(kNow);
    ASSERT_TRUE(feed->send(kNow + kHour, 1'000).ok());
    ASSERT_TRUE(feed->save().ok());
  }
  const auto bounds = log_->bounds({kSimulatorTopic, 0}, log::Visibility::durable);
  EXPECT_EQ(bounds->end - bounds->begin, 1);
}

TEST_F(ShopFeedTest, MakesUpForAShortPauseAndLeavesAGapInALongOne) {
  options_.saved = true;
  options_.history = options_.caught_up = kHour;
  options_.shop.volume = 2;
  {
    const auto feed = open(kNow);
    ASSERT_TRUE(feed->send(kNow, 1'000'000).ok());
  }
  const Timestamp soon = kNow + Duration(600'000);
  {
    const auto feed = open(soon);
    EXPECT_LT(feed->now(), kNow);
    ASSERT_TRUE(feed->send(soon, 1'000'000).ok());
  }
  const Timestamp much_later = kNow + kHour * 48;
  const auto feed = open(much_later);
  ASSERT_TRUE(feed->send(much_later, 1'000'000).ok());
  size_t in_the_gap = 0, caught_up = 0, between = 0;
  each(Topic::customer_events, [&](const log::RecordView& record) {
    in_the_gap += record.time >= soon && record.time < much_later - kHour ? 1 : 0;
    caught_up += record.time >= much_later - kHour ? 1 : 0;
    between += record.time >= kNow && record.time < soon ? 1 : 0;
  });
  EXPECT_EQ(in_the_gap, 0U);
  EXPECT_GT(caught_up, 1'000U);
  EXPECT_GT(between, 200U);
}

TEST_F(ShopFeedTest, GoesOnWithAnotherVolume) {
  options_.saved = true;
  options_.history = options_.caught_up = kHour;
  options_.shop.volume = 5;
  uint64_t sent = 0;
  {
    const auto feed = open(kNow);
    ASSERT_TRUE(feed->send(kNow, 1'000'000).ok());
    sent = feed->sent();
  }
  options_.shop.volume = 50;
  const auto feed = open(kNow + kHour);
  EXPECT_EQ(feed->sent(), sent);
  ASSERT_TRUE(feed->send(kNow + kHour, 1'000'000).ok());
  EXPECT_GT(feed->sent(), sent * 4);
}

TEST_F(ShopFeedTest, MakesEventsThatTheIngestorTakesAsJson) {
  simulate::SimulationOptions shop = options_.shop;
  auto made = std::move(simulate::Simulation::create(shop)).value();
  simulate::EventBatch batch;
  open(kNow);  // declares the topic of the labels
  std::array<schema::AvroSchemaPtr, kTopics> schemas;
  for (size_t i = 0; i < kTopics; ++i)
    schemas[i] = *schema::AvroSchema::parse(schema_of(static_cast<Topic>(i)));
  std::array<size_t, kTopics> accepted{};
  for (int round = 0; round < 20; ++round) {
    batch.clear();
    made->run(Timestamp::max(), 2'000, batch);
    std::array<std::string, kTopics> bodies;
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto topic = static_cast<size_t>(batch[i].topic);
      bodies[topic] += bodies[topic].empty() ? "[" : ",";
      ASSERT_TRUE(simulate::EventJson(schemas[topic]->root())
                      .append(batch[i].value.substr(simulate::EventBatch::kHeaderBytes), bodies[topic]));
    }
    for (size_t topic = 0; topic < kTopics; ++topic) {
      if (bodies[topic].empty()) continue;
      const std::string name = name_of(static_cast<Topic>(topic));
      const auto taken = ingestor_->take(name, bodies[topic] + "]", ingest::Numbered{"http-" + name, round});
      ASSERT_TRUE(taken.ok()) << taken.error().message;
      EXPECT_TRUE(taken->rejected.empty()) << name << ": " << taken->rejected[0].error;
      accepted[topic] += taken->accepted;
    }
  }
  EXPECT_THAT(accepted, testing::Each(testing::Gt(10U)));
}

TEST_F(ShopFeedTest, SaysTheSameAsJsonAsInAvro) {
  options_.shop.doubled_percent = 0;
  simulate::EventBatch batch;
  const auto feed = open(kNow);
  ASSERT_TRUE(feed->send(Timestamp::max(), 30'000).ok());
  const auto straight = values_of(Topic::orders);
  const auto schema = *schema::AvroSchema::parse(schema_of(Topic::orders));
  std::string body;
  for (const auto& [value, count] : straight) {
    body += body.empty() ? "[" : ",";
    ASSERT_TRUE(simulate::EventJson(schema->root()).append(BytesView(value).substr(5), body));
  }
  ASSERT_TRUE(ingestor_->take("orders", body + "]", ingest::Numbered{"http", 1}).ok());
  for (const auto& [value, count] : values_of(Topic::orders)) EXPECT_EQ(count, 2 * straight.at(value));
}

}  // namespace
}  // namespace tradewind::cli
