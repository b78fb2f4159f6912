#include "workload.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::bench {

const char* const kPageViewSchema =
    R"({"type":"record","name":"PageView","namespace":"com.tradewind.bench.v1","fields":[
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
{"name":"dwell_ms","type":"int","default":0}]})";

const char* const kOrderSchema =
    R"({"type":"record","name":"Order","namespace":"com.tradewind.bench.v1","fields":[
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
{"name":"discount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}}]}},"default":[]}]})";

namespace {

constexpr uint32_t kPeople = 200'000;
constexpr const char* kTypes[] = {"UNKNOWN",     "PAGE_VIEWED",      "PRODUCT_VIEWED", "PRODUCT_ADDED",
                                  "CART_VIEWED", "CHECKOUT_STARTED", "ORDER_COMPLETED"};
constexpr const char* kCountries[] = {"DE", "FR", "GB", "US", "NL", "ES", "IT", "PL"};

std::string printed(const char* format, unsigned number) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

void put_money(Bytes& out, int64_t unscaled) {
  const std::string bytes = decimal_bytes(unscaled);
  put_zigzag(out, static_cast<int64_t>(bytes.size()));
  out += bytes;
}

void put_text(Bytes& out, BytesView text) {
  put_zigzag(out, static_cast<int64_t>(text.size()));
  out += text;
}

void put_optional(Bytes& out, bool there, BytesView text) {
  put_zigzag(out, there ? 1 : 0);
  if (there) put_text(out, text);
}

void put_uuid(Bytes& out, uint64_t a, uint64_t b) {
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xffff), static_cast<unsigned>(a & 0xfff),
                static_cast<unsigned>(b >> 52), static_cast<unsigned long long>(b & 0xffffffffffff));
  put_text(out, text);
}

}  // namespace

Workload::Workload(uint64_t seed, int64_t events) : random_(seed), events_(events) {
  cumulative_.reserve(kProducts);
  double sum = 0;
  for (int i = 1; i <= kProducts; ++i) cumulative_.push_back(sum += 1.0 / i);
}

uint32_t Workload::zipf() {
  const double at = random_.unit() * cumulative_.back();
  return static_cast<uint32_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), at) -
                               cumulative_.begin());
}

int64_t Workload::price_of(uint32_t product) const {
  return 9'900 + (product * 7919LL % 2000) * 100'00LL / 10;
}

std::string Workload::product_id(uint32_t product) {
  return printed("P%06u", product);
}
std::string Workload::category_name(uint32_t category) {
  return printed("category-%02u", category);
}
std::string Workload::event_type_name(uint32_t type) {
  return kTypes[type];
}
std::string Workload::visitor_id(uint32_t person) {
  return printed("V%06u", person);
}
std::string Workload::customer_id(uint32_t person) {
  return printed("C%06u", person);
}

bool Workload::next(Event& event, Bytes& key, Bytes& value) {
  if (next_ == events_) return false;
  event.order = next_ % 5 == 4;
  event.time_ms =
      kStartMs + static_cast<int64_t>(static_cast<double>(next_) / static_cast<double>(events_) * kSpanMs);
  if (random_.chance(0.3)) event.time_ms = std::max(kStartMs, event.time_ms - random_.between(0, 5000));
  event.person = static_cast<uint32_t>(random_.below(kPeople));
  event.lines.clear();
  key = event.order ? customer_id(event.person) : visitor_id(event.person);
  value.assign(1, '\0');
  put_big32(value, event.order ? 2 : 1);
  if (event.order) {
    event.total = 0;
    const int64_t lines = random_.between(1, 4);
    for (int64_t i = 0; i < lines; ++i) {
      OrderLine line{.product = zipf()};
      line.category = line.product % kCategories;
      line.quantity = static_cast<int32_t>(random_.between(1, 3));
      line.price = price_of(line.product);
      event.total += line.price * line.quantity;
      event.lines.push_back(line);
    }
    encode_order(event, value);
  } else {
    constexpr int kShares[] = {40, 75, 87, 93, 97, 100};
    const auto at = static_cast<int>(random_.below(100));
    event.event_type = 1;
    while (at >= kShares[event.event_type - 1]) ++event.event_type;
    event.product = zipf();
    encode_view(event, value);
  }
  ++next_;
  return true;
}

void Workload::encode_view(const Event& event, Bytes& out) {
  put_uuid(out, random_.next(), random_.next());
  put_zigzag(out, event.event_type);
  put_zigzag(out, event.time_ms);
  put_text(out, visitor_id(event.person));
  put_optional(out, event.person % 3 == 0, customer_id(event.person));
  put_text(out, printed("s-%08x", static_cast<unsigned>(event.person * 2654435761U)));
  put_text(out, product_id(event.product));
  put_text(out, category_name(event.product % kCategories));
  put_text(out, "/p/" + product_id(event.product) + "?ref=list");
  put_optional(out, event.person % 4 == 0, "https://search.example/");
  put_money(out, price_of(event.product));
  put_zigzag(out, static_cast<int64_t>(random_.below(60'000)));
}

void Workload::encode_order(const Event& event, Bytes& out) {
  put_uuid(out, random_.next(), random_.next());
  put_zigzag(out, 1);
  put_zigzag(out, event.time_ms);
  put_text(out, printed("O%08u", static_cast<unsigned>(next_)));
  put_text(out, customer_id(event.person));
  put_optional(out, true, visitor_id(event.person));
  put_optional(out, event.person % 2 == 0,
               printed("s-%08x", static_cast<unsigned>(event.person * 2654435761U)));
  put_zigzag(out, 1 + static_cast<int64_t>(event.person % 4));
  put_text(out, "USD");
  put_text(out, kCountries[event.person % 8]);
  put_zigzag(out, 1 + static_cast<int64_t>(event.person % 4));
  put_optional(out, event.person % 4 == 0, "424242");
  put_money(out, event.total);
  put_money(out, 49'000);
  put_money(out, event.total / 5);
  put_money(out, event.total);
  put_zigzag(out, static_cast<int64_t>(event.lines.size()));
  for (const OrderLine& line : event.lines) {
    put_text(out, product_id(line.product));
    put_text(out, category_name(line.category));
    put_zigzag(out, line.quantity);
    put_money(out, line.price);
    put_money(out, 0);
  }
  put_zigzag(out, 0);
}

}  // namespace tradewind::bench
