#pragma once
// EventParts: the records inside events, encoded: items, payments, addresses, devices, networks, campaigns.
// What repeats is encoded once.
//
// Threads: one. Answered views hold until the same function is called again.

#include <memory>
#include <vector>

#include "apps/simulate/event_fields.h"
#include "apps/simulate/world.h"

namespace tradewind::simulate {

// From where somebody acts.
struct Origin {
  uint32_t visitor = 0;
  uint8_t machine = 0;
  uint8_t place = 0;
  bool hosted = false;  // in a data centre
};

// What a payment event says beyond its order.
struct PaymentSaid {
  OrderStep what = OrderStep::payment_attempted;
  int64_t amount = 0;
  const char* decline_code = nullptr;
  bool fraud_suspected = false;
};

inline constexpr uint8_t kCampaignCount = 5;

class EventParts {
 public:
  // REQUIRES schemas with the shop's nested records.
  EventParts(const Catalogue& catalogue, const People& people, const schema::AvroType& order,
             const schema::AvroType& visit);
  ~EventParts();

  void put_origin(RecordWriter& record, size_t device, size_t net, const Origin& origin) const;
  BytesView campaign(uint8_t number) const { return campaigns_[number - 1U]; }  // from 1
  BytesView address(uint64_t person, uint8_t place);
  BytesView payment(const Order& order, const PaymentSaid& said);
  // A page by its path, title and type; a search.
  BytesView page(std::string_view path, std::string_view title, std::string_view type,
                 std::string_view referrer);
  BytesView search(std::string_view query, int64_t results);
  // A map of one text.
  BytesView attribute(std::string_view name, std::string_view value);

  // Lists of items: one product alone; the first lines of an order; a cart; products side by side.
  BytesView shown(uint16_t product) const { return shown_[product]; }
  BytesView lines(const Order& order, size_t count);
  BytesView cart(const Visit& visit);
  BytesView products(const uint16_t* products, size_t count);

  int64_t price(uint16_t product) const { return prices_[product]; }
  void set_price(uint16_t product, int64_t price);
  const std::vector<int64_t>& prices() const { return prices_; }

 private:
  void put_item(const OrderLine& line, Bytes& out);
  void encode_origins(const schema::AvroType& device, const schema::AvroType& net);
  void encode_campaigns(const schema::AvroType& campaign);

  const Catalogue& catalogue_;
  const People& people_;
  std::unique_ptr<RecordWriter> item_, payment_, address_, page_, search_;
  std::unique_ptr<ItemFields> item_field_;
  std::unique_ptr<PaymentFields> payment_field_;
  std::vector<int64_t> prices_;
  std::vector<Bytes> shown_;         // by product
  std::vector<Bytes> machines_;      // devices behind their id
  std::vector<Bytes> networks_;      // behind their address, by place
  std::vector<Bytes> data_centres_;  // the same, hosted
  std::vector<Bytes> campaigns_;
  Bytes list_, text_;
};

}  // namespace tradewind::simulate
