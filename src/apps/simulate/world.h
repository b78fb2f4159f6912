#pragma once
// World: everything that the simulated shop remembers between two moments. Plain values, so that it can be
// saved as it lies there.
//
// Threads: one. Money is in units of 1/10,000 of a euro.

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "apps/simulate/catalogue.h"
#include "apps/simulate/people.h"
#include "apps/simulate/scenario.h"
#include "apps/simulate/words.h"
#include "base/bytes.h"
#include "base/random.h"

namespace tradewind::simulate {

inline constexpr size_t kMostLines = 4;
inline constexpr uint32_t kNone = UINT32_MAX;

enum class VisitPhase : uint8_t { arriving, browsing, at_cart, checkout, paying, leaving, reviewing };

struct CartLine {
  uint16_t product = 0;
  uint16_t quantity = 0;
};

// One visitor's session.
struct Visit {
  uint64_t number = 0;
  uint64_t address = 0;  // that goods go to
  uint64_t card = 0;
  uint64_t reviewed = 0;  // the order whose goods are rated
  uint32_t visitor = 0;
  uint32_t customer = kNobody;  // who it is, known to the shop or not
  uint32_t order = kNone;
  uint16_t left = 0;             // looks before the visitor has seen enough
  uint16_t at = 0;               // the product on the screen
  uint16_t wanted = UINT16_MAX;  // of the last list of recommendations
  Truth truth = Truth::unknown;
  VisitPhase phase = VisitPhase::arriving;
  uint8_t step = 0;      // inside a phase; of a review the rating
  uint8_t lists = 0;     // of recommendations, shown so far
  uint8_t attempts = 0;  // payments, or logins
  uint8_t lines = 0;
  uint8_t campaign = 0;  // 0: came by itself
  uint8_t machine = 0;
  uint8_t place = 0;
  bool known = false;  // logged in
  bool guest = false;
  bool coupon = false;
  bool hosted = false;  // comes from a data centre
  float bot_score = 0;
  std::array<CartLine, kMostLines> cart{};
};

// How an order is going to end.
enum class Fate : uint8_t { delivered, cancelled, returned, refund_claimed, charged_back };

// What comes next in a placed order's life.
enum class Stand : uint8_t {
  capturing,
  shipping,
  delivering,
  returning,
  receiving,
  refunding,
  cancelling,
  voiding
};

struct OrderLine {
  int64_t unit_price = 0;
  int64_t discount = 0;  // of the line
  uint16_t product = 0;
  uint16_t quantity = 0;
  uint8_t location = 0;
  int64_t total() const { return unit_price * quantity - discount; }
};

struct Order {
  uint64_t number = 0;
  uint64_t session = 0;
  uint64_t address = 0;
  uint64_t card = 0;
  int64_t placed_ms = 0;
  int64_t shipping_total = 0;
  uint32_t visitor = 0;
  uint32_t customer = kNobody;  // or a guest, told by the visitor
  uint8_t version = 0;
  Stand stand = Stand::capturing;
  uint8_t attempts = 0;
  uint8_t lines = 0;
  uint8_t lines_returned = 0;  // the first ones
  uint8_t machine = 0;
  uint8_t place = 0;
  Fate fate = Fate::delivered;
  Truth truth = Truth::unknown;
  bool first = false;
  bool hosted = false;
  bool coupon = false;
  bool express = false;
  bool code_wrong = false;  // the card's check number
  std::array<OrderLine, kMostLines> line{};
};

struct Stock {
  int64_t version = 0;
  int32_t on_hand = 0;
  int32_t reserved = 0;
  int32_t inbound = 0;
  int32_t reorder_point = 0;
  int32_t reorder_quantity = 0;
  int32_t available() const { return on_hand - reserved; }
};

// Goods that a supplier owes, or that are carried from another place.
struct Supply {
  uint64_t number = 0;
  int64_t expected_ms = 0;
  int32_t quantity = 0;
  uint16_t product = 0;
  uint8_t location = 0;
  uint8_t from = kLocations;  // a place; kLocations: a supplier
  bool cancelled = false;
};

struct Customer {
  int64_t spent = 0;
  int64_t created_ms = 0;
  int64_t password_changed_ms = 0;
  int64_t address_changed_ms = 0;
  uint16_t orders = 0;
  uint16_t refunds = 0;
  bool told = false;  // a profile was sent
};

// Slots that are used again; which one is taken next follows from what was done before.
template <typename T>
struct Pool {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<T> slots;
  std::vector<uint32_t> free;

  uint32_t take() {
    if (free.empty()) {
      slots.emplace_back();
      return static_cast<uint32_t>(slots.size() - 1);
    }
    const uint32_t slot = free.back();
    free.pop_back();
    slots[slot] = T();
    return slot;
  }
  void give_back(uint32_t slot) { free.push_back(slot); }
  size_t used() const { return slots.size() - free.size(); }
};

struct Moment {
  int64_t ms = 0;
  uint32_t slot = 0;
};

// What is to happen when; the earliest first, of two at once the one in the lower slot.
class Agenda {
 public:
  void add(int64_t ms, uint32_t slot) {
    moments.push_back({ms, slot});
    std::push_heap(moments.begin(), moments.end(), later);
  }
  int64_t next_ms() const { return moments.empty() ? INT64_MAX : moments.front().ms; }
  uint32_t take() {
    std::pop_heap(moments.begin(), moments.end(), later);
    const uint32_t slot = moments.back().slot;
    moments.pop_back();
    return slot;
  }

  std::vector<Moment> moments;

 private:
  static bool later(const Moment& a, const Moment& b) { return a.ms != b.ms ? a.ms > b.ms : a.slot > b.slot; }
};

struct Counters {
  int64_t start_ms = 0;
  int64_t now_ms = 0;
  double arrival_ms = 0;   // when the next visitor comes
  int64_t sale_ms = 0;     // when the sale changes
  int64_t bulk_ms = 0;     // when somebody orders a pallet
  int64_t finding_ms = 0;  // when goods break, are counted or are carried elsewhere
  uint64_t events = 0;     // that happened, whether sent already or not
  uint64_t visits = 0;
  uint64_t orders = 0;
  uint64_t strangers = 0;  // visitors nobody knew before
  uint64_t cards = 0;      // stolen ones
  uint64_t addresses = 0;  // of rings
  uint64_t supplies = 0;
  uint64_t rings = 0;
  int32_t category_on_sale = -1;
  bool whole_shop_on_sale = false;
};

struct World {
  Counters count;
  Random random{0};
  Pool<Visit> visits;
  Pool<Order> orders;
  Pool<Supply> supplies;
  Agenda visits_due;
  Agenda orders_due;
  Agenda supplies_due;
  std::vector<Stock> stock;  // product * kLocations + location
  std::vector<Customer> customers;
};

}  // namespace tradewind::simulate
