// The shop's five jobs over a day of the simulated shop, beside a plain recount of the same events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "apps/shop/topics.h"
#include "apps/simulate/event_json.h"
#include "apps/simulate/event_writer.h"
#include "base/json.h"
#include "cli/demo.h"
#include "data/decimal.h"
#include "engine/driver.h"
#include "log/memory_log.h"
#include "log/partitioner.h"

namespace tradewind::cli {
namespace {

using simulate::kTopics;
using simulate::Topic;

constexpr Timestamp kMorning{1'767'600'000'000};  // 2026-01-05T08:00:00Z
constexpr Duration kSpan(5LL * 3600 * 1000);

using Table = std::map<std::string, std::string>;  // key columns -> the others

std::string joined(const std::vector<std::string>& cells, size_t from, size_t to) {
  std::string text;
  for (size_t i = from; i < to; ++i) text += (i > from ? "|" : "") + cells[i];
  return text;
}

int64_t unscaled(const Json& value) {
  return static_cast<int64_t>(
      *rescale(parse_decimal(value.text())->unscaled, parse_decimal(value.text())->scale, 4));
}

std::string money(int64_t unscaled) {
  return decimal_text(unscaled, 4);
}

std::string text_of(const Json& record, const char* field) {
  return record.string_at(field).value_or("");
}

int64_t number_of(const Json& record, const char* field) {
  const Json* value = record.find(field);
  return value == nullptr ? 0 : value->integer().value_or(0);
}

class ShopQueries : public testing::Test {
 protected:
  static constexpr int64_t kMinute = 60'000;
  static void SetUpTestSuite() { world_ = new Day(); }
  static void TearDownTestSuite() {
    delete world_;
    world_ = nullptr;
  }

  // The shop's day, once for all tests. Nothing comes late, so that windows can be recounted; some comes
  // twice.
  struct Day {
    std::unique_ptr<log::Log> log = log::make_memory_log();
    std::unique_ptr<engine::Driver> driver;
    std::array<std::vector<Json>, kTopics> events;  // in the order in which they were sent

    Day() {
      driver = std::move(engine::Driver::start(*log, {})).value();
      schema::Registry& registry = driver->registry();
      EXPECT_TRUE(shop::declare_shop(*log, registry).ok());
      std::vector<std::string> notes;
      const auto made = driver->engine().run_files(shop_queries(), notes);
      EXPECT_TRUE(made.ok()) << made.error().message;
      ManualClock clock(kMorning);
      ingest::Ingestor ingestor(*log, registry, clock, {});
      EXPECT_TRUE(ingestor.start().ok());
      ShopFeedOptions options{.producer = "day"};
      options.shop = {.seed = 5, .from = kMorning, .volume = 6, .late_percent = 0, .doubled_percent = 2};
      auto feed = std::move(ShopFeed::open(*log, registry, ingestor, options, kMorning)).value();
      while (feed->send(kMorning + kSpan, 2'000).value() > 0) {
      }
      const auto settled = driver->settle();
      EXPECT_TRUE(settled.ok()) << settled.error().message;
      tell(options.shop);
    }

    void tell(const simulate::SimulationOptions& options) {
      auto shop = std::move(simulate::Simulation::create(options)).value();
      std::array<schema::AvroSchemaPtr, kTopics> schemas;
      for (size_t i = 0; i < kTopics; ++i)
        schemas[i] = schema::AvroSchema::parse(schema_of(static_cast<Topic>(i))).value();
      simulate::EventBatch batch;
      shop->run(kMorning + kSpan, SIZE_MAX, batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        const auto topic = static_cast<size_t>(batch[i].topic);
        std::string text;
        EXPECT_TRUE(simulate::EventJson(schemas[topic]->root()).append(batch[i].value.substr(5), text));
        events[topic].push_back(parse_json(text).value());
      }
    }
  };

