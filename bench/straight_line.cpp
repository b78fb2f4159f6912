#include "straight_line.h"

#include "schema/avro/cursor.h"

namespace tradewind::bench {
namespace {

using schema::avro::Cursor;

constexpr BytesView kPageEvents[] = {"UNKNOWN",     "PAGE_VIEWED",      "PRODUCT_VIEWED", "PRODUCT_ADDED",
                                     "CART_VIEWED", "CHECKOUT_STARTED", "ORDER_COMPLETED"};
constexpr BytesView kOrderEvents[] = {"UNKNOWN", "ORDER_PLACED", "ORDER_UPDATED", "ORDER_CANCELLED"};
constexpr BytesView kChannels[] = {"UNKNOWN", "WEB", "APP", "POS", "MARKETPLACE"};
constexpr BytesView kMethods[] = {"UNKNOWN", "CARD", "WALLET", "BANK_TRANSFER", "BNPL"};

// One payload; `good` turns false at the first fault and the cursor stays.
struct Reader {
  Cursor at;
  Cursor end;
  bool good = true;

  uint64_t varint() {
    uint64_t raw = 0;
    const Cursor next = schema::avro::read_varint(at, end, raw);
    return moved(next) ? raw : 0;
  }
  int64_t number() {
    uint64_t raw = 0;
    const Cursor next = schema::avro::read_long_varint(at, end, raw);
    moved(next);
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  int32_t small() {
    const uint64_t raw = varint();
    return static_cast<int32_t>(static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1));
  }
  BytesView text() {
    size_t length = 0;
    const Cursor from = schema::avro::read_length(at, end, length);
    if (!moved(from)) return {};
    at += length;
    return schema::avro::view_of(from, length);
  }
  BytesView optional(uint8_t& there) {
    const uint64_t branch = varint();
    there = branch == 2;
    if (there) return text();
    good &= branch == 0;
    return {};
  }
  template <size_t N>
  BytesView symbol(const BytesView (&symbols)[N]) {
    const uint64_t raw = varint();
    if (raw / 2 < N) return symbols[raw / 2];
    good = false;
    return {};
  }
  int64_t money() {
    const BytesView bytes = text();
    if (bytes.empty() || bytes.size() > 8) {
      good = false;
      return 0;
    }
    uint64_t word;  // the header stands in front, so the eight bytes before the end are there
    std::memcpy(&word, bytes.data() + bytes.size() - 8, 8);
    const unsigned spare = 64 - 8 * static_cast<unsigned>(bytes.size());
    return static_cast<int64_t>(__builtin_bswap64(word) << spare) >> spare;
  }

 private:
  bool moved(Cursor next) {
    if (__builtin_expect(next == nullptr, 0)) {
      good = false;
      return false;
    }
    at = next;
    return true;
  }
};

Reader reader_of(BytesView payload) {
  const auto* begin = reinterpret_cast<Cursor>(payload.data());
  return {begin + 5, begin + payload.size()};
}

}  // namespace

PageViewArrays::PageViewArrays(size_t rows) {
  for (auto* views :
       {&event_id, &event_type, &visitor, &customer, &session, &product, &category, &url, &referrer}) {
    views->resize(rows);
  }
  time.resize(rows);
  price.resize(rows);
  dwell.resize(rows);
  has_customer.resize(rows);
  has_referrer.resize(rows);
}

OrderArrays::OrderArrays(size_t rows) {
  for (auto* views : {&event_id, &event_type, &order, &customer, &visitor, &session, &channel, &currency,
                      &country, &method, &bin}) {
    views->resize(rows);
  }
  for (auto* numbers : {&time, &subtotal, &shipping, &tax, &total}) numbers->resize(rows);
  for (auto* flags : {&has_visitor, &has_session, &has_bin}) flags->resize(rows);
  items.resize(rows + 1);
  const size_t most = rows * 4;
  item_product.resize(most);
  item_category.resize(most);
  item_quantity.resize(most);
  item_price.resize(most);
  item_discount.resize(most);
}

bool decode_page_views(const Payloads& payloads, size_t from, size_t to, PageViewArrays& out) {
  bool good = true;
  for (size_t i = from; i < to; ++i) {
    const size_t row = i - from;
    Reader in = reader_of(payloads[i]);
    out.event_id[row] = in.text();
    out.event_type[row] = in.symbol(kPageEvents);
    out.time[row] = in.number();
    out.visitor[row] = in.text();
    out.customer[row] = in.optional(out.has_customer[row]);
    out.session[row] = in.text();
    out.product[row] = in.text();
    out.category[row] = in.text();
    out.url[row] = in.text();
    out.referrer[row] = in.optional(out.has_referrer[row]);
    out.price[row] = in.money();
    out.dwell[row] = in.small();
    good &= in.good;
  }
  return good;
}

bool decode_orders(const Payloads& payloads, size_t from, size_t to, OrderArrays& out) {
  bool good = true;
  uint32_t item = 0;
  for (size_t i = from; i < to; ++i) {
    const size_t row = i - from;
    Reader in = reader_of(payloads[i]);
    out.event_id[row] = in.text();
    out.event_type[row] = in.symbol(kOrderEvents);
    out.time[row] = in.number();
    out.order[row] = in.text();
    out.customer[row] = in.text();
    out.visitor[row] = in.optional(out.has_visitor[row]);
    out.session[row] = in.optional(out.has_session[row]);
    out.channel[row] = in.symbol(kChannels);
    out.currency[row] = in.text();
    out.country[row] = in.text();
    out.method[row] = in.symbol(kMethods);
    out.bin[row] = in.optional(out.has_bin[row]);
    out.subtotal[row] = in.money();
    out.shipping[row] = in.money();
    out.tax[row] = in.money();
    out.total[row] = in.money();
    out.items[row] = item;
    for (int32_t count = in.small(); count > 0 && in.good; count = in.small()) {
      if (item + static_cast<uint32_t>(count) > out.item_product.size()) return false;
      for (int32_t k = 0; k < count; ++k, ++item) {
        out.item_product[item] = in.text();
        out.item_category[item] = in.text();
        out.item_quantity[item] = in.small();
        out.item_price[item] = in.money();
        out.item_discount[item] = in.money();
      }
    }
    good &= in.good;
  }
  out.items[to - from] = item;
  return good;
}

}  // namespace tradewind::bench
