#include "shop_records.h"

#include <cmath>

#include "base/coding.h"
#include "base/random.h"
#include "data/decimal.h"

namespace tradewind::bench {

// clang-format off
const char* const kOrderSchema = R"json({"type":"record","name":"Order","namespace":"com.tradewind.bench.v1",
 "doc":"Topic orders, key = customer_id (UTF-8). Framing: 00, schema id 2 big endian, body.",
 "fields":[
 {"name":"event_id","type":{"type":"string","logicalType":"uuid"}},
 {"name":"event_type","type":{"type":"enum","name":"OrderEventType","symbols":["UNKNOWN","ORDER_PLACED","ORDER_UPDATED","ORDER_CANCELLED"],"default":"UNKNOWN"}},
 {"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}},
 {"name":"order_id","type":"string"},
 {"name":"customer_id","type":"string"},
 {"name":"visitor_id","type":["null","string"],"default":null},
 {"name":"session_id","type":["null","string"],"default":null},
 {"name":"channel","type":{"type":"enum","name":"Channel","symbols":["UNKNOWN","WEB","APP","POS","MARKETPLACE"],"default":"UNKNOWN"}},
 {"name":"currency","type":"string","default":"USD"},
 {"name":"country","type":"string","default":""},
 {"name":"payment_method","type":{"type":"enum","name":"PaymentMethod","symbols":["UNKNOWN","CARD","WALLET","BANK_TRANSFER","BNPL"],"default":"UNKNOWN"}},
 {"name":"card_bin","type":["null","string"],"default":null},
 {"name":"subtotal","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
 {"name":"shipping_total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
 {"name":"tax_total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
 {"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
 {"name":"items","type":{"type":"array","items":{"type":"record","name":"OrderItem","fields":[
   {"name":"product_id","type":"string"},
   {"name":"category","type":"string","default":""},
   {"name":"quantity","type":"int","default":1},
   {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
   {"name":"discount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}}]}},"default":[]}]})json";

const char* const kPageViewSchema = R"json({"type":"record","name":"PageView","namespace":"com.tradewind.bench.v1",
 "doc":"Topic page_views, key = visitor_id (UTF-8). Framing: 00, schema id 1 big endian, body.",
 "fields":[
 {"name":"event_id","type":{"type":"string","logicalType":"uuid"}},
 {"name":"event_type","type":{"type":"enum","name":"PageEventType","symbols":["UNKNOWN","PAGE_VIEWED","PRODUCT_VIEWED","PRODUCT_ADDED","CART_VIEWED","CHECKOUT_STARTED","ORDER_COMPLETED"],"default":"UNKNOWN"}},
 {"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}},
 {"name":"visitor_id","type":"string"},
 {"name":"customer_id","type":["null","string"],"default":null},
 {"name":"session_id","type":"string","default":""},
 {"name":"product_id","type":"string"},
 {"name":"category","type":"string","default":""},
 {"name":"url","type":"string","default":""},
 {"name":"referrer","type":["null","string"],"default":null},
 {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}},
 {"name":"dwell_ms","type":"int","default":0}]})json";
// clang-format on

namespace {

// Ranks drawn with probability ~ 1 / rank, by inverting the continuous distribution.
class Zipf {
 public:
  explicit Zipf(uint64_t items) : log_items_(std::log(static_cast<double>(items))) {}
  uint64_t draw(Random& random) const { return static_cast<uint64_t>(std::exp(random.unit() * log_items_)); }

 private:
  double log_items_;
};

const char* const kCategories[] = {"electronics/phones", "home/kitchen", "fashion/shoes", "sports/outdoor",
                                   "books/fiction",      "toys/board",   "beauty/skin",   "garden/tools"};
const char* const kCountries[] = {"DE", "US", "FR", "GB", "NL", "PL"};
const char* const kReferrers[] = {"https://www.google.com/", "https://www.bing.com/", "https://t.co/Xy12Ab"};

void put_text(Bytes& out, BytesView text) {
  put_zigzag(out, static_cast<int64_t>(text.size()));
  out += text;
}

void put_optional(Bytes& out, bool there, BytesView text) {
  put_zigzag(out, there ? 1 : 0);
  if (there) put_text(out, text);
}

void put_money(Bytes& out, int64_t unscaled) {
  put_text(out, decimal_bytes(unscaled));
}

std::string uuid(Random& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "xxxxxxxx-xxxx-7xxx-8xxx-xxxxxxxxxxxx";
  for (char& c : text) {
    if (c == 'x') c = kDigits[random.below(16)];
  }
  return text;
}

std::string named(const char* prefix, uint64_t number) {
  const std::string digits = std::to_string(number);
  return prefix + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

void begin(Payloads& out) {
  out.bytes.append("\0\0\0\0\1", 5);
}
void end(Payloads& out) {
  out.ends.push_back(static_cast<uint32_t>(out.bytes.size()));
}

}  // namespace

Payloads make_orders(size_t count, uint64_t seed) {
  Random random(seed);
  const Zipf customers(100'000);
  const Zipf products(20'000);
  Payloads out;
  int64_t time = 1'760'000'000'000;
  for (size_t i = 0; i < count; ++i) {
    Bytes& bytes = out.bytes;
    begin(out);
    time += static_cast<int64_t>(random.below(3));
    const uint64_t customer = customers.draw(random);
    put_text(bytes, uuid(random));
    put_zigzag(bytes, random.chance(0.9) ? 1 : 2 + static_cast<int64_t>(random.below(2)));
    put_zigzag(bytes, time - static_cast<int64_t>(random.below(5000)));
    put_text(bytes, named("o-", i));
    put_text(bytes, named("c-", customer));
    put_optional(bytes, random.chance(0.7), named("v-", customer * 7));
    put_optional(bytes, random.chance(0.7), named("s-", i / 3));
    put_zigzag(bytes, static_cast<int64_t>(1 + random.below(4)));
    put_text(bytes, "USD");
    put_text(bytes, kCountries[random.below(6)]);
    put_zigzag(bytes, static_cast<int64_t>(1 + random.below(4)));
    put_optional(bytes, random.chance(0.6), named("", random.below(1000)).substr(0, 6));
    const auto items = static_cast<int64_t>(1 + random.below(4));
    const auto subtotal = static_cast<int64_t>(random.below(5'000'000) + 10'000);
    put_money(bytes, subtotal);
    put_money(bytes, 49'900);
    put_money(bytes, subtotal / 5);
    put_money(bytes, subtotal + subtotal / 5 + 49'900);
    put_zigzag(bytes, items);
    for (int64_t item = 0; item < items; ++item) {
      put_text(bytes, named("p-", products.draw(random)));
      put_text(bytes, kCategories[random.below(8)]);
      put_zigzag(bytes, static_cast<int64_t>(1 + random.below(3)));
      put_money(bytes, static_cast<int64_t>(random.below(1'000'000)));
      put_money(bytes, random.chance(0.8) ? 0 : static_cast<int64_t>(random.below(50'000)));
    }
    put_zigzag(bytes, 0);
    end(out);
  }
  return out;
}

Payloads make_page_views(size_t count, uint64_t seed) {
  Random random(seed);
  const Zipf visitors(100'000);
  const Zipf products(20'000);
  Payloads out;
  int64_t time = 1'760'000'000'000;
  for (size_t i = 0; i < count; ++i) {
    Bytes& bytes = out.bytes;
    begin(out);
    time += static_cast<int64_t>(random.below(2));
    const uint64_t visitor = visitors.draw(random);
    const uint64_t product = products.draw(random);
    put_text(bytes, uuid(random));
    put_zigzag(bytes, static_cast<int64_t>(1 + random.below(3)));
    put_zigzag(bytes, time - static_cast<int64_t>(random.below(5000)));
    put_text(bytes, named("v-", visitor));
    put_optional(bytes, random.chance(0.3), named("c-", visitor / 7));
    put_text(bytes, named("s-", i / 6));
    put_text(bytes, named("p-", product));
    put_text(bytes, kCategories[product % 8]);
    put_text(bytes, "/product/" + std::to_string(product));
    put_optional(bytes, random.chance(0.2), kReferrers[random.below(3)]);
    put_money(bytes, static_cast<int64_t>(random.below(2'000'000)));
    put_zigzag(bytes, static_cast<int64_t>(random.below(60'000)));
    end(out);
  }
  return out;
}

}  // namespace tradewind::bench
