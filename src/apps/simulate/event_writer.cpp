#include "apps/simulate/event_writer.h"

#include "apps/shop/topics.h"
#include "apps/simulate/event_fields.h"
#include "base/check.h"
#include "base/coding.h"

namespace tradewind::simulate {
namespace {

constexpr std::string_view kSource = "simulator";
constexpr std::string_view kCurrency = "EUR";

// A version 7 UUID: the time in milliseconds, then bits that follow from the seed and the event's number.
std::string_view uuid(int64_t ms, uint64_t seed, uint64_t number, char (&text)[36]) {
  const uint64_t low = mix64(number, seed);
  const uint64_t more = mix64(low, number + 0x5851f42d4c957f2dULL);
  const uint64_t first = static_cast<uint64_t>(ms) << 16 | 0x7000 | (more & 0xfff);
  const uint64_t second = (low & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  static constexpr int kPlaces[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) {
    const uint64_t half = i < 8 ? first : second;
    const auto byte = static_cast<uint8_t>(half >> (56 - 8 * (i & 7)));
    text[kPlaces[i]] = kDigits[byte >> 4];
    text[kPlaces[i] + 1] = kDigits[byte & 15];
  }
  text[8] = text[13] = text[18] = text[23] = '-';
  return {text, 36};
}

}  // namespace

const char* name_of(Topic topic) {
  static constexpr std::array kNames = {"customer-events", "orders", "inventory", "user-profiles",
                                        "simulated-truth"};
  return kNames[static_cast<size_t>(topic)];
}

const char* schema_of(Topic topic) {
  return shop::schema_text(name_of(topic));
}

EventWriter::EventWriter(const Catalogue& catalogue, const People& people, uint64_t seed,
                         const SchemaIds& ids)
    : catalogue_(catalogue), people_(people), seed_(seed), ids_(ids) {
  for (size_t topic = 0; topic < kTopics; ++topic) {
    auto schema = schema::AvroSchema::parse(schema_of(static_cast<Topic>(topic)));
    CHECK(schema.ok());  // it is built in and tested
    schemas_[topic] = *schema;
    writers_[topic] = std::make_unique<RecordWriter>(schemas_[topic]->root());
  }
  fields_ = std::make_unique<Fields>(writers_);
  const auto last_symbol = [&](Topic topic, auto last) {
    const auto& symbols =
        writer(topic).type_of(fields_->envelope[static_cast<size_t>(topic)].event_type).symbols;
    return symbols.size() > static_cast<size_t>(last) ? symbols[static_cast<size_t>(last)] : std::string();
  };
  CHECK(last_symbol(Topic::customer_events, Did::logged_out) == "LOGGED_OUT");
  CHECK(last_symbol(Topic::orders, OrderStep::early_fraud_warning) == "EARLY_FRAUD_WARNING");
  CHECK(last_symbol(Topic::inventory, Movement::discontinued) == "DISCONTINUED");
  CHECK(last_symbol(Topic::user_profiles, ProfileChange::address_changed) == "ADDRESS_CHANGED");
  CHECK(last_symbol(Topic::truth, Truth::bulk_order_cancelled) == "BULK_ORDER_CANCELLED");
  parts_ =
      std::make_unique<EventParts>(catalogue, people, schemas_[static_cast<size_t>(Topic::orders)]->root(),
                                   schemas_[static_cast<size_t>(Topic::customer_events)]->root());
}

EventWriter::~EventWriter() = default;

const EventWriter::Fields& EventWriter::fields() const {
  return *fields_;
}

RecordWriter& EventWriter::open(Topic topic, std::string_view key, int64_t type, const Counters& count) {
  Bytes& out = batch_->bytes();
  out += key;
  out.push_back('\0');
  put_big32(out, static_cast<uint32_t>(ids_[static_cast<size_t>(topic)]));
  open_ = topic;
  open_key_bytes_ = key.size();
  RecordWriter& record = writer(topic);
  const EnvelopeFields& envelope = fields_->envelope[static_cast<size_t>(topic)];
  record.begin();
  char id[36];
  record.text(envelope.event_id, uuid(count.now_ms, seed_, count.events, id));
  record.number(envelope.event_type, type);
  record.number(envelope.event_time, count.now_ms);
  record.text(envelope.source, kSource);
  return record;
}

void EventWriter::close(Counters& count) {
  writer(open_).end(batch_->bytes());
  batch_->add(open_, open_key_bytes_, {count.now_ms});
  ++count.events;
}

RecordWriter& EventWriter::open_visit(Did what, const Visit& visit, const Counters& count) {
  const Id visitor = people_.visitor(visit.visitor);
  RecordWriter& record = open(Topic::customer_events, visitor, static_cast<int64_t>(what), count);
  const VisitFields& field = fields_->visit;
  record.text(field.visitor_id, visitor);
  if (visit.known) record.text(field.customer_id, people_.customer(visit.customer));
  record.text(field.session_id, people_.session(visit.number));
  record.real32(field.bot_score, visit.bot_score);
  parts_->put_origin(record, field.device, field.net,
                     {visit.visitor, visit.machine, visit.place, visit.hosted});
  if (visit.campaign != 0) record.raw(field.campaign, parts_->campaign(visit.campaign));
  return record;
}

RecordWriter& EventWriter::open_order(OrderStep what, const Order& order, const Counters& count) {
  const bool guest = order.customer == kNobody;
  // A guest is a person of its own, told by the visitor.
  const uint64_t person = guest ? guest_of(order.visitor) : order.customer;
  const Id email = people_.email(person);
  const Id customer = guest ? Id("g:").text(email) : people_.customer(order.customer);
  RecordWriter& record = open(Topic::orders, customer, static_cast<int64_t>(what), count);
  const OrderFields& field = fields_->order;
  int64_t subtotal = 0, discount = 0;
  for (size_t i = 0; i < order.lines; ++i) {
    subtotal += order.line[i].unit_price * order.line[i].quantity;
    discount += order.line[i].discount;
  }
  record.text(field.order_id, people_.order(order.number));
  record.text(field.customer_id, customer);
  record.text(field.currency, kCurrency);
  record.money(field.total, subtotal - discount + order.shipping_total);
  record.money(field.subtotal, subtotal);
  record.money(field.discount_total, discount);
  record.money(field.shipping_total, order.shipping_total);
  record.number(field.order_version, order.version);
  record.text(field.visitor_id, people_.visitor(order.visitor));
  record.text(field.session_id, people_.session(order.session));
  record.number(field.channel, 1);
  record.boolean(field.is_guest, guest);
  record.boolean(field.is_first_order, order.first);
  record.number(field.shipping_speed, order.express ? 2 : 1);
  record.text(field.email_hash, email);
  record.text(field.email_domain, people_.email_domain(person));
  record.text(field.phone_hash, people_.phone(person));
  if (order.placed_ms != 0) record.number(field.placed_at, order.placed_ms);
  record.raw(field.billing, parts_->address(person, order.place));
  record.raw(field.shipping, parts_->address(order.address, order.place));
  parts_->put_origin(record, field.device, field.net,
                     {order.visitor, order.machine, order.place, order.hosted});
  return record;
}

RecordWriter& EventWriter::open_stock(Movement what, uint16_t product, uint8_t location, Stock& stock,
                                      const Counters& count) {
  const Product& goods = catalogue_.products()[product];
  RecordWriter& record = open(Topic::inventory, goods.id, static_cast<int64_t>(what), count);
  const StockFields& field = fields_->stock;
  CHECK(stock.on_hand >= 0 && stock.reserved >= 0 && stock.available() >= 0 && stock.inbound >= 0);
  record.text(field.product_id, goods.id);
  record.text(field.location_id, kLocationIds[location]);
  record.number(field.version, ++stock.version);
  record.number(field.on_hand, stock.on_hand);
  record.number(field.reserved, stock.reserved);
  record.number(field.available, stock.available());
  record.number(field.inbound, stock.inbound);
  record.number(field.reorder_point, stock.reorder_point);
  record.number(field.reorder_quantity, stock.reorder_quantity);
  record.money(field.unit_cost, goods.cost);
  record.money(field.price, price(product));
  record.money(field.list_price, goods.price);
  record.text(field.currency, kCurrency);
  record.text(field.sku, goods.sku);
  record.text(field.category, catalogue_.categories()[goods.category].id);
  const Supplier& supplier = catalogue_.suppliers()[goods.supplier];
  record.text(field.supplier_id, supplier.id);
  return record;
}

RecordWriter& EventWriter::open_profile(ProfileChange what, uint32_t customer, uint8_t place,
                                        const Customer& facts, const Counters& count) {
  const Id id = people_.customer(customer);
  RecordWriter& record = open(Topic::user_profiles, id, static_cast<int64_t>(what), count);
  const ProfileFields& field = fields_->profile;
  record.text(field.customer_id, id);
  record.number(field.orders_count, facts.orders);
  record.money(field.orders_total, facts.spent);
  record.number(field.refunds_count, facts.refunds);
  record.text(field.currency, kCurrency);
  record.text(field.segment, facts.orders == 0 ? "looking" : facts.orders < 4 ? "buying" : "regular");
  record.number(field.created_at, facts.created_ms);
  if (facts.password_changed_ms != 0) record.number(field.last_password_change_at, facts.password_changed_ms);
  if (facts.address_changed_ms != 0) record.number(field.last_address_change_at, facts.address_changed_ms);
  record.text(field.email_hash, people_.email(customer));
  record.text(field.email_domain, people_.email_domain(customer));
  record.text(field.name_hash, people_.name(customer));
  record.number(field.birth_year, 1945 + static_cast<int64_t>(people_.of(customer, 31) % 62));
  record.text(field.language, all_places()[place].language);
  record.text(field.country, all_places()[place].country);
  record.raw(field.default_shipping, parts_->address(customer, place));
  return record;
}

void EventWriter::write_truth(Truth what, const Visit& visit, const Order* order, Counters& count) {
  const Id session = people_.session(visit.number);
  const Id subject = order == nullptr ? session : people_.order(order->number);
  RecordWriter& record = open(Topic::truth, subject, static_cast<int64_t>(what), count);
  const TruthFields& field = fields_->truth;
  record.text(field.subject_kind, order == nullptr ? "session" : "order");
  record.text(field.subject_id, subject);
  record.text(field.visitor_id, people_.visitor(visit.visitor));
  record.text(field.session_id, session);
  if (order != nullptr && order->customer != kNobody)
    record.text(field.customer_id, people_.customer(order->customer));
  close(count);
}

}  // namespace tradewind::simulate
