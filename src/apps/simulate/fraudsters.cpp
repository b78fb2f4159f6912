#include "apps/simulate/fraudsters.h"

#include "apps/simulate/orders.h"
#include "apps/simulate/stock.h"
#include "apps/simulate/visits.h"

namespace tradewind::simulate {
namespace {

// A stolen card is told by its two highest bits.
uint64_t stolen_card(Stage& stage) {
  return uint64_t{3} << 62 | ++stage.count().cards;
}

// Addresses of rings and thieves are nobody's.
uint64_t strange_address(Stage& stage) {
  return uint64_t{1} << 62 | ++stage.count().addresses;
}

uint32_t begin(Stage& stage, Truth truth, uint16_t rounds) {
  const uint32_t slot = new_visit(stage, new_stranger(stage));
  Visit& visit = stage.world.visits.slots[slot];
  visit.truth = truth;
  visit.left = rounds;
  visit.phase = VisitPhase::browsing;
  return slot;
}

// Holds what an order needs; what is sold out is replaced by something else.
bool fill_cart(Stage& stage, Visit& visit, uint16_t product, uint16_t quantity) {
  visit.lines = 0;
  for (int tries = 0; tries < 20 && available(stage, product) < 2 * kLocations * quantity; ++tries)
    product = stage.catalogue.draw_resold(stage.random());
  put_in_cart(stage, visit, product, quantity);
  return begin_order(stage, visit);
}

void end_round(Stage& stage, uint32_t slot, int64_t wait_ms) {
  Visit& visit = stage.world.visits.slots[slot];
  visit.phase = VisitPhase::browsing;
  visit.step = 0;
  if (--visit.left == 0) return leave(stage, slot);
  again(stage, slot, wait_ms);
}

// Small sums, one card after another; or one card, whose check number is guessed.
void test_cards(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  const bool guessing = visit.coupon;  // decided at the beginning
  if (visit.phase == VisitPhase::browsing) {
    visit.guest = true;
    if (!guessing || visit.card < uint64_t{1} << 62) visit.card = stolen_card(stage);
    if (visit.order == kNone) {
      const bool coupon = std::exchange(visit.coupon, false);
      const bool begun = fill_cart(stage, visit, stage.catalogue.gift_card(), 1);
      visit.coupon = coupon;
      if (!begun) return leave(stage, slot);
    }
    attempt_payment(stage, visit);
    visit.phase = VisitPhase::paying;
    return again(stage, slot, 900 + stage.wait_ms(1'500));
  }
  if (stage.random().chance(visit.left == 1 && guessing ? 0.6 : 0.06)) {
    accept_payment(stage, visit);
    if (guessing) return leave(stage, slot);
  } else {
    decline_payment(stage, visit, guessing ? "incorrect_cvc" : "do_not_honor",
                    !guessing && stage.random().chance(0.3));
    // Who tests cards sends each in an order of its own; who guesses stays at one.
    if (!guessing || visit.left == 1) drop_order(stage, visit);
  }
  end_round(stage, slot, 2'000 + stage.wait_ms(12'000));
}

// A few dear orders from one device, under one name after another.
void spend_stolen_card(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  if (visit.phase == VisitPhase::browsing) {
    visit.guest = false;
    visit.known = false;
    sign_up(stage, visit);
    if (!fill_cart(stage, visit, stage.catalogue.draw_resold(stage.random()),
                   static_cast<uint16_t>(1 + stage.random().below(3))))
      return leave(stage, slot);
    attempt_payment(stage, visit);
    visit.phase = VisitPhase::paying;
    return again(stage, slot, 1'500 + stage.wait_ms(2'000));
  }
  if (stage.random().chance(0.7)) {
    accept_payment(stage, visit);
  } else {
    decline_payment(stage, visit, "do_not_honor", true);
    drop_order(stage, visit);
  }
  end_round(stage, slot, 60'000 + stage.wait_ms(4 * 60'000));
}

// Wrong passwords, then the right one, a new address, and an order with the card that is stored.
void take_account(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  const VisitFields& field = stage.fields().visit;
  if (visit.phase == VisitPhase::browsing) {
    if (visit.step < visit.attempts) {
      ++visit.step;
      RecordWriter& record = stage.writer.open_visit(Did::login_failed, visit, stage.count());
      record.text(field.email_hash, stage.people.email(visit.customer));
      record.text(field.failure_reason, "wrong password");
      stage.close();
      return again(stage, slot, 1'000 + stage.wait_ms(6'000));
    }
    log_in(stage, visit);
    Customer& account = stage.world.customers[visit.customer];
    account.password_changed_ms = account.address_changed_ms = stage.now();
    account.told = true;
    for (const ProfileChange what : {ProfileChange::password_changed, ProfileChange::address_changed}) {
      stage.writer.open_profile(what, visit.customer, visit.place, account, stage.count());
      stage.close();
    }
    visit.phase = VisitPhase::checkout;
    return again(stage, slot, 20'000 + stage.wait_ms(60'000));
  }
  if (visit.phase == VisitPhase::checkout) {
    if (!fill_cart(stage, visit, stage.catalogue.draw_resold(stage.random()), 1)) return leave(stage, slot);
    attempt_payment(stage, visit);
    visit.phase = VisitPhase::paying;
    return again(stage, slot, 1'500);
  }
  accept_payment(stage, visit);
  leave(stage, slot);
}

