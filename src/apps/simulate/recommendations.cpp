#include "apps/simulate/recommendations.h"

#include "apps/simulate/visits.h"

namespace tradewind::simulate {
namespace {

constexpr size_t kShown = 4;
constexpr int kDraws = 8;  // for them
constexpr double kWanted = 0.09;
constexpr double kReviewed = 0.12;  // of the orders of people with an account

bool can_be_had(Stage& stage, uint16_t product) {
  for (uint8_t location = 0; location < kLocations; ++location) {
    if (stage.stock(product, location).available() > 0) return true;
  }
  return false;
}

// Who saw which list, and what it was made by.
RecordWriter& open(Stage& stage, Did what, const Visit& visit) {
  RecordWriter& record = stage.writer.open_visit(what, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  const Id session = stage.people.session(visit.number);
  record.text(field.recommendation_id, Id("rec-").text(session).text("-").decimal(visit.lists, 1));
  record.text(field.model_version, "same-category-1");
  record.text(field.experiment, stage.people.of(visit.visitor, 43) % 2 == 0 ? "by-demand" : "control");
  record.text(field.slot, "product-page");
  return record;
}

}  // namespace

void recommend(Stage& stage, Visit& visit) {
  Random& random = stage.random();
  const uint16_t category = stage.catalogue.products()[visit.at].category;
  std::array<uint16_t, kShown> shown{};
  size_t count = 0;
  for (int i = 0; i < kDraws && count < kShown; ++i) {
    const uint16_t product = stage.catalogue.draw_from(category, random);
    const auto end = shown.begin() + static_cast<ptrdiff_t>(count);
    if (product == visit.at || std::find(shown.begin(), end, product) != end) continue;
    if (can_be_had(stage, product)) shown[count++] = product;
  }
  if (count == 0) return;
  ++visit.lists;
  RecordWriter& record = open(stage, Did::recommendation_shown, visit);
  record.raw(stage.fields().visit.items, stage.writer.parts().products(shown.data(), count));
  stage.close();
  // What stands further to the front is wanted more.
  visit.wanted =
      random.chance(kWanted) ? shown[std::min(random.below(count), random.below(count))] : kNothing;
}

uint16_t take_recommended(Stage& stage, Visit& visit) {
  const uint16_t product = visit.wanted;
  if (product == kNothing) return kNothing;
  visit.wanted = kNothing;
  RecordWriter& record = open(stage, Did::recommendation_clicked, visit);
  record.raw(stage.fields().visit.items, stage.writer.parts().shown(product));
  stage.close();
  return product;
}

void plan_review(Stage& stage, const Order& order) {
  const bool honest = order.truth == Truth::unknown && order.customer != kNobody;
  if (!honest || !stage.random().chance(kReviewed)) return;
  const uint32_t slot = new_visit(stage, order.visitor);
  Visit& visit = stage.world.visits.slots[slot];
  visit.customer = order.customer;
  visit.machine = order.machine;
  visit.place = order.place;
  visit.reviewed = order.number;
  visit.at = order.line[stage.random().below(order.lines)].product;
  // What goes back pleased nobody.
  visit.step = static_cast<uint8_t>(order.fate == Fate::returned ? 1 + stage.random().below(2)
                                    : stage.random().chance(0.6) ? 5
                                                                 : 2 + stage.random().below(3));
  visit.phase = VisitPhase::reviewing;
  again(stage, slot, stage.hauling_ms(4 + 20 * stage.random().unit()));
}

void review(Stage& stage, Visit& visit) {
  if (!visit.known) log_in(stage, visit);
  RecordWriter& record = stage.writer.open_visit(Did::product_reviewed, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  record.text(field.order_id, stage.people.order(visit.reviewed));
  record.raw(field.items, stage.writer.parts().shown(visit.at));
  record.raw(field.attributes, stage.writer.parts().attribute("rating", Id().decimal(visit.step, 1)));
  stage.close();
  visit.phase = VisitPhase::leaving;
}

}  // namespace tradewind::simulate
