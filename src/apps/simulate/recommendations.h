#pragma once
// Recommendations: the list below a product on the screen, which some visitors take something from; and what
// buyers say of their goods once these have come.
//
// Threads: one.

#include "apps/simulate/stage.h"

namespace tradewind::simulate {

inline constexpr uint16_t kNothing = UINT16_MAX;  // no product

// Shows what goes with the product at hand: others of its category that can be had.
void recommend(Stage& stage, Visit& visit);
// The visitor clicks on what was wanted of the last list, if anything was. The product, or kNothing.
uint16_t take_recommended(Stage& stage, Visit& visit);

// A delivered order may bring its buyer back to rate something of it.
void plan_review(Stage& stage, const Order& order);
// The buyer comes, rates it and leaves.
void review(Stage& stage, Visit& visit);

}  // namespace tradewind::simulate