  // The rows of a SELECT whose first columns are its key.
  static Table rows(const std::string& select, size_t keys) {
    const auto answer = world_->driver->select(select, {});
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    Table table;
    if (!answer.ok()) return table;
    for (const auto& row : answer->rows) table[joined(row, 0, keys)] = joined(row, keys, row.size());
    return table;
  }
  static const std::vector<Json>& events(Topic topic) { return world_->events[static_cast<size_t>(topic)]; }
  static std::string window(const Json& event, int64_t size_ms) {
    return std::to_string(number_of(event, "event_time") / size_ms * size_ms);
  }

  static Day* world_;
};
ShopQueries::Day* ShopQueries::world_ = nullptr;

TEST_F(ShopQueries, RevenueByCategoryAndMinuteIsWhatWasOrdered) {
  struct Sum {
    int64_t lines = 0, units = 0, revenue = 0;
  };
  std::map<std::string, Sum> sums;
  for (const Json& order : events(Topic::orders)) {
    if (text_of(order, "event_type") != "ORDER_PLACED") continue;
    for (const Json& line : order.find("items")->elements()) {
      Sum& sum = sums[text_of(line, "category") + "|" + window(order, kMinute)];
      ++sum.lines;
      sum.units += number_of(line, "quantity");
      sum.revenue += unscaled(*line.find("line_total"));
    }
  }
  Table expected;
  for (const auto& [key, sum] : sums)
    expected[key] = std::to_string(sum.lines) + "|" + std::to_string(sum.units) + "|" + money(sum.revenue);
  EXPECT_GT(expected.size(), 100U);
  EXPECT_EQ(rows("SELECT category, windowstart, line_count, units, revenue FROM revenue_by_category;", 2),
            expected);
}

TEST_F(ShopQueries, NetRevenueTakesOffWhatWasTakenBackAndLeavesOutWhatCameTwice) {
  std::map<std::string, std::pair<int64_t, int64_t>> sums;  // booked, taken back
  std::set<std::string> seen;
  for (const Json& order : events(Topic::orders)) {
    const std::string type = text_of(order, "event_type");
    const bool placed = type == "ORDER_PLACED";
    if (!placed && type != "ORDER_CANCELLED" && type != "ORDER_REFUNDED") continue;
    if (!seen.insert(text_of(order, placed ? "order_id" : "event_id")).second) continue;
    for (const Json& item : order.find("items")->elements()) {
      auto& sum = sums[text_of(item, "category")];
      (placed ? sum.first : sum.second) += unscaled(*item.find("line_total"));
    }
  }
  Table expected;
  bool any_taken_back = false;
  for (const auto& [category, sum] : sums) {
    expected[category] = money(sum.first) + "|" + money(sum.first - sum.second);
    any_taken_back = any_taken_back || sum.second != 0;
  }
  EXPECT_TRUE(any_taken_back);
  EXPECT_EQ(rows("SELECT category, booked, net FROM revenue_net;", 1), expected);
}

TEST_F(ShopQueries, TheFunnelCountsEventsAndVisitorsOfEachHour) {
  const std::set<std::string> steps = {"PRODUCT_VIEWED", "PRODUCT_ADDED", "CHECKOUT_STARTED",
                                       "ORDER_COMPLETED"};
  std::map<std::string, int64_t> counts;
  std::map<std::string, std::set<std::string>> visitors;
  for (const Json& event : events(Topic::customer_events)) {
    const std::string type = text_of(event, "event_type");
    if (!steps.contains(type)) continue;
    const std::string key = type + "|" + window(event, 60 * kMinute);
    ++counts[key];
    visitors[key].insert(text_of(event, "visitor_id"));
  }
  Table expected;
  for (const auto& [key, count] : counts)
    expected[key] = std::to_string(count) + "|" + std::to_string(visitors[key].size());
  EXPECT_EQ(expected.size(), 20U);
  EXPECT_EQ(rows("SELECT event_type, windowstart, events, visitors FROM funnel_steps;", 2), expected);
}

TEST_F(ShopQueries, StockIsWhatWasToldLast) {
  Table expected;
  for (const Json& event : events(Topic::inventory)) {
    expected[text_of(event, "product_id") + "|" + text_of(event, "location_id")] =
        std::to_string(number_of(event, "available")) + "|" +
        std::to_string(number_of(event, "reorder_point"));
  }
  EXPECT_EQ(rows("SELECT product_id, location_id, available, reorder_point FROM stock;", 2), expected);
}

TEST_F(ShopQueries, InterestCountsNobodyTwiceInHalfAnHourAndNoBots) {
  const std::map<std::string, int> weights = {
      {"PRODUCT_VIEWED", 1}, {"PRODUCT_ADDED", 3}, {"ORDER_COMPLETED", 6}};
  const int32_t partitions = world_->log->topic("customer-events")->partitions;
  std::map<int32_t, int64_t> reached;
  std::map<std::string, int64_t> last;
  std::map<std::string, int64_t> counts;
  bool any_bot = false;
  bool any_twice = false;
  for (const Json& event : events(Topic::customer_events)) {
    const std::string type = text_of(event, "event_type");
    const auto weight = weights.find(type);
    const bool bot = event.find("bot_score")->real().value() >= 0.5;
    any_bot = any_bot || bot;
    if (weight == weights.end() || bot) continue;
    const int64_t time = number_of(event, "event_time");
    int64_t& newest = reached[log::partition_of(text_of(event, "visitor_id"), partitions)];
    newest = std::max(newest, time);
    for (const Json& item : event.find("items")->elements()) {
      const std::string who = text_of(event, "visitor_id") + "|" + text_of(item, "product_id");
      const auto [known, first] = last.emplace(who + type, INT64_MIN / 2);
      // What lies half an hour behind the newest of its partition is forgotten: what is sent again may pass.
      const bool forgotten = first || known->second <= newest - 30 * kMinute;
      const bool twice = !forgotten && std::abs(time - known->second) < 30 * kMinute;
      any_twice = any_twice || twice;
      if (twice) continue;
      known->second = forgotten ? time : std::max(known->second, time);
      ++counts[text_of(event, "visitor_id") + "|" + text_of(item, "category") + "|" +
               text_of(item, "product_id") + "|" + std::to_string(weight->second)];
    }
  }
  EXPECT_TRUE(any_bot && any_twice);
  const auto answer =
      world_->driver->select("SELECT visitor_key, category, product_id, weight FROM product_interest;", {});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  std::map<std::string, int64_t> found;
  for (const auto& row : answer->rows) ++found[joined(row, 0, row.size())];
  EXPECT_EQ(found, counts);
}

TEST_F(ShopQueries, CardBurstsAreFourAttemptsInFiveMinutes) {
  struct Burst {
    int64_t attempts = 0, amount = 0;
    std::set<std::string> accounts;
  };
  std::map<std::string, Burst> bursts;
  for (const Json& order : events(Topic::orders)) {
    if (text_of(order, "event_type") != "PAYMENT_ATTEMPTED") continue;
    Burst& burst =
        bursts[text_of(*order.find("payment"), "card_fingerprint") + "|" + window(order, 5 * kMinute)];
    ++burst.attempts;
    burst.amount += unscaled(*order.find("total"));
    burst.accounts.insert(text_of(order, "customer_id"));
  }
  // Older windows are gone, or soon will be.
  const auto kept = [](const std::string& key) {
    return std::stoll(key.substr(key.find('|') + 1)) >= kMorning.ms + kSpan.count() - 120 * kMinute;
  };
  Table expected;
  for (const auto& [key, burst] : bursts) {
    if (burst.attempts < 4 || !kept(key)) continue;
    expected[key] = std::to_string(burst.attempts) + "|" + std::to_string(burst.accounts.size()) + "|" +
                    money(burst.amount);
  }
  EXPECT_GT(expected.size(), 0U);
  Table found = rows("SELECT card, windowstart, attempts, accounts, amount FROM card_bursts;", 2);
  std::erase_if(found, [&](const auto& row) { return !kept(row.first); });
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace tradewind::cli
