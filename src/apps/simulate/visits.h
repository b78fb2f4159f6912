#pragma once
// Visits: what visitors do between coming and leaving: shoppers, and bots that look like some.
//
// Threads: one.

#include "apps/simulate/stage.h"

namespace tradewind::simulate {

// Visitors nobody knew before are numbered from here; below it lie the devices of customers.
inline constexpr uint32_t kFirstStranger = uint32_t{1} << 30;

// Somebody comes; the visit goes on at the moment it adds to the agenda.
void begin_visit(Stage& stage);
// The next thing in a visit.
void advance_visit(Stage& stage, uint32_t slot);

// The steps that fraudsters share with shoppers.

// A visit of somebody nobody knows; not on the agenda yet.
uint32_t new_visit(Stage& stage, uint32_t visitor);
uint32_t new_stranger(Stage& stage);
// The visit goes on after `wait_ms`.
void again(Stage& stage, uint32_t slot, int64_t wait_ms);
// Ends the visit.
void leave(Stage& stage, uint32_t slot);
void tell_product(Stage& stage, Did what, const Visit& visit, uint16_t product);
void put_in_cart(Stage& stage, Visit& visit, uint16_t product, uint16_t quantity);
// A new account for the visitor.
void sign_up(Stage& stage, Visit& visit);
void log_in(Stage& stage, Visit& visit);

}  // namespace tradewind::simulate
