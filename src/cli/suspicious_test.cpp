// How well queries/shop/suspicious_orders.sql tells fraudsters' orders from honest ones, in a simulated shop
// whose labels say which they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "apps/shop/topics.h"
#include "apps/simulate/event_json.h"
#include "apps/simulate/event_writer.h"
#include "base/json.h"
#include "cli/demo.h"
#include "engine/driver.h"
#include "log/memory_log.h"

namespace tradewind::cli {
namespace {

constexpr Timestamp kMorning{1'767'600'000'000};  // 2026-01-05T08:00:00Z
constexpr Duration kSpan(3600 * 1000);

using Kinds = std::map<std::string, std::string>;  // of fraud, by order

Kinds labels_of(const simulate::SimulationOptions& options) {
  auto shop = std::move(simulate::Simulation::create(options)).value();
  simulate::EventBatch batch;
  shop->run(kMorning + kSpan, SIZE_MAX, batch);
  const auto schema = schema::AvroSchema::parse(simulate::schema_of(simulate::Topic::truth)).value();
  Kinds kinds;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].topic != simulate::Topic::truth) continue;
    std::string text;
    EXPECT_TRUE(simulate::EventJson(schema->root()).append(batch[i].value.substr(5), text));
    const Json label = parse_json(text).value();
    const std::string kind = label.string_at("event_type").value_or("");
    if (label.string_at("subject_kind") == "order" && kind != "BULK_ORDER_CANCELLED")
      kinds[label.string_at("subject_id").value_or("")] = kind;
  }
  return kinds;
}

TEST(SuspiciousOrders, AreMostlyFraudAndMostOfTheFraudThatAnOrderShows) {
  const auto log = log::make_memory_log();
  const auto driver = std::move(engine::Driver::start(*log, {})).value();
  ASSERT_TRUE(shop::declare_shop(*log, driver->registry()).ok());
  std::map<std::string, std::string> files;
  for (const auto& [name, text] : shop_queries()) {
    if (name.find("sources") != std::string::npos || name.find("suspicious") != std::string::npos)
      files[name] = text;
  }
  ASSERT_EQ(files.size(), 2U);
  std::vector<std::string> notes;
  const auto made = driver->engine().run_files(files, notes);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ManualClock clock(kMorning);
  ingest::Ingestor ingestor(*log, driver->registry(), clock, {});
  ASSERT_TRUE(ingestor.start().ok());
  ShopFeedOptions options{.producer = "shop"};
  options.shop = {.seed = 1, .from = kMorning, .volume = 100, .doubled_percent = 5};
  auto feed = std::move(ShopFeed::open(*log, driver->registry(), ingestor, options, kMorning)).value();
  while (feed->send(kMorning + kSpan, 2'000).value() > 0) {
  }
  ASSERT_TRUE(driver->settle().ok());

  const Kinds kinds = labels_of(options.shop);
  size_t rows = 0;  // of the last look
  const auto ids = [&](const std::string& select) {
    const auto answer = driver->select(select, {});
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    std::set<std::string> found;
    for (const auto& row : answer->rows) found.insert(row[0]);
    rows = answer->rows.size();
    return found;
  };
  const auto placed = ids("SELECT order_id FROM scored_orders WHERE event_type = 'ORDER_PLACED';");
  ASSERT_GT(rows, placed.size());  // some were sent twice
  const auto told = ids("SELECT order_id FROM suspicious_orders WHERE ARRAY_LENGTH(reasons) > 0;");
  ASSERT_EQ(told, ids("SELECT order_id FROM suspicious_orders;"));
  EXPECT_EQ(rows, told.size());
  std::map<std::string, std::pair<size_t, size_t>> by_kind;  // told, placed
  for (const std::string& order : placed) {
    const auto kind = kinds.find(order);
    auto& [found, all] = by_kind[kind == kinds.end() ? "honest" : kind->second];
    found += told.contains(order) ? 1 : 0;
    ++all;
  }
  size_t found = 0;
  size_t visible = 0;
  for (const auto& [kind, counts] : by_kind) {
    std::printf("%s: %zu of %zu orders\n", kind.c_str(), counts.first, counts.second);
    // Who will say that a parcel never came orders like anybody else.
    if (kind == "honest" || kind == "REFUND_ABUSE") continue;
    found += counts.first;
    visible += counts.second;
  }
  const double precision = static_cast<double>(found) / static_cast<double>(told.size());
  const double recall = static_cast<double>(found) / static_cast<double>(visible);
  std::printf("precision %.2f, recall %.2f of what an order can show\n", precision, recall);
  ASSERT_GT(visible, 60U);
  EXPECT_GT(precision, 0.7);
  EXPECT_GT(recall, 0.75);
}

}  // namespace
}  // namespace tradewind::cli
