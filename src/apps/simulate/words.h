#pragma once
// Words: what can happen in the shop, in the order of the symbols of the shipped schemas. An EventWriter
// checks at its making that they agree.

#include <cstdint>

namespace tradewind::simulate {

enum class Did : uint8_t {
  unknown,
  page_viewed,
  products_searched,
  product_list_viewed,
  product_list_filtered,
  product_clicked,
  product_viewed,
  product_added,
  product_removed,
  cart_viewed,
  wishlist_added,
  wishlist_removed,
  checkout_started,
  checkout_step_viewed,
  checkout_step_completed,
  payment_info_entered,
  coupon_entered,
  coupon_applied,
  coupon_denied,
  coupon_removed,
  promotion_viewed,
  promotion_clicked,
  recommendation_shown,
  recommendation_clicked,
  product_shared,
  product_reviewed,
  order_completed,
  signed_up,
  identified,
  login_succeeded,
  login_failed,
  logged_out
};

enum class OrderStep : uint8_t {
  unknown,
  order_placed,
  order_updated,
  order_confirmed,
  payment_attempted,
  payment_authorized,
  payment_declined,
  payment_captured,
  payment_voided,
  order_shipped,
  order_delivered,
  order_cancelled,
  order_return_requested,
  order_returned,
  order_refunded,
  chargeback_opened,
  chargeback_won,
  chargeback_lost,
  early_fraud_warning
};

enum class Movement : uint8_t {
  unknown,
  snapshot,
  sale,
  reservation,
  reservation_released,
  receipt,
  returned,
  adjustment,
  transfer_out,
  transfer_in,
  damage,
  purchase_ordered,
  purchase_cancelled,
  price_changed,
  discontinued
};

enum class ProfileChange : uint8_t {
  unknown,
  created,
  updated,
  identified,
  email_changed,
  phone_changed,
  password_changed,
  address_added,
  address_changed
};

// What a truth label says of a visit or an order.
enum class Truth : uint8_t {
  unknown,
  bot,
  card_testing,
  stolen_card,
  account_takeover,
  address_ring,
  refund_abuse,
  bulk_order_cancelled
};

}  // namespace tradewind::simulate
