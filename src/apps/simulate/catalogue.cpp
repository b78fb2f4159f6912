#include "apps/simulate/catalogue.h"

#include <cmath>
#include <cstdio>

namespace tradewind::simulate {
namespace {

constexpr uint64_t kSeed = 20'240'601;  // one catalogue for all
constexpr size_t kProductsPerCategory = 30;

struct Shelf {
  const char* id;
  const char* title;
  const char* nouns[5];
  double price_from;
  double price_to;
  double weight;  // how much of the trade it has
};

// clang-format off
const Shelf kShelves[] = {
    {"home/kitchen", "Kitchen",
     {"kettle", "pan", "knife set", "storage jar", "chopping board"}, 8, 120, 1.4},
    {"home/textiles", "Textiles",
     {"blanket", "cushion", "bath towel", "curtain", "bed linen"}, 9, 140, 1.0},
    {"home/lighting", "Lighting",
     {"desk lamp", "pendant", "lantern", "string of lights", "floor lamp"}, 12, 220, 0.7},
    {"electronics/phones", "Phones",
     {"phone", "phone case", "charger", "screen glass", "power bank"}, 9, 890, 1.5},
    {"electronics/audio", "Audio",
     {"headphones", "earbuds", "speaker", "record player", "soundbar"}, 25, 490, 1.1},
    {"electronics/computers", "Computers",
     {"laptop", "keyboard", "mouse", "monitor", "docking station"}, 19, 1490, 0.8},
    {"fashion/shoes", "Shoes",
     {"trainers", "boots", "sandals", "loafers", "running shoes"}, 29, 190, 1.3},
    {"fashion/outerwear", "Outerwear",
     {"rain jacket", "coat", "vest", "parka", "windbreaker"}, 39, 320, 0.8},
    {"fashion/accessories", "Accessories", {"scarf", "belt", "wallet", "cap", "backpack"}, 9, 110, 0.9},
    {"sports/outdoor", "Outdoor",
     {"tent", "sleeping bag", "camping stove", "head torch", "rucksack"}, 15, 380, 0.7},
    {"sports/cycling", "Cycling",
     {"helmet", "bike lock", "pump", "cycle light", "saddle bag"}, 9, 160, 0.6},
    {"sports/fitness", "Fitness",
     {"yoga mat", "kettlebell", "resistance band", "foam roller", "skipping rope"}, 7, 95, 0.8},
    {"books/fiction", "Fiction",
     {"novel", "short stories", "crime novel", "anthology", "graphic novel"}, 6, 28, 0.9},
    {"books/cooking", "Cook books",
     {"baking book", "soup book", "spice book", "grill book", "bread book"}, 12, 45, 0.5},
    {"toys/board-games", "Board games",
     {"strategy game", "party game", "puzzle", "card game", "dice game"}, 9, 75, 0.8},
    {"toys/building", "Building toys",
     {"brick set", "marble run", "train set", "model kit", "magnet tiles"}, 12, 180, 0.7},
    {"beauty/skin", "Skin care",
     {"day cream", "serum", "cleanser", "sun lotion", "face mask"}, 6, 70, 0.9},
    {"garden/tools", "Garden tools",
     {"pruning shears", "spade", "watering can", "hose", "plant labels"}, 5, 110, 0.6},
    {"grocery/coffee", "Coffee",
     {"espresso beans", "filter coffee", "decaf beans", "coffee grinder", "hand filter"}, 6, 130, 1.0},
    {"gifts/cards", "Gift cards",
     {"gift card", "gift card", "gift card", "gift card", "gift card"}, 5, 100, 0.2},
};
const char* const kColours[] = {"Olive", "Slate", "Copper", "Ivory", "Indigo", "Amber",
                                 "Coral", "Moss", "Sand", "Graphite"};
const char* const kSeries[] = {"Field", "Harbour", "Summit", "Atelier", "Nord", "Meadow",
                                "Orbit", "Quay", "Willow", "Pioneer"};
const char* const kBrands[] = {"Tidewater", "Lumen & Oak", "Hollin", "Fennmark", "Ostra",
                               "Brightline", "Kestrelworks",
                               "Marrow", "Pinefold", "Sable Row", "Anvil Street", "Larkhill"};
// clang-format on
constexpr size_t kSlots = 8192;  // how finely demand is told apart

std::string numbered(const char* prefix, size_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%s%04zu", prefix, number);
  return text;
}

std::string path_of(const std::string& id, const std::string& name) {
  std::string path = "/p/" + id.substr(2) + "-";
  for (const char c : name) {
    const auto lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    path += (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ? lower : '-';
  }
  return path;
}

}  // namespace

const std::array<const char*, kLocations> kLocationIds = {"rotterdam", "leipzig", "lyon"};

Catalogue::Catalogue() {
  Random random(kSeed);
  for (size_t i = 0; i < 24; ++i) {
    suppliers_.push_back(
        {numbered("sup-", i + 1), 2 + 12 * random.unit(), 0.4 + 2 * random.unit(), i % 6 == 0 ? 0.25 : 0.04});
  }
  for (const Shelf& shelf : kShelves) {
    const std::string id = shelf.id;
    categories_.push_back({id, {id.substr(0, id.find('/')), id}, shelf.title});
    for (size_t i = 0; i < kProductsPerCategory; ++i)
      add_product(static_cast<uint16_t>(categories_.size() - 1), random);
  }
  double sum = 0;
  for (const Product& product : products_) sum += product.demand;
  in_category_.resize(categories_.size());
  for (size_t i = 0; i < products_.size(); ++i) {
    products_[i].demand /= sum;
    const auto slots = static_cast<size_t>(std::lround(products_[i].demand * kSlots)) + 1;
    for (size_t slot = 0; slot < slots; ++slot) {
      by_demand_.push_back(static_cast<uint16_t>(i));
      in_category_[products_[i].category].push_back(static_cast<uint16_t>(i));
    }
  }
}

void Catalogue::add_product(uint16_t category, Random& random) {
  const Shelf& shelf = kShelves[category];
  const size_t number = products_.size() + 1;
  Product product;
  product.id = numbered("p-", number);
  product.category = category;
  product.gift_card = categories_[category].id == "gifts/cards";
  product.supplier = static_cast<uint16_t>(random.below(suppliers_.size()));
  product.brand = product.gift_card ? "Tradewind" : kBrands[random.below(std::size(kBrands))];
  const std::string look = std::string(kColours[random.below(std::size(kColours))]) + " " +
                           kSeries[random.below(std::size(kSeries))];
  const size_t noun = random.below(5);
  product.name = look + " " + shelf.nouns[noun];
  product.path = path_of(product.id, product.name);
  product.sku = numbered("TW", number) + "-" + look.substr(0, 2);
  // Prices spread evenly on a logarithmic scale and end in .90, as in shops.
  const double price = shelf.price_from * std::pow(shelf.price_to / shelf.price_from, random.unit());
  product.price = static_cast<int64_t>(price) * 10'000 + 9'000;
  if (product.gift_card) product.price = int64_t{5} * (1 + static_cast<int64_t>(random.below(20))) * 10'000;
  product.cost =
      static_cast<int64_t>(static_cast<double>(product.price / 100) * (0.45 + 0.3 * random.unit())) * 100;
  // A few are wanted by many, and cheap things more than dear ones.
  const double rank = 1 + static_cast<double>(random.below(kProductsPerCategory));
  product.demand = shelf.weight / std::pow(rank, 0.9) / std::pow(price, 0.25);
  product.resold_easily = price > 250 && categories_[category].ancestry[0] == "electronics";
  product.fragile = random.chance(0.1);
  if (product.gift_card) gift_cards_.push_back(static_cast<uint16_t>(products_.size()));
  if (product.resold_easily) resold_.push_back(static_cast<uint16_t>(products_.size()));
  products_.push_back(std::move(product));
}

uint16_t Catalogue::draw(Random& random) const {
  return by_demand_[random.below(by_demand_.size())];
}

uint16_t Catalogue::draw_from(uint16_t category, Random& random) const {
  const auto& slots = in_category_[category];
  return slots[random.below(slots.size())];
}

}  // namespace tradewind::simulate
