#pragma once
// Fraudsters: card testers, thieves of cards and of accounts, rings around one address, abusers of refunds;
// and, no crime but as loud, somebody whose huge order is cancelled. Every order of theirs is labelled.
//
// Threads: one.

#include "apps/simulate/stage.h"

namespace tradewind::simulate {

void begin_fraud(Stage& stage);
void advance_fraud(Stage& stage, uint32_t slot);
// Somebody orders a pallet of one thing.
void begin_bulk_order(Stage& stage);

}  // namespace tradewind::simulate
