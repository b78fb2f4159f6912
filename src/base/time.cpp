#include "base/time.h"

#include <cstdio>
#include <thread>

namespace tradewind {
namespace {

using Days = std::chrono::sys_days;

// Reads exactly `digits` decimal digits.
bool take_number(std::string_view& text, size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text[0] != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+02", "+02:00", "-0530" or nothing; minutes east of Greenwich.
bool take_zone(std::string_view& text, int& minutes) {
  minutes = 0;
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return true;
  const bool west = text[0] == '-';
  if (!west && text[0] != '+') return false;
  text.remove_prefix(1);
  int hour = 0;
  int minute = 0;
  if (!take_number(text, 2, hour)) return false;
  const bool colon = take(text, ':');
  if ((colon || !text.empty()) && !take_number(text, 2, minute)) return false;
  minutes = (west ? -1 : 1) * (hour * 60 + minute);
  return hour <= 18 && minute < 60;
}

bool take_fraction(std::string_view& text, int& millis) {
  millis = 0;
  int scale = 100;
  if (text.empty()) return false;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    millis += (text[0] - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return true;
}

}  // namespace

std::string to_iso(Timestamp time) {
  const Timestamp day_start = floor_to(time, std::chrono::days(1));
  const std::chrono::year_month_day day{Days(std::chrono::days(day_start.ms / 86'400'000))};
  const int64_t rest = time.ms - day_start.ms;
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                static_cast<int>(rest / 3'600'000), static_cast<int>(rest / 60'000 % 60),
                static_cast<int>(rest / 1000 % 60), static_cast<int>(rest % 1000));
  return text;
}

std::optional<Timestamp> from_iso(std::string_view text) {
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millis = 0, zone = 0;
  if (!take_number(text, 4, year)) return std::nullopt;
  if (take(text, '-')) {
    if (!take_number(text, 2, month)) return std::nullopt;
    if (take(text, '-') && !take_number(text, 2, day)) return std::nullopt;
  }
  if (take(text, 'T') || take(text, ' ')) {
    if (!take_number(text, 2, hour)) return std::nullopt;
    if (take(text, ':') && !take_number(text, 2, minute)) return std::nullopt;
    if (take(text, ':') && !take_number(text, 2, second)) return std::nullopt;
    if (take(text, '.') && !take_fraction(text, millis)) return std::nullopt;
  }
  if (!take_zone(text, zone) || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const int64_t days = Days(date).time_since_epoch().count();
  return Timestamp{((days * 24 + hour) * 60 + minute - zone) * 60'000 + second * 1000 + millis};
}

Timestamp SystemClock::now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

int64_t SystemClock::monotonic_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

void SystemClock::sleep(Duration wait) {
  std::this_thread::sleep_for(wait);
}

}  // namespace tradewind
