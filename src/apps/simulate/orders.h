#pragma once
// Orders: from the first attempt to pay to the delivery, and what can come between and after.
//
// A life is: attempts (declined or authorized), placed, captured, shipped, delivered; or placed, cancelled,
// voided; after the delivery perhaps a return and a refund, a claimed refund, or a chargeback. Threads: one.

#include "apps/simulate/stage.h"

namespace tradewind::simulate {

// Orders that are open at once at most; beyond it, orders are complete when they are shipped.
inline constexpr size_t kMostOpenOrders = 60'000;

// Makes an order of the visit's cart and holds its goods; lines of which there are not enough fall away.
// False: nothing is left of it.
bool begin_order(Stage& stage, Visit& visit);
void attempt_payment(Stage& stage, Visit& visit);
// What the bank says of the attempt. An accepted order is placed, and lives on by itself.
void accept_payment(Stage& stage, Visit& visit);
void decline_payment(Stage& stage, Visit& visit, const char* code, bool fraud_suspected);
// Gives up an order that was not paid.
void drop_order(Stage& stage, Visit& visit);

// The next step in a placed order's life.
void advance_order(Stage& stage, uint32_t slot);

}  // namespace tradewind::simulate
