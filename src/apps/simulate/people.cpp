#include "apps/simulate/people.h"

#include <algorithm>
#include <cstring>

namespace tradewind::simulate {
namespace {

// Of `shares`, each as often as it is to be met.
template <typename Things>
void fill(std::array<uint8_t, 256>& slots, const Things& things) {
  double sum = 0;
  for (const auto& thing : things) sum += thing.share;
  double reached = 0;
  size_t next = 0;
  for (size_t i = 0; i < things.size(); ++i) {
    reached += things[i].share / sum * 256;
    while (next < slots.size() && static_cast<double>(next) < reached)
      slots[next++] = static_cast<uint8_t>(i);
  }
  while (next < slots.size()) slots[next++] = 0;
}

}  // namespace

Id::Id(std::string_view prefix) {
  text(prefix);
}

Id& Id::text(std::string_view more) {
  const size_t room = std::min(more.size(), sizeof text_ - size_);
  std::memcpy(text_ + size_, more.data(), room);
  size_ = static_cast<uint8_t>(size_ + room);
  return *this;
}

Id& Id::hex(uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) text_[size_++] = "0123456789abcdef"[(value >> (4 * i)) & 15];
  return *this;
}

Id& Id::decimal(uint64_t value, int least_digits) {
  char reversed[20];
  int digits = 0;
  for (; value > 0 || digits < least_digits; value /= 10)
    reversed[digits++] = static_cast<char>('0' + value % 10);
  while (digits > 0) text_[size_++] = reversed[--digits];
  return *this;
}

People::People(uint64_t seed, int64_t opened_ms)
    : seed_(mix64(seed, 0x7472616465ULL)),
      seed_mark_(Id().hex(seed_ >> 20, 4)),
      shop_mark_(Id().hex(mix64(seed_, static_cast<uint64_t>(opened_ms)) >> 20, 6)) {
  fill(places_, all_places());
  fill(machines_, all_machines());
}

// From ranges that are kept for documentation (RFC 5737) and for tests of networks (RFC 2544).
Id People::address_of_net(uint32_t visitor, bool hosted) const {
  const uint64_t bits = of(visitor, 12);
  if (hosted) return Id("203.0.113.").decimal(bits % 40, 1);
  return Id("198.")
      .decimal(18 + (bits & 1), 1)
      .text(".")
      .decimal((bits >> 8) & 255, 1)
      .text(".")
      .decimal((bits >> 16) & 255, 1);
}

std::string_view People::email_domain(uint64_t person) const {
  static constexpr std::array<std::string_view, 8> kDomains = {
      "mail.example", "post.example", "inbox.example", "letter.example",
      "work.example", "mail.example", "post.example",  "uni.example"};
  return kDomains[of(person, 23) % kDomains.size()];
}

const std::array<Place, 14>& all_places() {
  // clang-format off
  static const std::array<Place, 14> places = {{
      {"DE", "Berlin", "de-DE", "EUR", 3320, 52.52, 13.40, 60, 0.16}, {"DE", "Hamburg", "de-DE", "EUR", 3209, 53.55, 9.99, 60, 0.09},
      {"DE", "Munich", "de-DE", "EUR", 3320, 48.14, 11.58, 60, 0.09}, {"FR", "Paris", "fr-FR", "EUR", 3215, 48.86, 2.35, 60, 0.12},
      {"FR", "Lyon", "fr-FR", "EUR", 12322, 45.76, 4.84, 60, 0.06}, {"NL", "Amsterdam", "nl-NL", "EUR", 1136, 52.37, 4.90, 60, 0.10},
      {"NL", "Utrecht", "nl-NL", "EUR", 33915, 52.09, 5.12, 60, 0.05}, {"AT", "Vienna", "de-AT", "EUR", 8447, 48.21, 16.37, 60, 0.07},
      {"BE", "Ghent", "nl-BE", "EUR", 6848, 51.05, 3.72, 60, 0.05}, {"ES", "Valencia", "es-ES", "EUR", 3352, 39.47, -0.38, 60, 0.06},
      {"IT", "Turin", "it-IT", "EUR", 3269, 45.07, 7.69, 60, 0.06}, {"IE", "Cork", "en-IE", "EUR", 5466, 51.90, -8.47, 0, 0.04},
      {"PT", "Porto", "pt-PT", "EUR", 3243, 41.15, -8.61, 0, 0.03}, {"FI", "Tampere", "fi-FI", "EUR", 1759, 61.50, 23.76, 120, 0.02}}};
  // clang-format on
  return places;
}

const std::array<Machine, 12>& all_machines() {
  static const std::array<Machine, 12> machines = {
      {{"MOBILE", "Android 14", "Chrome 126", "412x915", 0.24},
       {"MOBILE", "iOS 17", "Safari 17", "390x844", 0.22},
       {"MOBILE", "Android 13", "Firefox 127", "393x873", 0.05},
       {"DESKTOP", "Windows 11", "Chrome 126", "1920x1080", 0.15},
       {"DESKTOP", "Windows 10", "Edge 125", "1536x864", 0.09},
       {"DESKTOP", "macOS 14", "Safari 17", "1512x982", 0.08},
       {"DESKTOP", "Ubuntu 24.04", "Firefox 127", "2560x1440", 0.04},
       {"DESKTOP", "macOS 14", "Chrome 126", "1728x1117", 0.04},
       {"TABLET", "iPadOS 17", "Safari 17", "820x1180", 0.05},
       {"TABLET", "Android 13", "Chrome 126", "800x1280", 0.02},
       {"TV", "Tizen 7", "Samsung 5", "1920x1080", 0.01},
       {"MOBILE", "Android 12", "Samsung 25", "360x780", 0.01}}};
  return machines;
}

}  // namespace tradewind::simulate
