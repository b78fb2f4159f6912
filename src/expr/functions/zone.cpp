#include "expr/functions/zone.h"

#include <date/tz.h>

#include <cctype>

namespace tradewind::expr {
namespace {

const date::time_zone& rules_at(const void* rules) {
  return *static_cast<const date::time_zone*>(rules);
}

// "+02:00", "-0530", "+2", with or without UTC or GMT before it.
bool read_offset(std::string text, int64_t& offset_ms) {
  if (text.starts_with("UTC") || text.starts_with("GMT"))
    text = text.substr(3);
  else if (text.starts_with("UT"))
    text = text.substr(2);
  offset_ms = 0;
  if (text.empty() || text == "Z") return true;
  if (text[0] != '+' && text[0] != '-') return false;
  std::string digits;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ':') continue;
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) return false;
    digits += text[i];
  }
  if (digits.empty() || digits.size() > 6 || (digits.size() > 2 && digits.size() % 2 == 1)) return false;
  if (digits.size() == 1) digits = "0" + digits;
  digits.resize(6, '0');
  const int64_t hours = std::stoi(digits.substr(0, 2));
  const int64_t minutes = std::stoi(digits.substr(2, 2));
  const int64_t seconds = std::stoi(digits.substr(4, 2));
  offset_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 * (text[0] == '-' ? -1 : 1);
  return hours <= 18 && minutes < 60 && seconds < 60;
}

}  // namespace

Zone Zone::fixed(int64_t offset_ms) {
  Zone zone;
  zone.offset_ms_ = offset_ms;
  return zone;
}

Result<Zone> Zone::find(const std::string& name) {
  Zone zone;
  zone.name_ = name;
  if (name.empty()) return Error{Code::invalid, "a time zone needs a name"};
  if (read_offset(name, zone.offset_ms_)) return zone;
  try {
    zone.rules_ = date::locate_zone(name);
  } catch (const std::exception&) {
    return Error{Code::invalid, "no time zone is called '" + name + "'"};
  }
  return zone;
}

int64_t Zone::offset_at(int64_t utc_ms) const {
  if (rules_ == nullptr) return offset_ms_;
  const date::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(utc_ms)};
  return std::chrono::milliseconds(rules_at(rules_).get_info(at).offset).count();
}

int64_t Zone::to_utc(int64_t local_ms) const {
  if (rules_ == nullptr) return local_ms - offset_ms_;
  const date::local_time<std::chrono::milliseconds> at{std::chrono::milliseconds(local_ms)};
  return local_ms - std::chrono::milliseconds(rules_at(rules_).get_info(at).first.offset).count();
}

std::string Zone::abbreviation(int64_t utc_ms) const {
  if (rules_ == nullptr) return name_;
  const date::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(utc_ms)};
  return rules_at(rules_).get_info(at).abbrev;
}

}  // namespace tradewind::expr
