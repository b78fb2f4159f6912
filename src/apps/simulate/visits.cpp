#include "apps/simulate/visits.h"

#include "apps/simulate/fraudsters.h"
#include "apps/simulate/orders.h"
#include "apps/simulate/recommendations.h"
#include "apps/simulate/stock.h"

namespace tradewind::simulate {
namespace {

constexpr double kBots = 0.012;  // of all visits
constexpr double kFraudsters = 0.003;
constexpr double kRecommended = 0.2;  // of the products looked at
constexpr double kThinkingMs = 17'000;

constexpr const char* kSteps[] = {"contact", "address", "shipping", "payment"};

uint16_t draw_product(Stage& stage, const Visit& visit) {
  Random& random = stage.random();
  const int32_t on_sale = stage.count().category_on_sale;
  if (on_sale >= 0 && random.chance(visit.campaign != 0 ? 0.3 : 0.08))
    return stage.catalogue.draw_from(static_cast<uint16_t>(on_sale), random);
  if (visit.at != UINT16_MAX && random.chance(0.5))  // most stay where they are
    return stage.catalogue.draw_from(stage.catalogue.products()[visit.at].category, random);
  return stage.catalogue.draw(random);
}

void arrive(Stage& stage, Visit& visit) {
  RecordWriter& record = stage.writer.open_visit(Did::page_viewed, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  record.raw(field.page,
             stage.writer.parts().page("/", "Tradewind", "home", visit.campaign == 0 ? "" : "ad"));
  record.raw(field.consent, BytesView("\1\0\1", 3));
  stage.close();
  visit.phase = VisitPhase::browsing;
}

void search(Stage& stage, Visit& visit) {
  const uint16_t product = draw_product(stage, visit);
  const Product& goods = stage.catalogue.products()[product];
  const std::string_view name = goods.name;
  const std::string_view noun = name.substr(name.find(' ', name.find(' ') + 1) + 1);
  RecordWriter& record = stage.writer.open_visit(Did::products_searched, visit, stage.count());
  record.raw(stage.fields().visit.search,
             stage.writer.parts().search(noun, static_cast<int64_t>(stage.random().below(40))));
  stage.close();
  visit.at = product;
}

void look_at_list(Stage& stage, Visit& visit) {
  const uint16_t product = draw_product(stage, visit);
  const Category& category = stage.catalogue.categories()[stage.catalogue.products()[product].category];
  const bool filtered = stage.random().chance(0.15);
  RecordWriter& record = stage.writer.open_visit(
      filtered ? Did::product_list_filtered : Did::product_list_viewed, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  record.text(field.list_id, category.id);
  record.text(field.list_name, category.title);
  stage.close();
  visit.at = product;
}

void look_at_promotion(Stage& stage, const Visit& visit) {
  const bool clicked = stage.random().chance(0.2);
  RecordWriter& record =
      stage.writer.open_visit(clicked ? Did::promotion_clicked : Did::promotion_viewed, visit, stage.count());
  record.text(stage.fields().visit.promotion_id, "sale-of-the-day");
  stage.close();
}

// Looks at a product, and perhaps wants it; what is sold out cannot be wanted.
void look_at(Stage& stage, Visit& visit, uint16_t product) {
  Random& random = stage.random();
  visit.at = product;
  RecordWriter& record = stage.writer.open_visit(Did::product_viewed, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  record.raw(field.items, stage.writer.parts().shown(product));
  record.number(field.dwell_ms, 2'000 + static_cast<int64_t>(random.below(60'000)));
  record.number(field.scroll_pct, static_cast<int64_t>(random.below(101)));
  stage.close();
  if (random.chance(kRecommended)) recommend(stage, visit);
  if (available(stage, product) <= 0) {
    if (random.chance(0.1)) tell_product(stage, Did::wishlist_added, visit, product);
    if (random.chance(0.3)) visit.left = 0;
    return;
  }
  const bool reduced = stage.writer.price(product) < stage.catalogue.products()[product].price;
  const double wanting = 0.055 * stage.scenario.wanting * (reduced ? 1.6 : 1) * (visit.known ? 1.5 : 1);
  const double draw = random.unit();
  if (draw < wanting) {
    visit.step = static_cast<uint8_t>(random.chance(0.8) ? 1 : 2 + random.below(2));  // so many, in a moment
  } else if (draw < wanting + 0.01) {
    tell_product(stage, Did::wishlist_added, visit, product);
  }
}

void browse(Stage& stage, Visit& visit) {
  const double draw = stage.random().unit();
  if (visit.step > 0) {
    // Meanwhile it may have been sold.
    if (available(stage, visit.at) > 0) put_in_cart(stage, visit, visit.at, visit.step);
    visit.step = 0;
  } else if (const uint16_t clicked = take_recommended(stage, visit); clicked != kNothing) {
    look_at(stage, visit, clicked);
  } else if (draw < 0.16) {
    search(stage, visit);
  } else if (draw < 0.38) {
    look_at_list(stage, visit);
  } else if (draw < 0.42) {
    look_at_promotion(stage, visit);
  } else {
    look_at(stage, visit, draw_product(stage, visit));
  }
  if (visit.left > 0) --visit.left;
  if (visit.left > 0 || visit.step > 0) return;
  const bool goes_on = visit.lines > 0 && stage.random().chance(0.75);
  visit.phase = goes_on ? VisitPhase::at_cart : VisitPhase::leaving;
}

void take_out(Stage& stage, Visit& visit) {
  const uint16_t product = visit.cart[visit.lines - 1U].product;
  --visit.lines;
  tell_product(stage, Did::product_removed, visit, product);
}

// The cart, a coupon, and whether to go on to the checkout.
void ponder(Stage& stage, Visit& visit) {
  Random& random = stage.random();
  const VisitFields& field = stage.fields().visit;
  if (visit.step == 0) {
    RecordWriter& record = stage.writer.open_visit(Did::cart_viewed, visit, stage.count());
    record.raw(field.items, stage.writer.parts().cart(visit));
    stage.close();
    if (random.chance(0.08)) take_out(stage, visit);
    visit.step = 1;
    if (visit.lines == 0 || random.chance(0.25)) visit.phase = VisitPhase::leaving;
    return;
  }
  if (random.chance(0.15)) {
    visit.coupon = random.chance(0.6);
    RecordWriter& entered = stage.writer.open_visit(Did::coupon_entered, visit, stage.count());
    entered.text(field.coupon_code, visit.coupon ? "FAIRWIND10" : "SUMMER99");
    stage.close();
    RecordWriter& answer = stage.writer.open_visit(visit.coupon ? Did::coupon_applied : Did::coupon_denied,
                                                   visit, stage.count());
    answer.text(field.coupon_code, visit.coupon ? "FAIRWIND10" : "SUMMER99");
    if (!visit.coupon) answer.text(field.coupon_reason, "expired");
    stage.close();
  }
  visit.phase = VisitPhase::checkout;
  visit.step = 0;
}

// Who it is: known already, logging in, a new customer, or a guest.
void introduce(Stage& stage, Visit& visit) {
  if (visit.known) return;
  if (visit.customer != kNobody) return log_in(stage, visit);
  if (stage.random().chance(0.45))
    sign_up(stage, visit);
  else
    visit.guest = true;
}

void tell_step(Stage& stage, Did what, const Visit& visit, int number) {
  RecordWriter& record = stage.writer.open_visit(what, visit, stage.count());
  record.number(stage.fields().visit.step, number);
  record.text(stage.fields().visit.step_name, kSteps[number - 1]);
  stage.close();
}

void check_out(Stage& stage, Visit& visit) {
  const VisitFields& field = stage.fields().visit;
  if (visit.step == 0) {
    RecordWriter& record = stage.writer.open_visit(Did::checkout_started, visit, stage.count());
    record.raw(field.items, stage.writer.parts().cart(visit));
    stage.close();
    introduce(stage, visit);
    visit.step = 1;
    return;
  }
  if (visit.step > 1) tell_step(stage, Did::checkout_step_completed, visit, visit.step - 1);
  if (visit.step <= std::size(kSteps)) {
    tell_step(stage, Did::checkout_step_viewed, visit, visit.step);
    ++visit.step;
    // Some are scared off on the way.
    if (stage.random().chance(0.07)) visit.phase = VisitPhase::leaving;
    return;
  }
  RecordWriter& record = stage.writer.open_visit(Did::payment_info_entered, visit, stage.count());
  record.text(field.payment_method, "card");
  stage.close();
  const bool ordered = begin_order(stage, visit);
  visit.phase = ordered ? VisitPhase::paying : VisitPhase::leaving;
  visit.step = 0;
}

void pay(Stage& stage, Visit& visit) {
  if (visit.step == 0) {
    attempt_payment(stage, visit);
    visit.step = 1;
    return;
  }
  visit.step = 0;
  if (stage.random().chance(0.93)) {
    accept_payment(stage, visit);
    visit.phase = VisitPhase::leaving;
    return;
  }
  decline_payment(stage, visit, stage.random().chance(0.7) ? "insufficient_funds" : "incorrect_cvc", false);
  if (++visit.attempts < 3 && stage.random().chance(0.7)) return;
  drop_order(stage, visit);
  visit.phase = VisitPhase::leaving;
}

int64_t pause_ms(Stage& stage, const Visit& visit) {
  if (visit.phase == VisitPhase::paying) return 800 + static_cast<int64_t>(stage.random().below(2'500));
  return 700 + stage.wait_ms(kThinkingMs);
}

void crawl(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  const auto any = static_cast<uint16_t>(stage.random().below(stage.catalogue.products().size()));
  const int hammered = stage.scenario.hammered;
  tell_product(stage, Did::product_viewed, visit, hammered < 0 ? any : static_cast<uint16_t>(hammered));
  if (--visit.left == 0) return leave(stage, slot);
  again(stage, slot, 150 + stage.wait_ms(900));
}

void begin_crawl(Stage& stage) {
  const uint32_t slot = new_visit(stage, new_stranger(stage));
  Visit& visit = stage.world.visits.slots[slot];
  visit.truth = Truth::bot;
  visit.hosted = stage.random().chance(0.8);
  // One in five is not recognised as what it is.
  visit.bot_score = static_cast<float>(stage.random().chance(0.8) ? 0.8 + 0.19 * stage.random().unit()
                                                                  : 0.1 + 0.3 * stage.random().unit());
  visit.left = static_cast<uint16_t>(30 + stage.random().below(220));
  stage.writer.write_truth(Truth::bot, visit, nullptr, stage.count());
  crawl(stage, slot);
}

// A customer, those with low numbers more often; or somebody the shop does not know.
uint32_t begin_shopper(Stage& stage) {
  Random& random = stage.random();
  const double draw = random.unit();
  const auto known = static_cast<double>(stage.world.customers.size());
  if (draw < 0.35) {
    const auto customer = static_cast<uint32_t>(known * draw / 0.35 * random.unit());
    const uint32_t slot = new_visit(stage, customer * 2 + (random.chance(0.3) ? 1U : 0U));
    Visit& visit = stage.world.visits.slots[slot];
    visit.customer = customer;
    visit.card = visit.address = customer;
    return slot;
  }
  const bool returning = stage.count().strangers > 0 && random.chance(0.25);
  const uint32_t slot = new_visit(
      stage, returning ? kFirstStranger + static_cast<uint32_t>(random.below(stage.count().strangers))
                       : new_stranger(stage));
  Visit& visit = stage.world.visits.slots[slot];
  visit.card = visit.address = guest_of(visit.visitor);
  return slot;
}

}  // namespace

uint32_t new_stranger(Stage& stage) {
  return kFirstStranger + static_cast<uint32_t>(stage.count().strangers++ % kFirstStranger);
}

uint32_t new_visit(Stage& stage, uint32_t visitor) {
  const uint32_t slot = stage.world.visits.take();
  Visit& visit = stage.world.visits.slots[slot];
  visit.number = ++stage.count().visits;
  visit.visitor = visitor;
  visit.card = visit.address = guest_of(visitor);
  visit.place = stage.people.place(visitor < kFirstStranger ? visitor / 2 : visitor);
  visit.machine = stage.people.machine(visitor);
  visit.at = UINT16_MAX;
  visit.bot_score = static_cast<float>(stage.people.of(visitor, 41) % 8) / 100;
  return slot;
}

void again(Stage& stage, uint32_t slot, int64_t wait_ms) {
  stage.world.visits_due.add(stage.now() + std::max<int64_t>(wait_ms, 1), slot);
}

void leave(Stage& stage, uint32_t slot) {
  stage.world.visits.give_back(slot);
}

void tell_product(Stage& stage, Did what, const Visit& visit, uint16_t product) {
  RecordWriter& record = stage.writer.open_visit(what, visit, stage.count());
  record.raw(stage.fields().visit.items, stage.writer.parts().shown(product));
  stage.close();
}

void put_in_cart(Stage& stage, Visit& visit, uint16_t product, uint16_t quantity) {
  if (visit.lines == kMostLines) return;
  for (size_t i = 0; i < visit.lines; ++i) {
    if (visit.cart[i].product == product) return;
  }
  visit.cart[visit.lines++] = {product, quantity};
  RecordWriter& record = stage.writer.open_visit(Did::product_added, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  record.raw(field.items, stage.writer.parts().shown(product));
  record.money(field.value, stage.writer.price(product) * quantity);
  record.text(field.currency, "EUR");
  stage.close();
}

void log_in(Stage& stage, Visit& visit) {
  Customer& account = stage.world.customers[visit.customer];
  visit.known = true;
  RecordWriter& record = stage.writer.open_visit(Did::login_succeeded, visit, stage.count());
  record.text(stage.fields().visit.email_hash, stage.people.email(visit.customer));
  stage.close();
  stage.tell(Did::identified, visit);
  if (account.told) return;
  account.told = true;
  RecordWriter& profile = stage.writer.open_profile(ProfileChange::identified, visit.customer, visit.place,
                                                    account, stage.count());
  profile.number(stage.fields().profile.last_login_at, stage.now());
  stage.close();
}

void sign_up(Stage& stage, Visit& visit) {
  visit.customer = static_cast<uint32_t>(stage.world.customers.size());
  stage.world.customers.push_back({.created_ms = stage.now(), .told = true});
  visit.known = true;
  RecordWriter& record = stage.writer.open_visit(Did::signed_up, visit, stage.count());
  record.text(stage.fields().visit.email_hash, stage.people.email(visit.customer));
  stage.close();
  stage.tell(Did::identified, visit);
  stage.writer.open_profile(ProfileChange::created, visit.customer, visit.place,
                            stage.world.customers[visit.customer], stage.count());
  stage.close();
}

void begin_visit(Stage& stage) {
  Random& random = stage.random();
  const double draw = random.unit();
  const double bots = kBots * stage.scenario.bots;
  if (draw < bots) return begin_crawl(stage);
  if (draw < bots + kFraudsters * stage.scenario.fraud) return begin_fraud(stage);
  const uint32_t slot = begin_shopper(stage);
  Visit& visit = stage.world.visits.slots[slot];
  if (random.chance(0.25)) visit.campaign = static_cast<uint8_t>(1 + random.below(kCampaignCount));
  visit.left = static_cast<uint16_t>(1 + std::min<int64_t>(stage.wait_ms(11), 60));
  arrive(stage, visit);
  if (visit.customer != kNobody && random.chance(0.5)) log_in(stage, visit);
  again(stage, slot, pause_ms(stage, visit));
}

void advance_visit(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  if (visit.truth == Truth::bot) return crawl(stage, slot);
  if (visit.truth != Truth::unknown) return advance_fraud(stage, slot);
  switch (visit.phase) {
    case VisitPhase::arriving:
    case VisitPhase::browsing: browse(stage, visit); break;
    case VisitPhase::at_cart: ponder(stage, visit); break;
    case VisitPhase::checkout: check_out(stage, visit); break;
    case VisitPhase::paying: pay(stage, visit); break;
    case VisitPhase::reviewing: review(stage, visit); break;
    case VisitPhase::leaving: break;
  }
  if (visit.phase == VisitPhase::leaving) {
    if (visit.known && stage.random().chance(0.1)) stage.tell(Did::logged_out, visit);
    return leave(stage, slot);
  }
  again(stage, slot, pause_ms(stage, visit));
}

}  // namespace tradewind::simulate
