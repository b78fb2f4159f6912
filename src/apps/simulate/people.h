#pragma once
// People: who visits the simulated shop: what follows from a visitor's or customer's number and the seed, so
// that nothing of it has to be remembered.
//
// Pure; immutable, share freely.

#include <array>
#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace tradewind::simulate {

inline constexpr uint32_t kNobody = UINT32_MAX;

// A short text in place, as ids are.
class Id {
 public:
  Id() = default;
  explicit Id(std::string_view prefix);
  Id& hex(uint64_t value, int digits);
  Id& decimal(uint64_t value, int least_digits);
  Id& text(std::string_view more);
  std::string_view view() const { return {text_, size_}; }
  operator std::string_view() const { return view(); }  // NOLINT: an id is text

 private:
  char text_[47] = {};
  uint8_t size_ = 0;
};

struct Place {
  const char* country;
  const char* city;
  const char* language;
  const char* currency_zone;
  int asn;
  double lat;
  double lon;
  int zone_minutes;
  double share;  // of the visitors
};

struct Machine {
  const char* type;  // a symbol of DeviceType
  const char* os;
  const char* browser;
  const char* screen;
  double share;
};

class People {
 public:
  // Of two shops that opened at different times from one seed the customers are the same, all else is not.
  People(uint64_t seed, int64_t opened_ms);

  // The ids carry a mark of the seed or of the shop, so that two shops' are not taken for each other.
  Id visitor(uint32_t visitor) const { return numbered("v-", shop_mark_, visitor); }
  Id customer(uint32_t customer) const { return numbered("c-", seed_mark_, customer); }
  Id session(uint64_t session) const { return numbered("s-", shop_mark_, session); }
  Id order(uint64_t order) const { return numbered("o-", shop_mark_, order); }
  Id device(uint32_t visitor) const { return Id("d-").hex(of(visitor, 11), 14); }
  Id address_of_net(uint32_t visitor, bool hosted) const;
  Id email(uint64_t person) const { return Id().hex(of(person, 13), 16).hex(of(person, 14), 8); }
  Id phone(uint64_t person) const { return Id().hex(of(person, 15), 16); }
  Id name(uint64_t person) const { return Id().hex(of(person, 16), 16); }
  Id address(uint64_t address) const { return Id("a-").hex(of(address, 17), 16); }
  Id card(uint64_t card) const { return Id("card-").hex(of(card, 18), 14); }
  Id bin(uint64_t card) const { return Id().decimal(400'000 + of(card, 19) % 150'000, 6); }
  Id last4(uint64_t card) const { return Id().decimal(of(card, 20) % 10'000, 4); }
  std::string_view email_domain(uint64_t person) const;

  uint8_t place(uint32_t person) const { return places_[of(person, 21) % places_.size()]; }
  uint8_t machine(uint32_t visitor) const { return machines_[of(visitor, 22) % machines_.size()]; }
  // A number that is always the same for this one and question.
  uint64_t of(uint64_t number, uint64_t question) const {
    return mix64(number + seed_, question * 0x9e3779b97f4a7c15ULL);
  }

 private:
  static Id numbered(const char* prefix, const Id& mark, uint64_t number) {
    return Id(prefix).text(mark).text("-").decimal(number, 7);
  }

  uint64_t seed_;
  Id seed_mark_;
  Id shop_mark_;
  std::array<uint8_t, 256> places_{};    // by their shares
  std::array<uint8_t, 256> machines_{};  // by their shares
};

const std::array<Place, 14>& all_places();
const std::array<Machine, 12>& all_machines();

}  // namespace tradewind::simulate
