#include "apps/simulate/orders.h"

#include "apps/simulate/recommendations.h"
#include "apps/simulate/stock.h"

namespace tradewind::simulate {
namespace {

constexpr int64_t kFreeShippingFrom = 500'000;
constexpr int64_t kShipping = 49'000;
constexpr int64_t kExpress = 99'000;

int64_t sum_of(const Order& order, size_t lines) {
  int64_t sum = 0;
  for (size_t i = 0; i < lines; ++i) sum += order.line[i].total();
  return sum;
}
int64_t total_of(const Order& order) {
  return sum_of(order, order.lines) + order.shipping_total;
}

RecordWriter& open(Stage& stage, OrderStep what, Order& order) {
  ++order.version;
  return stage.writer.open_order(what, order, stage.count());
}

void put_payment(Stage& stage, RecordWriter& record, const Order& order, const PaymentSaid& said) {
  record.raw(stage.fields().order.payment, stage.writer.parts().payment(order, said));
}

void put_items(Stage& stage, RecordWriter& record, const Order& order, size_t lines) {
  record.raw(stage.fields().order.items, stage.writer.parts().lines(order, lines));
}

void tell_payment(Stage& stage, Order& order, OrderStep what) {
  put_payment(stage, open(stage, what, order), order, {.what = what, .amount = total_of(order)});
  stage.close();
}

Fate draw_fate(Stage& stage, const Visit& visit) {
  if (visit.truth == Truth::bulk_order_cancelled) return Fate::cancelled;
  if (visit.truth == Truth::refund_abuse) return Fate::refund_claimed;
  if (visit.truth != Truth::unknown)
    return stage.random().chance(0.85) ? Fate::charged_back : Fate::cancelled;
  const double draw = stage.random().unit();
  if (draw < 0.03) return Fate::cancelled;
  if (draw < 0.10) return Fate::returned;
  return draw < 0.105 ? Fate::refund_claimed : Fate::delivered;
}

void next(Stage& stage, uint32_t slot, Stand stand, int64_t wait_ms) {
  stage.world.orders.slots[slot].stand = stand;
  stage.world.orders_due.add(stage.now() + std::max<int64_t>(wait_ms, 1), slot);
}

void close_life(Stage& stage, uint32_t slot) {
  stage.world.orders.give_back(slot);
}

Customer* account_of(Stage& stage, const Order& order) {
  return order.customer == kNobody ? nullptr : &stage.world.customers[order.customer];
}

void tell_placed(Stage& stage, const Visit& visit, Order& order) {
  RecordWriter& record = open(stage, OrderStep::order_placed, order);
  put_payment(stage, record, order, {.what = OrderStep::payment_authorized, .amount = total_of(order)});
  put_items(stage, record, order, order.lines);
  if (const Customer* account = account_of(stage, order)) {
    record.number(stage.fields().order.account_created_at, account->created_ms);
    if (account->password_changed_ms != 0)
      record.number(stage.fields().order.last_password_change_at, account->password_changed_ms);
    if (account->address_changed_ms != 0)
      record.number(stage.fields().order.last_address_change_at, account->address_changed_ms);
  }
  stage.close();
  RecordWriter& seen = stage.writer.open_visit(Did::order_completed, visit, stage.count());
  const VisitFields& field = stage.fields().visit;
  seen.text(field.order_id, stage.people.order(order.number));
  seen.money(field.value, total_of(order));
  seen.text(field.currency, "EUR");
  seen.raw(field.items, stage.writer.parts().lines(order, order.lines));
  stage.close();
  if (visit.truth != Truth::unknown) stage.writer.write_truth(visit.truth, visit, &order, stage.count());
}

void tell_profile(Stage& stage, const Order& order) {
  Customer* account = account_of(stage, order);
  if (account == nullptr) return;
  account->told = true;
  stage.writer.open_profile(ProfileChange::updated, order.customer, order.place, *account, stage.count());
  stage.close();
}

void cancel(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  RecordWriter& record = open(stage, OrderStep::order_cancelled, order);
  const bool fraud = order.truth != Truth::unknown && order.truth != Truth::bulk_order_cancelled;
  record.text(stage.fields().order.cancel_reason, fraud ? "fraud" : "customer");
  put_items(stage, record, order, order.lines);
  stage.close();
  for (size_t i = 0; i < order.lines; ++i) release(stage, order, order.line[i]);
  next(stage, slot, Stand::voiding, stage.wait_ms(2'000));
}

void ship(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  open(stage, OrderStep::order_shipped, order);
  stage.close();
  for (size_t i = 0; i < order.lines; ++i) hand_over(stage, order, order.line[i]);
  if (stage.world.orders.used() > kMostOpenOrders) return close_life(stage, slot);
  next(stage, slot, Stand::delivering,
       stage.hauling_ms(order.express ? 14 : 30 + 30 * stage.random().unit()));
}

void deliver(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  open(stage, OrderStep::order_delivered, order);
  stage.close();
  plan_review(stage, order);
  const double days = 1 + 9 * stage.random().unit();
  switch (order.fate) {
    case Fate::returned: return next(stage, slot, Stand::returning, stage.hauling_ms(24 * days));
    case Fate::refund_claimed: return next(stage, slot, Stand::refunding, stage.hauling_ms(12 * days));
    case Fate::charged_back:
      return next(stage, slot, Stand::refunding, stage.hauling_ms(24 * (10 + 2 * days)));
    case Fate::delivered:
    case Fate::cancelled: return close_life(stage, slot);
  }
}

void charge_back(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  RecordWriter& record = open(stage, OrderStep::chargeback_opened, order);
  record.text(stage.fields().order.chargeback_reason_code, "10.4");
  record.number(stage.fields().order.label_known_at, stage.now());
  put_items(stage, record, order, order.lines);
  stage.close();
  close_life(stage, slot);
}

void refund(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  if (order.fate == Fate::charged_back) return charge_back(stage, slot);
  const size_t lines = order.lines_returned;
  const int64_t amount = sum_of(order, lines) + (lines == order.lines ? order.shipping_total : 0);
  RecordWriter& record = open(stage, OrderStep::order_refunded, order);
  record.money(stage.fields().order.refund_total, amount);
  record.text(stage.fields().order.refund_reason, order.fate == Fate::returned ? "returned" : "not received");
  put_payment(stage, record, order, {.what = OrderStep::order_refunded, .amount = amount});
  put_items(stage, record, order, lines);
  stage.close();
  if (Customer* account = account_of(stage, order)) {
    ++account->refunds;
    account->spent -= amount;
  }
  tell_profile(stage, order);
  close_life(stage, slot);
}

void ask_return(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  RecordWriter& record = open(stage, OrderStep::order_return_requested, order);
  record.text(stage.fields().order.return_reason,
              stage.random().chance(0.6) ? "does not fit" : "not as described");
  put_items(stage, record, order, order.lines_returned);
  stage.close();
  next(stage, slot, Stand::receiving, stage.hauling_ms(48 + 48 * stage.random().unit()));
}

void receive(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  RecordWriter& record = open(stage, OrderStep::order_returned, order);
  put_items(stage, record, order, order.lines_returned);
  stage.close();
  for (size_t i = 0; i < order.lines_returned; ++i) take_back(stage, order, order.line[i]);
  next(stage, slot, Stand::refunding, stage.hauling_ms(6 + 12 * stage.random().unit()));
}

}  // namespace

bool begin_order(Stage& stage, Visit& visit) {
  const uint32_t slot = stage.world.orders.take();
  Order& order = stage.world.orders.slots[slot];
  order = {.number = ++stage.count().orders,
           .session = visit.number,
           .address = visit.address,
           .card = visit.card,
           .visitor = visit.visitor,
           .customer = visit.guest ? kNobody : visit.customer,
           .machine = visit.machine,
           .place = visit.place,
           .truth = visit.truth,
           .hosted = visit.hosted,
           .coupon = visit.coupon,
           .express = visit.truth == Truth::stolen_card || stage.random().chance(0.15)};
  const Customer* account = account_of(stage, order);
  order.first = account == nullptr || account->orders == 0;
  for (size_t i = 0; i < visit.lines; ++i) {
    OrderLine line{.unit_price = stage.writer.price(visit.cart[i].product),
                   .product = visit.cart[i].product,
                   .quantity = visit.cart[i].quantity};
    // A tenth off, to whole cents.
    if (order.coupon) line.discount = line.unit_price * line.quantity / 1'000 * 100;
    if (reserve(stage, order, line)) order.line[order.lines++] = line;
  }
  if (order.lines == 0) {
    stage.world.orders.give_back(slot);
    return false;
  }
  if (order.express)
    order.shipping_total = kExpress;
  else if (sum_of(order, order.lines) < kFreeShippingFrom)
    order.shipping_total = kShipping;
  visit.order = slot;
  return true;
}

void attempt_payment(Stage& stage, Visit& visit) {
  Order& order = stage.world.orders.slots[visit.order];
  ++order.attempts;
  order.card = visit.card;
  tell_payment(stage, order, OrderStep::payment_attempted);
}

void accept_payment(Stage& stage, Visit& visit) {
  const uint32_t slot = visit.order;
  Order& order = stage.world.orders.slots[slot];
  tell_payment(stage, order, OrderStep::payment_authorized);
  order.placed_ms = stage.now();
  tell_placed(stage, visit, order);
  if (Customer* account = account_of(stage, order)) {
    ++account->orders;
    account->spent += total_of(order);
    tell_profile(stage, order);
  }
  order.fate = draw_fate(stage, visit);
  order.lines_returned = order.lines;
  if (order.fate == Fate::returned)
    order.lines_returned = static_cast<uint8_t>(1 + stage.random().below(order.lines));
  visit.order = kNone;
  // A cancellation comes before anything is paid for good.
  if (order.fate == Fate::cancelled)
    return next(stage, slot, Stand::cancelling, 60'000 + stage.wait_ms(8 * 60'000));
  next(stage, slot, Stand::capturing, 2'000 + stage.wait_ms(20'000));
}

void decline_payment(Stage& stage, Visit& visit, const char* code, bool fraud_suspected) {
  Order& order = stage.world.orders.slots[visit.order];
  order.code_wrong = std::string_view(code) == "incorrect_cvc";
  put_payment(stage, open(stage, OrderStep::payment_declined, order), order,
              {.what = OrderStep::payment_declined,
               .amount = total_of(order),
               .decline_code = code,
               .fraud_suspected = fraud_suspected});
  stage.close();
  order.code_wrong = false;
}

void drop_order(Stage& stage, Visit& visit) {
  if (visit.order == kNone) return;
  const Order order = stage.world.orders.slots[visit.order];
  for (size_t i = 0; i < order.lines; ++i) release(stage, order, order.line[i]);
  if (visit.truth != Truth::unknown) stage.writer.write_truth(visit.truth, visit, &order, stage.count());
  stage.world.orders.give_back(visit.order);
  visit.order = kNone;
}

void advance_order(Stage& stage, uint32_t slot) {
  Order& order = stage.world.orders.slots[slot];
  switch (order.stand) {
    case Stand::capturing:
      tell_payment(stage, order, OrderStep::payment_captured);
      return next(stage, slot, Stand::shipping, stage.hauling_ms(2 + 30 * stage.random().unit()));
    case Stand::shipping: return ship(stage, slot);
    case Stand::delivering: return deliver(stage, slot);
    case Stand::returning: return ask_return(stage, slot);
    case Stand::receiving: return receive(stage, slot);
    case Stand::refunding: return refund(stage, slot);
    case Stand::cancelling: return cancel(stage, slot);
    case Stand::voiding:
      tell_payment(stage, order, OrderStep::payment_voided);
      return close_life(stage, slot);
  }
}

}  // namespace tradewind::simulate
