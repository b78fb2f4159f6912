#pragma once
// Decoders written by hand for the two benchmark schemas, straight into arrays: what code made for one schema
// reaches.

#include <vector>

#include "shop_records.h"

namespace tradewind::bench {

struct PageViewArrays {
  std::vector<BytesView> event_id, event_type, visitor, customer, session, product, category, url, referrer;
  std::vector<int64_t> time, price;
  std::vector<int32_t> dwell;
  std::vector<uint8_t> has_customer, has_referrer;
  explicit PageViewArrays(size_t rows);
};

struct OrderArrays {
  std::vector<BytesView> event_id, event_type, order, customer, visitor, session, channel, currency, country,
      method, bin;
  std::vector<int64_t> time, subtotal, shipping, tax, total;
  std::vector<uint8_t> has_visitor, has_session, has_bin;
  std::vector<uint32_t> items;  // offsets
  std::vector<BytesView> item_product, item_category;
  std::vector<int32_t> item_quantity;
  std::vector<int64_t> item_price, item_discount;
  explicit OrderArrays(size_t rows);
};

// Rows [from, to) into rows 0 and up; false when a payload is bad.
bool decode_page_views(const Payloads& payloads, size_t from, size_t to, PageViewArrays& out);
bool decode_orders(const Payloads& payloads, size_t from, size_t to, OrderArrays& out);

}  // namespace tradewind::bench
