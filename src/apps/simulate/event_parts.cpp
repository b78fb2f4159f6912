#include "apps/simulate/event_parts.h"

#include "base/check.h"
#include "base/coding.h"

namespace tradewind::simulate {
namespace {

constexpr std::string_view kCurrency = "EUR";

const schema::AvroType& part(const schema::AvroType& record, std::string_view name) {
  for (const schema::AvroField& field : record.fields) {
    if (field.name == name) return value_type(*field.type);
  }
  CHECK(false);
  return record;
}

int64_t symbol(const RecordWriter& record, std::string_view field, std::string_view name) {
  const auto& symbols = value_type(record.type_of(record.index_of(field))).symbols;
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i] == name) return static_cast<int64_t>(i);
  }
  CHECK(false);
  return 0;
}

// Without its first field, which is null in it.
Bytes behind_first(RecordWriter& record) {
  Bytes out;
  record.end(out);
  CHECK(!out.empty() && out[0] == '\0');
  return out.substr(1);
}

struct CampaignText {
  const char* source;
  const char* medium;
  const char* name;
  const char* referrer;
};
constexpr CampaignText kCampaigns[kCampaignCount] = {{"search", "cpc", "brand-words", "search.example"},
                                                     {"search", "cpc", "season", "search.example"},
                                                     {"pictures", "social", "new-in", "pictures.example"},
                                                     {"letter", "email", "weekly-letter", "mail.example"},
                                                     {"prices", "affiliate", "comparison", "prices.example"}};

void begin_list(Bytes& list, size_t count) {
  list.clear();
  if (count > 0) put_zigzag(list, static_cast<int64_t>(count));
}

BytesView end_list(Bytes& list) {
  list.push_back('\0');
  return list;
}

// An optional text at the front of a record.
char* write_first(char* at, std::string_view text) {
  *at++ = 2;
  at = write_varint(at, zigzag(static_cast<int64_t>(text.size())));
  return write_raw(at, text.data(), text.size());
}

}  // namespace

EventParts::EventParts(const Catalogue& catalogue, const People& people, const schema::AvroType& order,
                       const schema::AvroType& visit)
    : catalogue_(catalogue), people_(people) {
  item_ = std::make_unique<RecordWriter>(part(order, "items"));
  payment_ = std::make_unique<RecordWriter>(part(order, "payment"));
  address_ = std::make_unique<RecordWriter>(part(order, "billing"));
  page_ = std::make_unique<RecordWriter>(part(visit, "page"));
  search_ = std::make_unique<RecordWriter>(part(visit, "search"));
  item_field_ = std::make_unique<ItemFields>(*item_);
  payment_field_ = std::make_unique<PaymentFields>(*payment_);
  encode_origins(part(visit, "device"), part(visit, "net"));
  encode_campaigns(part(visit, "campaign"));
  prices_.resize(catalogue.products().size());
  shown_.resize(prices_.size());
  for (size_t i = 0; i < prices_.size(); ++i)
    set_price(static_cast<uint16_t>(i), catalogue.products()[i].price);
}

EventParts::~EventParts() = default;

