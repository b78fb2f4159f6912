#include "apps/simulate/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "apps/simulate/event_json.h"
#include "apps/simulate/event_writer.h"
#include "base/hash.h"
#include "base/json.h"

namespace tradewind::simulate {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

constexpr int64_t kMonday = 1'767'571'200'000;  // 2026-01-05T00:00:00Z
constexpr int64_t kHourMs = 3'600'000;

SimulationOptions options(uint64_t seed = 7) {
  SimulationOptions options;
  options.seed = seed;
  options.from = {kMonday + 9 * kHourMs};
  return options;
}

std::unique_ptr<Simulation> shop(const SimulationOptions& options) {
  auto made = Simulation::create(options);
  EXPECT_TRUE(made.ok());
  return std::move(*made);
}

// The hash of the first events' keys, values, topics and times.
uint64_t hash_of(Simulation& shop, size_t events, size_t batch_size) {
  uint64_t hash = 0;
  size_t seen = 0;
  EventBatch batch;
  while (seen < events) {
    batch.clear();
    shop.run(Timestamp::max(), batch_size, batch);
    for (size_t i = 0; i < batch.size() && seen < events; ++i, ++seen) {
      const EventView event = batch[i];
      hash = mix64(hash, hash64(event.key));
      hash = mix64(hash, hash64(event.value));
      hash = mix64(hash, static_cast<uint64_t>(event.time.ms) * 8 + static_cast<uint64_t>(event.topic));
    }
  }
  return hash;
}

struct Told {
  Topic topic;
  Json event;
  std::string text(const char* field) const { return event.string_at(field).value_or(""); }
  int64_t number(const char* field) const {
    const Json* value = event.find(field);
    return value == nullptr ? 0 : value->integer().value_or(0);
  }
  double real(const char* field) const {
    const Json* value = event.find(field);
    return value == nullptr ? 0 : value->real().value_or(0);
  }
};

// The first events, of these topics only.
std::vector<Told> told(Simulation& shop, size_t events, const std::set<Topic>& topics) {
  std::array<schema::AvroSchemaPtr, kTopics> schemas;
  for (size_t i = 0; i < kTopics; ++i)
    schemas[i] = *schema::AvroSchema::parse(schema_of(static_cast<Topic>(i)));
  std::vector<Told> all;
  EventBatch batch;
  shop.run(Timestamp::max(), events, batch);
  for (size_t i = 0; i < batch.size(); ++i) {
    const EventView event = batch[i];
    if (!topics.contains(event.topic)) continue;
    std::string text;
    const EventJson json(schemas[static_cast<size_t>(event.topic)]->root());
    EXPECT_TRUE(json.append(event.value.substr(EventBatch::kHeaderBytes), text));
    all.push_back({event.topic, *parse_json(text)});
  }
  return all;
}

// A quiet shop without late and doubled events over some hours: what happened, in the order in which it
// happened.
constexpr double kQuiet = 6;
constexpr size_t kHours = 130'000;

std::vector<Told> orderly(const std::set<Topic>& topics, const std::string& scenario = "live") {
  SimulationOptions asked = options();
  asked.volume = kQuiet;
  asked.late_percent = asked.doubled_percent = 0;
  asked.scenario = scenario;
  return told(*shop(asked), kHours, topics);
}

TEST(Simulation, GivesTheSameBytesForTheSameOptionsHoweverTheyAreCut) {
  constexpr size_t kEvents = 100'000;
  const uint64_t hash = hash_of(*shop(options()), kEvents, 1);
  EXPECT_EQ(hash, hash_of(*shop(options()), kEvents, 777));
  EXPECT_EQ(hash, hash_of(*shop(options()), kEvents, kEvents));
  EXPECT_NE(hash, hash_of(*shop(options(8)), kEvents, 777));
}

TEST(Simulation, SendsNothingBeforeItsTime) {
  const auto made = shop(options());
  EventBatch batch;
  const Timestamp until = options().from + Duration(60'000);
  made->run(until, SIZE_MAX, batch);
  ASSERT_GT(batch.size(), 0U);
  for (size_t i = 0; i < batch.size(); ++i) EXPECT_LT(batch[i].time, until);
  const size_t before = batch.size();
  made->run(until, SIZE_MAX, batch);
  EXPECT_EQ(batch.size(), before);
}

TEST(Simulation, GoesOnFromWhatWasSaved) {
  const auto one = shop(options());
  hash_of(*one, 60'000, 500);
  const auto other = shop(options());
  ASSERT_TRUE(other->load(one->save()).ok());
  EXPECT_EQ(other->sent(), one->sent());
  EXPECT_EQ(hash_of(*other, 60'000, 500), hash_of(*one, 60'000, 300));
}

TEST(Simulation, RefusesWhatAnotherShopSaved) {
  const auto one = shop(options());
  hash_of(*one, 2'000, 500);
  EXPECT_EQ(shop(options(8))->load(one->save()).error().code, Code::conflict);
  EXPECT_EQ(shop(options())->load("nothing of the kind").error().code, Code::conflict);
  const Bytes saved = one->save();
  EXPECT_EQ(shop(options())->load(BytesView(saved).substr(0, saved.size() - 3)).error().code, Code::corrupt);
}

TEST(Simulation, IsForwardedToWhereAnotherStopped) {
  const auto one = shop(options());
  hash_of(*one, 30'000, 500);
  const auto other = shop(options());
  ASSERT_TRUE(other->forward_to(one->sent()).ok());
  EXPECT_EQ(hash_of(*other, 10'000, 500), hash_of(*one, 10'000, 500));
}

TEST(Simulation, ComesLaterAfterAPause) {
  const auto one = shop(options());
  hash_of(*one, 20'000, 500);
  const Timestamp before = one->now();
  one->pause(Duration(5 * kHourMs));
  EventBatch batch;
  one->run(before + Duration(5 * kHourMs), SIZE_MAX, batch);
  EXPECT_EQ(batch.size(), 0U);
  one->run(before + Duration(5 * kHourMs + 60'000), SIZE_MAX, batch);
  EXPECT_GT(batch.size(), 0U);
}

TEST(Simulation, IsAsBusyAsAskedOverAWeek) {
  SimulationOptions asked = options();
  asked.from = {kMonday};
  asked.volume = 2;
  const auto made = shop(asked);
  EventBatch batch;
  uint64_t first_day = 0;
  for (int64_t hour = 1; hour <= 7 * 24; ++hour) {
    batch.clear();
    made->run({kMonday + hour * kHourMs}, SIZE_MAX, batch);
    if (hour == 24) first_day = made->sent();
  }
  const double a_second = static_cast<double>(made->sent()) / (7 * 24 * 3600);
  EXPECT_NEAR(a_second, asked.volume, 0.1 * asked.volume);
  EXPECT_GT(first_day, 0U);
}

TEST(Simulation, HasARhythmOfTheDayAndASurge) {
  const Scenario live = *scenario_named("live");
  const Timestamp night{kMonday + 4 * kHourMs}, evening{kMonday + 20 * kHourMs};
  EXPECT_GT(live.traffic(evening, {0}), 3 * live.traffic(night, {0}));
  const Scenario friday = *scenario_named("black-friday");
  EXPECT_NEAR(friday.traffic(evening, evening - Duration(3 * kHourMs)) / live.traffic(evening, {0}), 5, 0.01);
  EXPECT_NEAR(friday.traffic(evening, evening) / live.traffic(evening, {0}), 1, 0.01);
}

TEST(Simulation, NamesTheScenariosThereAre) {
  SimulationOptions asked = options();
  asked.scenario = "easter";
  EXPECT_EQ(Simulation::create(asked).error().message,
            "no scenario is called 'easter'; there are live, quarter, black-friday, bot-storm");
  asked = options();
  asked.late_percent = 70;
  EXPECT_EQ(Simulation::create(asked).error().code, Code::invalid);
}

TEST(Simulation, TellsEachEventOnceUnderAnIdOfItsOwn) {
  std::set<std::string> ids;
  for (const Told& one : orderly({Topic::orders, Topic::inventory, Topic::user_profiles, Topic::truth})) {
    const std::string id = one.text("event_id");
    ASSERT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '7');
    EXPECT_TRUE(ids.insert(id).second) << id;
  }
}

TEST(Simulation, KeepsStockThatAddsUpAndIsNeverNegative) {
  struct Level {
    int64_t version = 0, on_hand = 0;
  };
  std::map<std::string, Level> levels;
  std::set<std::string> kinds;
  size_t empty = 0;
  for (const Told& one : orderly({Topic::inventory})) {
    Level& level = levels[one.text("product_id") + "@" + one.text("location_id")];
    EXPECT_EQ(one.number("version"), ++level.version);
    const std::string type = one.text("event_type");
    kinds.insert(type);
    if (type != "SNAPSHOT") EXPECT_EQ(one.number("on_hand"), level.on_hand + one.number("delta")) << type;
    level.on_hand = one.number("on_hand");
    EXPECT_GE(one.number("available"), 0);
    EXPECT_GE(one.number("reserved"), 0);
    EXPECT_GE(one.number("inbound"), 0);
    EXPECT_EQ(one.number("available"), one.number("on_hand") - one.number("reserved"));
    empty += one.number("available") == 0 ? 1 : 0;
  }
  EXPECT_EQ(levels.size(), 600U * kLocations);
  EXPECT_GT(empty, 0U);
  EXPECT_THAT(kinds, IsSupersetOf({"SNAPSHOT", "RESERVATION", "RESERVATION_RELEASED", "SALE",
                                   "PURCHASE_ORDERED", "RECEIPT", "PRICE_CHANGED", "DAMAGE", "ADJUSTMENT",
                                   "TRANSFER_OUT", "TRANSFER_IN"}));
}

// What is on its way to each place, from suppliers and from other places, as told before it came.
TEST(Simulation, OwesEachPlaceWhatWasOrderedOrSentThere) {
  std::map<std::string, int64_t> inbound, purchases;  // by product and place; by purchase
  std::map<std::string, Told> sent;                   // by transfer
  size_t carried = 0, lost = 0;
  for (const Told& one : orderly({Topic::inventory})) {
    const std::string product = one.text("product_id"), type = one.text("event_type");
    int64_t& owed = inbound[product + "@" + one.text("location_id")];
    const Json* attributes = one.event.find("attributes");
    const std::string transfer =
        attributes == nullptr ? "" : attributes->string_at("transfer_id").value_or("");
    const std::string purchase = product + "/" + one.text("purchase_order_id");
    if (type == "PURCHASE_ORDERED") owed += purchases[purchase] = one.number("reorder_quantity");
    if (type == "RECEIPT" || type == "PURCHASE_CANCELLED") owed -= purchases.at(purchase);
    if (type == "TRANSFER_OUT") {
      EXPECT_EQ(one.text("reason").substr(0, 3), "to ");
      EXPECT_LT(one.number("delta"), 0);
      inbound[product + "@" + one.text("reason").substr(3)] -= one.number("delta");
      EXPECT_TRUE(sent.emplace(transfer, one).second) << transfer;
    }
    if (type == "TRANSFER_IN") {
      ASSERT_TRUE(sent.contains(transfer)) << transfer;
      const Told& out = sent.at(transfer);
      EXPECT_EQ(one.number("delta"), -out.number("delta"));
      EXPECT_EQ(one.text("reason"), "from " + out.text("location_id"));
      EXPECT_EQ("to " + one.text("location_id"), out.text("reason"));
      EXPECT_EQ(one.number("event_time"), out.number("expected_at"));
      owed -= one.number("delta");
      sent.erase(transfer);
      ++carried;
    }
    if (type == "DAMAGE") lost += static_cast<size_t>(-one.number("delta"));
    EXPECT_EQ(one.number("inbound"), owed) << type;
  }
  EXPECT_GT(carried, 5U);
  EXPECT_GT(lost, 10U);
}

TEST(Simulation, LetsVisitorsTakeOnlyWhatWasRecommendedToThem) {
  const auto product = [](const Json& item) { return item.string_at("product_id").value_or(""); };
  std::map<std::string, std::set<std::string>> lists;  // by recommendation
  std::map<std::string, std::string> clicked;          // by session: what must be on the screen next
  size_t clicks = 0;
  for (const Told& one : orderly({Topic::customer_events})) {
    const std::string type = one.text("event_type"), session = one.text("session_id");
    const std::string list = one.text("recommendation_id");
    if (clicked.contains(session)) {
      EXPECT_EQ(type, "PRODUCT_VIEWED");
      EXPECT_EQ(product(one.event.find("items")->elements()[0]), clicked[session]);
      clicked.erase(session);
    }
    if (type == "RECOMMENDATION_SHOWN") {
      EXPECT_FALSE(lists.contains(list)) << list;
      for (const Json& item : one.event.find("items")->elements()) lists[list].insert(product(item));
      EXPECT_LE(lists[list].size(), 4U);
    }
    if (type != "RECOMMENDATION_CLICKED") continue;
    clicked[session] = product(one.event.find("items")->elements()[0]);
    EXPECT_TRUE(lists[list].contains(clicked[session])) << list;
    ++clicks;
  }
  EXPECT_GT(lists.size(), 1'000U);
  EXPECT_GT(clicks, lists.size() / 20);
  EXPECT_LT(clicks, lists.size() / 8);
}

TEST(Simulation, LetsBuyersRateWhatCameToThem) {
  std::map<std::string, std::set<std::string>> bought;  // by order, once it was delivered
  std::map<std::string, std::set<std::string>> placed;
  std::set<std::string> rated;
  std::map<std::string, int> ratings;
  for (const Told& one : orderly({Topic::customer_events, Topic::orders})) {
    const std::string order = one.text("order_id"), type = one.text("event_type");
    if (type == "ORDER_PLACED") {
      for (const Json& item : one.event.find("items")->elements())
        placed[order].insert(item.string_at("product_id").value_or(""));
    }
    if (type == "ORDER_DELIVERED") bought[order] = placed[order];
    if (type != "PRODUCT_REVIEWED") continue;
    const Json& item = one.event.find("items")->elements()[0];
    EXPECT_TRUE(bought[order].contains(item.string_at("product_id").value_or(""))) << order;
    EXPECT_TRUE(rated.insert(order).second) << order;
    EXPECT_FALSE(one.text("customer_id").empty());
    ++ratings[one.event.find("attributes")->string_at("rating").value_or("")];
  }
  EXPECT_GT(rated.size(), 10U);
  EXPECT_GT(ratings["5"], 0);
  for (const auto& [rating, count] : ratings)
    EXPECT_THAT(rating, testing::AnyOf("1", "2", "3", "4", "5")) << count;
}

TEST(Simulation, DoesNotAddToCartsWhatIsSoldOut) {
  std::map<std::string, std::map<std::string, int64_t>> levels;
  size_t sold_out_views = 0;
  for (const Told& one : orderly({Topic::inventory, Topic::customer_events})) {
    if (one.topic == Topic::inventory)
      levels[one.text("product_id")][one.text("location_id")] = one.number("available");
    const bool added = one.text("event_type") == "PRODUCT_ADDED";
    if (one.topic != Topic::customer_events || (!added && one.text("event_type") != "PRODUCT_VIEWED"))
      continue;
    int64_t left = 0;
    for (const auto& [location, available] :
         levels[*one.event.find("items")->elements()[0].string_at("product_id")])
      left += available;
    if (added) EXPECT_GT(left, 0);
    sold_out_views += left == 0 ? 1 : 0;
  }
  EXPECT_GT(sold_out_views, 0U);
}

TEST(Simulation, MakesOrdersWhoseTotalsAreTheSumOfTheirLines) {
  size_t orders = 0, discounted = 0;
  for (const Told& one : orderly({Topic::orders})) {
    if (one.text("event_type") != "ORDER_PLACED") continue;
    double sum = 0;
    for (const Json& item : one.event.find("items")->elements()) {
      const double line = item.find("line_total")->real().value();
      const double discount = item.find("discount") == nullptr ? 0 : item.find("discount")->real().value();
      EXPECT_NEAR(line, item.find("unit_price")->real().value() * *item.find("quantity")->real() - discount,
                  1e-6);
      sum += line;
    }
    EXPECT_NEAR(one.real("total"), sum + one.real("shipping_total"), 1e-6);
    EXPECT_NEAR(one.real("subtotal") - one.real("discount_total"), sum, 1e-6);
    ++orders;
    discounted += one.real("discount_total") > 0 ? 1 : 0;
  }
  EXPECT_GT(orders, 200U);
  EXPECT_GT(discounted, 10U);
}

TEST(Simulation, LeadsEachOrderThroughALegalLife) {
  const std::map<std::string, std::set<std::string>> legal = {
      {"", {"PAYMENT_ATTEMPTED"}},
      {"PAYMENT_ATTEMPTED", {"PAYMENT_AUTHORIZED", "PAYMENT_DECLINED"}},
      {"PAYMENT_DECLINED", {"PAYMENT_ATTEMPTED"}},
      {"PAYMENT_AUTHORIZED", {"ORDER_PLACED"}},
      {"ORDER_PLACED", {"PAYMENT_CAPTURED", "ORDER_CANCELLED"}},
      {"ORDER_CANCELLED", {"PAYMENT_VOIDED"}},
      {"PAYMENT_CAPTURED", {"ORDER_SHIPPED"}},
      {"ORDER_SHIPPED", {"ORDER_DELIVERED"}},
      {"ORDER_DELIVERED", {"ORDER_RETURN_REQUESTED", "ORDER_REFUNDED", "CHARGEBACK_OPENED"}},
      {"ORDER_RETURN_REQUESTED", {"ORDER_RETURNED"}},
      {"ORDER_RETURNED", {"ORDER_REFUNDED"}}};
  struct Life {
    std::string last;
    int64_t version = 0, time = 0;
  };
  std::map<std::string, Life> lives;
  std::set<std::string> kinds;
  for (const Told& one : orderly({Topic::orders})) {
    Life& life = lives[one.text("order_id")];
    const std::string type = one.text("event_type");
    const auto from = legal.find(life.last);
    EXPECT_TRUE(from != legal.end() && from->second.contains(type)) << life.last << " -> " << type;
    EXPECT_EQ(one.number("order_version"), life.version + 1);
    EXPECT_GE(one.number("event_time"), life.time);
    life = {type, one.number("order_version"), one.number("event_time")};
    kinds.insert(type);
  }
  EXPECT_THAT(kinds,
              IsSupersetOf({"ORDER_DELIVERED", "ORDER_REFUNDED", "ORDER_CANCELLED", "PAYMENT_DECLINED"}));
}

TEST(Simulation, LabelsWhatIsThereAndEveryKindOfIt) {
  std::set<std::string> sessions, orders, kinds;
  std::vector<std::pair<std::string, std::string>> labels;
  for (const Told& one : orderly({Topic::customer_events, Topic::orders, Topic::truth})) {
    if (one.topic == Topic::customer_events) sessions.insert(one.text("session_id"));
    if (one.topic == Topic::orders) orders.insert(one.text("order_id"));
    if (one.topic != Topic::truth) continue;
    kinds.insert(one.text("event_type"));
    labels.emplace_back(one.text("subject_kind"), one.text("subject_id"));
  }
  for (const auto& [kind, subject] : labels)
    EXPECT_TRUE((kind == "order" ? orders : sessions).contains(subject)) << kind << " " << subject;
  EXPECT_THAT(kinds, ElementsAre("ACCOUNT_TAKEOVER", "ADDRESS_RING", "BOT", "BULK_ORDER_CANCELLED",
                                 "CARD_TESTING", "REFUND_ABUSE", "STOLEN_CARD"));
}

TEST(Simulation, JoinsAnonymousVisitorsToCustomersAtALogin) {
  std::map<std::string, std::string> customer_of_session;
  size_t joined = 0;
  std::set<std::string> anonymous;
  for (const Told& one : orderly({Topic::customer_events})) {
    const std::string session = one.text("session_id"), customer = one.text("customer_id");
    if (customer.empty()) anonymous.insert(session);
    if (one.text("event_type") != "IDENTIFIED") continue;
    EXPECT_FALSE(customer.empty());
    joined += anonymous.contains(session) ? 1 : 0;
  }
  EXPECT_GT(joined, 100U);
}

TEST(Simulation, SendsAsManyLateAndTwiceAsAsked) {
  SimulationOptions asked = options();
  asked.volume = kQuiet;
  asked.late_percent = 4;
  asked.doubled_percent = 2;
  std::map<std::string, int> seen;
  int64_t newest = 0;
  size_t count = 0, late = 0, twice = 0;
  for (const Told& one : told(*shop(asked), kHours, {Topic::customer_events, Topic::orders})) {
    ++count;
    const bool again = ++seen[one.text("event_id")] > 1;
    twice += again ? 1 : 0;
    late += !again && one.number("event_time") < newest - 4'000 ? 1 : 0;
    newest = std::max(newest, one.number("event_time"));
  }
  const auto events = static_cast<double>(count);
  EXPECT_NEAR(static_cast<double>(twice) / events, 0.02, 0.003);
  EXPECT_NEAR(static_cast<double>(late) / events, 0.04, 0.006);  // some are still on their way
}

TEST(Simulation, SellsMoreForLessOnBlackFriday) {
  size_t reduced = 0;
  for (const Told& one : orderly({Topic::inventory}, "black-friday")) {
    if (one.text("event_type") == "PRICE_CHANGED") {
      EXPECT_LT(one.real("price"), one.real("list_price"));
      ++reduced;
    }
  }
  EXPECT_EQ(reduced, 570U);  // all but gift cards
}

}  // namespace
}  // namespace tradewind::simulate
