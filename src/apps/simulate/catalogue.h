#pragma once
// Catalogue: what the simulated shop sells: products in categories, with prices, costs, suppliers and how
// much of each is wanted. The same for every seed.
//
// Pure; immutable, share freely. Money is in units of 1/10,000.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace tradewind::simulate {

struct Product {
  std::string id;  // "p-0042"
  std::string sku;
  std::string name;
  std::string brand;
  std::string path;  // "/p/0042-olive-field-kettle"
  uint16_t category = 0;
  uint16_t supplier = 0;
  int64_t price = 0;
  int64_t cost = 0;
  double demand = 0;  // its share of all units that are sold
  bool gift_card = false;
  bool resold_easily = false;
  bool fragile = false;
};

struct Category {
  std::string id;                     // "home/kitchen"
  std::vector<std::string> ancestry;  // "home", "home/kitchen"
  std::string title;
};

struct Supplier {
  std::string id;
  double lead_days = 0;
  double lead_deviation_days = 0;
  double late_chance = 0;  // of a delivery that takes two to three times as long
};

inline constexpr int kLocations = 3;
extern const std::array<const char*, kLocations> kLocationIds;

class Catalogue {
 public:
  Catalogue();

  const std::vector<Product>& products() const { return products_; }
  const std::vector<Category>& categories() const { return categories_; }
  const std::vector<Supplier>& suppliers() const { return suppliers_; }

  // By demand; of all, or of a category.
  uint16_t draw(Random& random) const;
  uint16_t draw_from(uint16_t category, Random& random) const;
  // A gift card, as card testers like them; something that is resold easily.
  uint16_t gift_card() const { return gift_cards_.front(); }
  uint16_t draw_resold(Random& random) const { return resold_[random.below(resold_.size())]; }

 private:
  void add_product(uint16_t category, Random& random);

  std::vector<Product> products_;
  std::vector<Category> categories_;
  std::vector<Supplier> suppliers_;
  std::vector<uint16_t> by_demand_;                 // product numbers, each as often as it is wanted
  std::vector<std::vector<uint16_t>> in_category_;  // the same, of each
  std::vector<uint16_t> gift_cards_;
  std::vector<uint16_t> resold_;
};

}  // namespace tradewind::simulate
