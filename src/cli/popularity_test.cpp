// Popularity that cannot be made: bots that hammer a product, and pallets that are ordered and cancelled, in
// a simulated shop whose labels say which they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

using simulate::Topic;

constexpr Timestamp kMorning{1'767'600'000'000};  // 2026-01-05T08:00:00Z
constexpr Duration kSpan(5LL * 3600 * 1000);

using Weights = std::map<std::string, double>;  // by product

// Which place a product has; one behind all where it is not among them.
size_t rank_of(const Weights& weights, const std::string& product) {
  const auto found = weights.find(product);
  const double own = found == weights.end() ? -1 : found->second;
  return 1 + static_cast<size_t>(std::count_if(weights.begin(), weights.end(),
                                               [&](const auto& other) { return other.second > own; }));
}

std::string text_of(const Json& record, const char* field) {
  return record.string_at(field).value_or("");
}

// Five hours of a bot storm through the shop's queries.
class Popularity : public testing::Test {
 protected:
  void SetUp() override {
    driver_ = std::move(engine::Driver::start(*log_, {})).value();
    schema::Registry& registry = driver_->registry();
    ASSERT_TRUE(shop::declare_shop(*log_, registry).ok());
    std::vector<std::string> notes;
    const auto made = driver_->engine().run_files(shop_queries(), notes);
    ASSERT_TRUE(made.ok()) << made.error().message;
    ManualClock clock(kMorning);
    ingest::Ingestor ingestor(*log_, registry, clock, {});
    ASSERT_TRUE(ingestor.start().ok());
    ShopFeedOptions options{.producer = "storm"};
    options.shop = {.seed = 3, .from = kMorning, .volume = 6, .scenario = "bot-storm"};
    auto feed = std::move(ShopFeed::open(*log_, registry, ingestor, options, kMorning)).value();
    while (feed->send(kMorning + kSpan, 2'000).value() > 0) {
    }
    ASSERT_TRUE(driver_->settle().ok());
    learn(options.shop);
  }

  // What is true, from the labels and the events of the same seed.
  void learn(const simulate::SimulationOptions& options) {
    auto shop = std::move(simulate::Simulation::create(options)).value();
    simulate::EventBatch batch;
    shop->run(kMorning + kSpan, SIZE_MAX, batch);
    std::map<std::string, std::string> looked_at;  // by session, of bots that are recognised or not
    std::map<std::string, std::map<std::string, int64_t>> ordered;
    std::set<std::string> bots, pallets;
    for (size_t i = 0; i < batch.size(); ++i) {
      const Topic topic = batch[i].topic;
      if (topic != Topic::customer_events && topic != Topic::orders && topic != Topic::truth) continue;
      const auto schema = schemas_.try_emplace(topic, nullptr).first;
      if (schema->second == nullptr) schema->second = schema::AvroSchema::parse(schema_of(topic)).value();
      std::string text;
      ASSERT_TRUE(simulate::EventJson(schema->second->root()).append(batch[i].value.substr(5), text));
      const Json event = parse_json(text).value();
      const std::string type = text_of(event, "event_type");
      if (type == "BOT") bots.insert(text_of(event, "subject_id"));
      if (type == "BULK_ORDER_CANCELLED") {
        pallets.insert(text_of(event, "subject_id"));
        pallet_visitors_.insert(text_of(event, "visitor_id"));
      }
      if (type == "ORDER_PLACED") {
        for (const Json& item : event.find("items")->elements())
          ordered[text_of(event, "order_id")][text_of(item, "product_id")] =
              *item.find("quantity")->integer();
      }
      if (type == "PRODUCT_VIEWED" && bots.contains(text_of(event, "session_id"))) {
        const std::string product = text_of(event.find("items")->elements()[0], "product_id");
        ++bot_views_[product];
      }
    }
    for (const auto& [order, items] : ordered) {
      for (const auto& [product, units] : items) {
        units_[product] += static_cast<double>(units);
        if (pallets.contains(order))
          pallet_units_[product] += static_cast<double>(units);
        else
          kept_units_[product] += static_cast<double>(units);
      }
    }
  }

  Weights weights(const std::string& select) {
    const auto answer = driver_->select(select, {});
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    Weights found;
    for (const auto& row : answer->rows) found[row[0]] += std::atof(row[1].c_str());
    return found;
  }
  // The lists of all categories as one.
  Weights listed(const std::string& column) {
    constexpr size_t kPlaces = 20;
    std::string cells;
    for (size_t i = 1; i <= kPlaces; ++i) {
      const std::string entry = column + "[" + std::to_string(i) + "]";
      cells += (i > 1 ? ", " : "") + entry + "->item, " + entry + "->weight";
    }
    const auto answer = driver_->select("SELECT " + cells + " FROM popular_items;", {});
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    Weights found;
    for (const auto& row : answer->rows) {
      for (size_t i = 0; i < kPlaces; ++i) found[row[2 * i]] = std::atof(row[2 * i + 1].c_str());
    }
    return found;
  }

  std::unique_ptr<log::Log> log_ = log::make_memory_log();
  std::unique_ptr<engine::Driver> driver_;
  std::map<Topic, schema::AvroSchemaPtr> schemas_;
  std::set<std::string> pallet_visitors_;
  Weights bot_views_, units_, kept_units_, pallet_units_;
};

TEST_F(Popularity, IsNotMadeByBotsNorByPalletsThatAreCancelled) {
  const auto most = [](const Weights& weights) {
    return std::max_element(weights.begin(), weights.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  };
  const Weights views = weights("SELECT product_id, views FROM product_views;");
  const Weights wanted = listed("wanted"), trending = listed("trending");
  ASSERT_FALSE(bot_views_.empty());
  ASSERT_GT(trending.size(), 100U);
  // As views are counted the hammered product leads; among what people want it is nowhere near.
  const std::string hammered = most(bot_views_);
  EXPECT_EQ(rank_of(views, hammered), 1U);
  std::printf("%s: place %zu by views, %zu wanted, %zu trending of %zu\n", hammered.c_str(),
              rank_of(views, hammered), rank_of(wanted, hammered), rank_of(trending, hammered),
              trending.size());
  EXPECT_GT(rank_of(trending, hammered), 20U);
  EXPECT_GT(rank_of(wanted, hammered), 20U);
  // A pallet is more pieces than anybody else orders of it, and is worth what one order is.
  ASSERT_FALSE(pallet_units_.empty());
  for (const auto& [product, units] : pallet_units_) {
    std::printf(
        "%s: %g pieces on pallets and %g kept, place %zu by pieces, %zu without pallets, %zu wanted\n",
        product.c_str(), units, kept_units_[product], rank_of(units_, product), rank_of(kept_units_, product),
        rank_of(wanted, product));
    const Weights interest =
        weights("SELECT visitor_key, weight FROM product_interest WHERE product_id = '" + product + "';");
    double all = 0, of_pallets = 0;
    for (const auto& [visitor, weight] : interest) {
      all += weight;
      if (pallet_visitors_.contains(visitor)) of_pallets += weight;
    }
    EXPECT_EQ(wanted.at(product), all);
    EXPECT_LE(of_pallets, 9);  // once in a cart, and ordered
    EXPECT_LT(rank_of(units_, product), rank_of(kept_units_, product));
    EXPECT_LT(rank_of(units_, product), rank_of(wanted, product));
  }
}

}  // namespace
}  // namespace tradewind::cli