// One address, a new device and account for each order.
void order_for_ring(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  if (visit.phase == VisitPhase::browsing) {
    if (visit.attempts++ > 0) {
      const uint32_t next = new_visit(stage, new_stranger(stage));
      Visit& other = stage.world.visits.slots[next];  // the pool may have moved
      const Visit& last = stage.world.visits.slots[slot];
      other.truth = last.truth;
      other.left = last.left;
      other.attempts = 1;
      other.address = last.address;
      other.place = last.place;
      stage.world.visits.give_back(slot);
      slot = next;
    }
    Visit& now = stage.world.visits.slots[slot];
    now.card = stolen_card(stage);
    sign_up(stage, now);
    if (!fill_cart(stage, now, stage.catalogue.draw_resold(stage.random()), 1)) return leave(stage, slot);
    attempt_payment(stage, now);
    now.phase = VisitPhase::paying;
    return again(stage, slot, 2'000);
  }
  accept_payment(stage, visit);
  end_round(stage, slot, stage.hauling_ms(2) + stage.wait_ms(6 * 60'000));
}

// A customer who orders often, and says of each order that it never came.
void abuse_refunds(Stage& stage, uint32_t slot) {
  Visit& visit = stage.world.visits.slots[slot];
  if (visit.phase == VisitPhase::browsing) {
    if (!fill_cart(stage, visit, stage.catalogue.draw(stage.random()), 1)) return leave(stage, slot);
    attempt_payment(stage, visit);
    visit.phase = VisitPhase::paying;
    return again(stage, slot, 2'000);
  }
  accept_payment(stage, visit);
  end_round(stage, slot, stage.hauling_ms(24) + stage.wait_ms(10 * 60'000));
}

void pay_for_pallet(Stage& stage, uint32_t slot) {
  accept_payment(stage, stage.world.visits.slots[slot]);
  leave(stage, slot);
}

uint32_t some_customer(Stage& stage) {
  return static_cast<uint32_t>(stage.random().below(stage.world.customers.size()));
}

}  // namespace

void begin_fraud(Stage& stage) {
  Random& random = stage.random();
  switch (random.below(5)) {
    case 0: {
      const uint32_t slot = begin(stage, Truth::card_testing, static_cast<uint16_t>(8 + random.below(18)));
      Visit& visit = stage.world.visits.slots[slot];
      visit.hosted = random.chance(0.5);
      visit.coupon = random.chance(0.5);
      return again(stage, slot, 1'000);
    }
    case 1: {
      const uint32_t slot = begin(stage, Truth::stolen_card, static_cast<uint16_t>(3 + random.below(4)));
      Visit& visit = stage.world.visits.slots[slot];
      visit.card = stolen_card(stage);
      visit.address = strange_address(stage);
      return again(stage, slot, 1'000);
    }
    case 2: {
      const uint32_t slot = begin(stage, Truth::account_takeover, 1);
      Visit& visit = stage.world.visits.slots[slot];
      visit.customer = some_customer(stage);
      visit.card = visit.customer;  // the one that is stored
      visit.address = strange_address(stage);
      visit.attempts = static_cast<uint8_t>(5 + random.below(8));
      return again(stage, slot, 1'000);
    }
    case 3: {
      const uint32_t slot = begin(stage, Truth::address_ring, static_cast<uint16_t>(4 + random.below(5)));
      stage.world.visits.slots[slot].address = strange_address(stage);
      return again(stage, slot, 1'000);
    }
    default: {
      const uint32_t slot = begin(stage, Truth::refund_abuse, static_cast<uint16_t>(3 + random.below(3)));
      Visit& visit = stage.world.visits.slots[slot];
      visit.customer = some_customer(stage);
      visit.known = true;
      visit.card = visit.address = visit.customer;
      return again(stage, slot, 1'000);
    }
  }
}

void begin_bulk_order(Stage& stage) {
  const uint32_t slot = begin(stage, Truth::bulk_order_cancelled, 1);
  Visit& visit = stage.world.visits.slots[slot];
  visit.guest = true;
  // Of something much wanted, all that one place has.
  uint16_t product = 0;
  int32_t most = 0;
  for (int look = 0; look < 8 && most < 5; ++look) {
    product = stage.catalogue.draw(stage.random());
    most = 0;
    for (uint8_t location = 0; location < kLocations; ++location)
      most = std::max(most, stage.stock(product, location).available());
  }
  if (most < 5) return leave(stage, slot);
  put_in_cart(stage, visit, product, static_cast<uint16_t>(std::min(most, 4'000)));
  if (!begin_order(stage, visit)) return leave(stage, slot);
  attempt_payment(stage, visit);
  again(stage, slot, 3'000);
}

void advance_fraud(Stage& stage, uint32_t slot) {
  switch (stage.world.visits.slots[slot].truth) {
    case Truth::card_testing: return test_cards(stage, slot);
    case Truth::stolen_card: return spend_stolen_card(stage, slot);
    case Truth::account_takeover: return take_account(stage, slot);
    case Truth::address_ring: return order_for_ring(stage, slot);
    case Truth::refund_abuse: return abuse_refunds(stage, slot);
    case Truth::bulk_order_cancelled: return pay_for_pallet(stage, slot);
    case Truth::unknown:
    case Truth::bot: return leave(stage, slot);
  }
}

}  // namespace tradewind::simulate