void EventParts::encode_origins(const schema::AvroType& device, const schema::AvroType& net) {
  RecordWriter record(device);
  for (const Machine& machine : all_machines()) {
    record.begin();
    record.number(record.index_of("type"), symbol(record, "type", machine.type));
    record.text(record.index_of("os"), machine.os);
    record.text(record.index_of("browser"), machine.browser);
    record.text(record.index_of("screen"), machine.screen);
    machines_.push_back(behind_first(record));
  }
  RecordWriter network(net);
  for (const bool hosted : {false, true}) {
    for (const Place& place : all_places()) {
      network.begin();
      network.number(network.index_of("asn"), hosted ? 64'496 : place.asn);
      network.text(network.index_of("country"), place.country);
      network.text(network.index_of("city"), place.city);
      network.real64(network.index_of("lat"), place.lat);
      network.real64(network.index_of("lon"), place.lon);
      network.number(network.index_of("anonymizer"),
                     symbol(network, "anonymizer", hosted ? "HOSTING" : "NONE"));
      (hosted ? data_centres_ : networks_).push_back(behind_first(network));
    }
  }
}

void EventParts::encode_campaigns(const schema::AvroType& campaign) {
  RecordWriter record(campaign);
  for (const CampaignText& text : kCampaigns) {
    record.begin();
    record.text(record.index_of("source"), text.source);
    record.text(record.index_of("medium"), text.medium);
    record.text(record.index_of("name"), text.name);
    record.text(record.index_of("referrer_host"), text.referrer);
    record.end(campaigns_.emplace_back());
  }
}

void EventParts::put_origin(RecordWriter& record, size_t device, size_t net, const Origin& origin) const {
  char text[512];
  const Bytes& machine = machines_[origin.machine];
  char* end = write_first(text, people_.device(origin.visitor));
  end = write_raw(end, machine.data(), machine.size());
  record.raw(device, {text, static_cast<size_t>(end - text)});
  const Bytes& network = (origin.hosted ? data_centres_ : networks_)[origin.place];
  end = write_first(text, people_.address_of_net(origin.visitor, origin.hosted));
  end = write_raw(end, network.data(), network.size());
  record.raw(net, {text, static_cast<size_t>(end - text)});
}

BytesView EventParts::address(uint64_t person, uint8_t place) {
  static const size_t hash = address_->index_of("address_hash"), country = address_->index_of("country"),
                      city = address_->index_of("city"), postcode = address_->index_of("postcode_prefix"),
                      type = address_->index_of("type");
  address_->begin();
  address_->text(hash, people_.address(person));
  address_->text(country, all_places()[place].country);
  address_->text(city, all_places()[place].city);
  address_->text(postcode, Id().decimal(people_.of(person, 33) % 100, 2));
  address_->number(type, 1);
  text_.clear();
  address_->end(text_);
  return text_;
}

BytesView EventParts::payment(const Order& order, const PaymentSaid& said) {
  const PaymentFields& field = *payment_field_;
  const bool declined = said.what == OrderStep::payment_declined;
  RecordWriter& record = *payment_;
  record.begin();
  record.text(field.payment_id,
              Id("pay-").text(people_.order(order.number)).text("-").decimal(order.attempts, 1));
  record.number(field.attempt, order.attempts);
  record.number(field.method, 1);
  // PENDING, AUTHORIZED, DECLINED, CAPTURED, VOIDED, REFUNDED as the event says.
  const int64_t status = said.what == OrderStep::payment_authorized ? 2
                         : said.what == OrderStep::payment_captured ? 3
                         : declined                                 ? 4
                         : said.what == OrderStep::payment_voided   ? 6
                         : said.what == OrderStep::order_refunded   ? 7
                                                                    : 1;
  record.number(field.status, status);
  record.money(field.amount, said.amount);
  record.text(field.currency, kCurrency);
  record.text(field.gateway, "harbour-pay");
  record.text(field.card_fingerprint, people_.card(order.card));
  record.text(field.bin, people_.bin(order.card));
  record.text(field.last4, people_.last4(order.card));
  const bool stolen = (order.card >> 62) != 0;
  record.text(field.brand, people_.of(order.card, 34) % 3 == 0 ? "mastercard" : "visa");
  record.number(field.funding, people_.of(order.card, 35) % 4 == 0 ? 1 : 2);
  record.text(field.issuer_country,
              all_places()[stolen ? people_.of(order.card, 36) % all_places().size() : order.place].country);
  record.number(field.avs_result, stolen ? 4 : 1);
  record.number(field.cvv_result, order.code_wrong ? 2 : 1);
  if (declined) {
    record.text(field.decline_code, said.decline_code);
    record.number(field.decline_kind, said.fraud_suspected ? 4 : 2);
  }
  text_.clear();
  record.end(text_);
  return text_;
}

BytesView EventParts::page(std::string_view path, std::string_view title, std::string_view type,
                           std::string_view referrer) {
  text_.clear();
  page_->begin();
  page_->text(1, path);
  page_->text(2, title);
  page_->text(3, type);
  if (!referrer.empty()) page_->text(4, referrer);
  page_->end(text_);
  return text_;
}

BytesView EventParts::search(std::string_view query, int64_t results) {
  text_.clear();
  search_->begin();
  search_->text(0, query);
  search_->number(1, results);
  search_->end(text_);
  return text_;
}

BytesView EventParts::attribute(std::string_view name, std::string_view value) {
  text_.clear();
  put_zigzag(text_, 1);
  for (const std::string_view text : {name, value}) {
    put_zigzag(text_, static_cast<int64_t>(text.size()));
    text_ += text;
  }
  text_.push_back('\0');
  return text_;
}

void EventParts::put_item(const OrderLine& line, Bytes& out) {
  const ItemFields& field = *item_field_;
  const Product& product = catalogue_.products()[line.product];
  const Category& category = catalogue_.categories()[product.category];
  RecordWriter& record = *item_;
  record.begin();
  record.text(field.product_id, product.id);
  record.text(field.sku, product.sku);
  record.text(field.name, product.name);
  record.text(field.brand, product.brand);
  record.text(field.category, category.id);
  record.number(field.quantity, line.quantity);
  record.money(field.unit_price, line.unit_price);
  record.money(field.list_price, product.price);
  record.money(field.unit_cost, product.cost);
  if (line.discount != 0) record.money(field.discount, line.discount);
  record.money(field.line_total, line.total());
  record.boolean(field.is_gift_card, product.gift_card);
  record.boolean(field.is_digital, product.gift_card);
  record.number(field.resale_risk, product.resold_easily || product.gift_card ? 3 : 1);
  record.texts(field.category_path, category.ancestry.data(), category.ancestry.size());
  record.end(out);
}

void EventParts::set_price(uint16_t product, int64_t price) {
  prices_[product] = price;
  Bytes& list = shown_[product];
  begin_list(list, 1);
  put_item({.unit_price = price, .product = product, .quantity = 1}, list);
  end_list(list);
}

BytesView EventParts::lines(const Order& order, size_t count) {
  begin_list(list_, count);
  for (size_t i = 0; i < count; ++i) put_item(order.line[i], list_);
  return end_list(list_);
}

BytesView EventParts::cart(const Visit& visit) {
  begin_list(list_, visit.lines);
  for (size_t i = 0; i < visit.lines; ++i) {
    const CartLine& line = visit.cart[i];
    put_item({.unit_price = prices_[line.product], .product = line.product, .quantity = line.quantity},
             list_);
  }
  return end_list(list_);
}

BytesView EventParts::products(const uint16_t* products, size_t count) {
  begin_list(list_, count);
  for (size_t i = 0; i < count; ++i) {
    const Bytes& alone = shown_[products[i]];  // the count in front, the end behind
    list_.append(alone, 1, alone.size() - 2);
  }
  return end_list(list_);
}

}  // namespace tradewind::simulate
