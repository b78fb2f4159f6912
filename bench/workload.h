#pragma once
// Workload: the events of the comparison workload: 80 % page views and 20 % orders with items, as
// Confluent-framed Avro, deterministic from a seed. Event time advances evenly over 20 minutes; 30 % of the
// events are up to 5 s older.
//
// Threads: one.

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace tradewind::bench {

struct OrderLine {
  uint32_t product = 0;
  uint32_t category = 0;
  int32_t quantity = 0;
  int64_t price = 0;  // unscaled, 4 decimals
};

struct Event {
  bool order = false;
  int64_t time_ms = 0;
  uint32_t person = 0;      // visitor or customer
  uint32_t event_type = 0;  // page views: 1 to 6
  uint32_t product = 0;     // page views
  int64_t total = 0;        // orders: unscaled, 4 decimals
  std::vector<OrderLine> lines;
};

class Workload {
 public:
  static constexpr int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
  static constexpr int64_t kSpanMs = 20 * 60 * 1000;
  static constexpr int kCategories = 20;
  static constexpr int kProducts = 100'000;

  Workload(uint64_t seed, int64_t events);

  // The next event, and its bytes. False at the end.
  bool next(Event& event, Bytes& key, Bytes& value);

  static std::string product_id(uint32_t product);
  static std::string category_name(uint32_t category);
  static std::string event_type_name(uint32_t type);
  static std::string visitor_id(uint32_t person);
  static std::string customer_id(uint32_t person);

 private:
  uint32_t zipf();
  int64_t price_of(uint32_t product) const;
  void encode_view(const Event& event, Bytes& out);
  void encode_order(const Event& event, Bytes& out);

  Random random_;
  int64_t events_;
  int64_t next_ = 0;
  std::vector<double> cumulative_;
};

extern const char* const kPageViewSchema;
extern const char* const kOrderSchema;

}  // namespace tradewind::bench
