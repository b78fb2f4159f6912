#include "apps/simulate/warehouse.h"

#include "apps/simulate/stock.h"

namespace tradewind::simulate {
namespace {

constexpr double kFindingsPerEvent = 0.0006;
constexpr double kDamages = 0.4;  // of the findings
constexpr double kCounts = 0.3;   // the rest is carried elsewhere
constexpr double kCarriedHours = 10;

Id transfer_id(const Supply& supply) {
  return Id("tr-").decimal(supply.number, 7);
}

RecordWriter& open(Stage& stage, Movement what, uint16_t product, uint8_t location, int32_t delta) {
  RecordWriter& record =
      stage.writer.open_stock(what, product, location, stage.stock(product, location), stage.count());
  record.number(stage.fields().stock.delta, delta);
  return record;
}

// Goods that nobody was promised can no longer be sold.
void damage(Stage& stage, uint16_t product, uint8_t location) {
  Stock& stock = stage.stock(product, location);
  const bool fragile = stage.catalogue.products()[product].fragile;
  const auto broken = static_cast<int32_t>(1 + stage.random().below(fragile ? 6 : 2));
  const int32_t lost = std::min(broken, stock.available());
  if (lost <= 0) return;
  stock.on_hand -= lost;
  RecordWriter& record = open(stage, Movement::damage, product, location, -lost);
  record.text(stage.fields().stock.reason, fragile ? "broken" : "spoiled");
  stage.close();
  order_if_low(stage, product, location);
}

// Two of three differences are losses.
void count(Stage& stage, uint16_t product, uint8_t location) {
  Stock& stock = stage.stock(product, location);
  const auto off =
      static_cast<int32_t>(1 + stage.random().below(1 + static_cast<uint64_t>(stock.on_hand) / 40));
  const int32_t difference = stage.random().chance(0.34) ? off : -std::min(off, stock.available());
  if (difference == 0) return;
  stock.on_hand += difference;
  RecordWriter& record = open(stage, Movement::adjustment, product, location, difference);
  record.text(stage.fields().stock.reason, "counted");
  stage.close();
  order_if_low(stage, product, location);
}

// Half of what a place has above its reorder point goes to the one that is worst off.
void carry(Stage& stage, uint16_t product) {
  const auto above = [&](uint8_t location) {
    const Stock& stock = stage.stock(product, location);
    return stock.available() + stock.inbound - stock.reorder_point;
  };
  uint8_t from = 0, to = 0;
  for (uint8_t location = 1; location < kLocations; ++location) {
    if (above(location) > above(from)) from = location;
    if (above(location) < above(to)) to = location;
  }
  Stock& sender = stage.stock(product, from);
  const int32_t quantity = std::min(above(from) / 2, sender.available());
  if (from == to || quantity <= 0) return;
  const uint32_t slot = stage.world.supplies.take();
  Supply& supply = stage.world.supplies.slots[slot];
  supply = {.number = ++stage.count().supplies,
            .expected_ms = stage.now() + stage.hauling_ms(kCarriedHours * (0.5 + stage.random().unit())),
            .quantity = quantity,
            .product = product,
            .location = to,
            .from = from};
  stage.world.supplies_due.add(supply.expected_ms, slot);
  sender.on_hand -= quantity;
  stage.stock(product, to).inbound += quantity;
  RecordWriter& record = open(stage, Movement::transfer_out, product, from, -quantity);
  const StockFields& field = stage.fields().stock;
  record.number(field.expected_at, supply.expected_ms);
  record.text(field.reason, Id("to ").text(kLocationIds[to]));
  record.raw(field.attributes, stage.writer.parts().attribute("transfer_id", transfer_id(supply)));
  stage.close();
  order_if_low(stage, product, from);
}

}  // namespace

int64_t next_finding_ms(Stage& stage) {
  return stage.now() + 1 + stage.wait_ms(1'000 / (stage.volume * kFindingsPerEvent));
}

void find_something(Stage& stage) {
  const double draw = stage.random().unit();
  const uint16_t product = stage.catalogue.draw(stage.random());
  const auto location = static_cast<uint8_t>(stage.random().below(kLocations));
  if (stage.catalogue.products()[product].gift_card) return;  // lies nowhere
  if (draw < kDamages) return damage(stage, product, location);
  if (draw < kDamages + kCounts) return count(stage, product, location);
  carry(stage, product);
}

void take_in(Stage& stage, const Supply& supply) {
  Stock& stock = stage.stock(supply.product, supply.location);
  stock.inbound -= supply.quantity;
  stock.on_hand += supply.quantity;
  RecordWriter& record = open(stage, Movement::transfer_in, supply.product, supply.location, supply.quantity);
  const StockFields& field = stage.fields().stock;
  record.text(field.reason, Id("from ").text(kLocationIds[supply.from]));
  record.raw(field.attributes, stage.writer.parts().attribute("transfer_id", transfer_id(supply)));
  stage.close();
  order_if_low(stage, supply.product, supply.location);
}

}  // namespace tradewind::simulate
