#include "apps/simulate/stock.h"

#include "apps/simulate/warehouse.h"

namespace tradewind::simulate {
namespace {

constexpr double kPoorlyPlanned = 0.12;  // of all products, at each place

double lead_hours(const Stage& stage, const Supplier& supplier) {
  return supplier.lead_days * 24 * stage.scenario.logistics;
}

void order_more(Stage& stage, uint16_t product, uint8_t location) {
  Stock& stock = stage.stock(product, location);
  const Supplier& supplier = stage.catalogue.suppliers()[stage.catalogue.products()[product].supplier];
  Random& random = stage.random();
  const double days =
      supplier.lead_days + supplier.lead_deviation_days * (random.unit() + random.unit() - 1) * 2;
  const int64_t expected = stage.now() + stage.hauling_ms(std::max(days, 0.5) * 24);
  const bool late = random.chance(supplier.late_chance);
  const uint32_t slot = stage.world.supplies.take();
  Supply& supply = stage.world.supplies.slots[slot];
  supply = {.number = ++stage.count().supplies,
            .expected_ms = expected,
            .quantity = stock.reorder_quantity,
            .product = product,
            .location = location,
            .cancelled = random.chance(0.02)};
  const int64_t planned = expected - stage.now();
  stage.world.supplies_due.add(stage.now() + (late ? planned * 5 / 2 : planned), slot);
  stock.inbound += supply.quantity;
  RecordWriter& record =
      stage.writer.open_stock(Movement::purchase_ordered, product, location, stock, stage.count());
  const StockFields& field = stage.fields().stock;
  record.text(field.purchase_order_id, Id("po-").decimal(supply.number, 7));
  record.number(field.expected_at, expected);
  record.real32(field.lead_time_days, static_cast<float>(supplier.lead_days * stage.scenario.logistics));
  record.real32(field.lead_time_sd,
                static_cast<float>(supplier.lead_deviation_days * stage.scenario.logistics));
  stage.close();
}

void tell_order_movement(Stage& stage, Movement what, const Order& order, const OrderLine& line,
                         int32_t delta) {
  Stock& stock = stage.stock(line.product, line.location);
  RecordWriter& record = stage.writer.open_stock(what, line.product, line.location, stock, stage.count());
  record.number(stage.fields().stock.delta, delta);
  record.text(stage.fields().stock.order_id, stage.people.order(order.number));
  stage.close();
}

void set_prices(Stage& stage, uint16_t category, bool reduced) {
  const auto& products = stage.catalogue.products();
  for (uint16_t product = 0; product < products.size(); ++product) {
    if (products[product].category != category || products[product].gift_card) continue;
    const int64_t list = products[product].price;
    // To whole cents.
    const int64_t price = reduced ? list * (100 - stage.scenario.sale_percent) / 10'000 * 100 : list;
    if (price == stage.writer.price(product)) continue;
    stage.writer.parts().set_price(product, price);
    Stock& stock = stage.stock(product, 0);
    RecordWriter& record = stage.writer.open_stock(Movement::price_changed, product, 0, stock, stage.count());
    record.text(stage.fields().stock.reason, reduced ? "sale begins" : "sale ends");
    stage.close();
  }
}

}  // namespace

void open_stock(Stage& stage) {
  const auto& products = stage.catalogue.products();
  stage.world.stock.resize(products.size() * kLocations);
  Random& random = stage.random();
  for (uint16_t product = 0; product < products.size(); ++product) {
    const Supplier& supplier = stage.catalogue.suppliers()[products[product].supplier];
    for (uint8_t location = 0; location < kLocations; ++location) {
      Stock& stock = stage.stock(product, location);
      const double an_hour = stage.volume * kUnitsPerEvent * 3600 * products[product].demand / kLocations;
      const double in_lead_time = an_hour * lead_hours(stage, supplier);
      const double planning = random.chance(kPoorlyPlanned) ? 0.4 : 1.15;
      stock.reorder_point = static_cast<int32_t>(in_lead_time * planning + 1.3 * std::sqrt(in_lead_time)) + 2;
      stock.reorder_quantity = static_cast<int32_t>(in_lead_time * 1.5) + 6;
      stock.on_hand = static_cast<int32_t>(stock.reorder_point * (0.15 + 2.5 * random.unit()));
      stage.writer.open_stock(Movement::snapshot, product, location, stock, stage.count());
      stage.close();
      order_if_low(stage, product, location);
    }
  }
}

void order_if_low(Stage& stage, uint16_t product, uint8_t location) {
  const Stock& stock = stage.stock(product, location);
  if (stock.available() + stock.inbound <= stock.reorder_point) order_more(stage, product, location);
}

int32_t available(Stage& stage, uint16_t product) {
  int32_t sum = 0;
  for (uint8_t location = 0; location < kLocations; ++location)
    sum += stage.stock(product, location).available();
  return sum;
}

bool reserve(Stage& stage, const Order& order, OrderLine& line) {
  for (uint8_t i = 0; i < kLocations; ++i) {
    const auto location = static_cast<uint8_t>((order.place + i) % kLocations);  // the nearest first
    Stock& stock = stage.stock(line.product, location);
    if (stock.available() < line.quantity) continue;
    line.location = location;
    stock.reserved += line.quantity;
    tell_order_movement(stage, Movement::reservation, order, line, 0);
    order_if_low(stage, line.product, location);
    return true;
  }
  return false;
}

void release(Stage& stage, const Order& order, const OrderLine& line) {
  stage.stock(line.product, line.location).reserved -= line.quantity;
  tell_order_movement(stage, Movement::reservation_released, order, line, 0);
}

void hand_over(Stage& stage, const Order& order, const OrderLine& line) {
  Stock& stock = stage.stock(line.product, line.location);
  stock.reserved -= line.quantity;
  stock.on_hand -= line.quantity;
  tell_order_movement(stage, Movement::sale, order, line, -int32_t{line.quantity});
}

void take_back(Stage& stage, const Order& order, const OrderLine& line) {
  stage.stock(line.product, line.location).on_hand += line.quantity;
  tell_order_movement(stage, Movement::returned, order, line, line.quantity);
}

void supply(Stage& stage, uint32_t slot) {
  const Supply supply = stage.world.supplies.slots[slot];
  stage.world.supplies.give_back(slot);
  if (supply.from < kLocations) return take_in(stage, supply);
  Stock& stock = stage.stock(supply.product, supply.location);
  stock.inbound -= supply.quantity;
  if (!supply.cancelled) stock.on_hand += supply.quantity;
  RecordWriter& record =
      stage.writer.open_stock(supply.cancelled ? Movement::purchase_cancelled : Movement::receipt,
                              supply.product, supply.location, stock, stage.count());
  record.number(stage.fields().stock.delta, supply.cancelled ? 0 : supply.quantity);
  record.text(stage.fields().stock.purchase_order_id, Id("po-").decimal(supply.number, 7));
  stage.close();
  order_if_low(stage, supply.product, supply.location);
}

void change_sale(Stage& stage) {
  Counters& count = stage.count();
  const auto categories = stage.catalogue.categories().size();
  if (stage.scenario.whole_shop_on_sale) {
    if (count.whole_shop_on_sale) return;
    count.whole_shop_on_sale = true;
    for (uint16_t category = 0; category < categories; ++category) set_prices(stage, category, true);
    return;
  }
  if (count.category_on_sale >= 0) set_prices(stage, static_cast<uint16_t>(count.category_on_sale), false);
  count.category_on_sale = static_cast<int32_t>(stage.random().below(categories));
  set_prices(stage, static_cast<uint16_t>(count.category_on_sale), true);
}

}  // namespace tradewind::simulate
