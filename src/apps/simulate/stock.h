#pragma once
// Stock: levels that fall with orders, are refilled by suppliers, and prices that change with sales. What is
// there is never promised twice.
//
// Threads: one.

#include "apps/simulate/stage.h"

namespace tradewind::simulate {

// The first levels, told as snapshots.
void open_stock(Stage& stage);

// Units that can be promised, over all places.
int32_t available(Stage& stage, uint16_t product);
// Finds a place that has the line's goods, and holds them there for the order. False: nowhere are enough.
bool reserve(Stage& stage, const Order& order, OrderLine& line);
void release(Stage& stage, const Order& order, const OrderLine& line);
// The goods leave.
void hand_over(Stage& stage, const Order& order, const OrderLine& line);
// They come back.
void take_back(Stage& stage, const Order& order, const OrderLine& line);

// Asks the supplier where little is left and little on its way.
void order_if_low(Stage& stage, uint16_t product, uint8_t location);
// A supplier delivers, or does not; or goods arrive that were carried.
void supply(Stage& stage, uint32_t slot);
// The sale ends and another category's begins.
void change_sale(Stage& stage);

}  // namespace tradewind::simulate
