#include "expr/functions/time_pattern.h"

#include <array>
#include <chrono>
#include <string_view>

#include "base/time.h"

namespace tradewind::expr {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::string_view kNumbers = "yudDHhkKmsSn";
constexpr std::string_view kLetters = "yuMLdDEQqaHhkKmsSnXxZzV";

std::string padded(int64_t value, size_t width) {
  std::string text = std::to_string(value < 0 ? -value : value);
  if (text.size() < width) text = std::string(width - text.size(), '0') + text;
  return value < 0 ? "-" + text : text;
}

std::string offset_text(int64_t offset_ms, bool colon, bool minutes) {
  const int64_t total = (offset_ms < 0 ? -offset_ms : offset_ms) / 60'000;
  std::string text = (offset_ms < 0 ? "-" : "+") + padded(total / 60, 2);
  if (!minutes && total % 60 == 0) return text;
  return text + (colon ? ":" : "") + padded(total % 60, 2);
}

std::string zone_text(char letter, size_t count, int64_t utc_ms, const Zone& zone) {
  const int64_t offset = zone.offset_at(utc_ms);
  if (letter == 'V') return zone.name();
  if (letter == 'z') return zone.abbreviation(utc_ms);
  if (letter == 'X' && offset == 0) return "Z";
  if (letter == 'Z') return count == 5 && offset == 0 ? "Z" : offset_text(offset, count == 5, true);
  return offset_text(offset, count == 3 || count == 5, count > 1);
}

template <size_t kCount>
bool take_name(const std::array<std::string_view, kCount>& names, bool whole, const std::string& text,
               size_t& at, int64_t& value) {
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = whole ? names[i] : names[i].substr(0, 3);
    if (text.compare(at, name.size(), name) != 0) continue;
    at += name.size();
    value = static_cast<int64_t>(i) + 1;
    return true;
  }
  return false;
}

bool is_digit(const std::string& text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// "+02:00", "Z", "Europe/Berlin": as far as it looks like a zone.
bool take_zone(const std::string& text, size_t& at, std::optional<Zone>& zone) {
  size_t end = at;
  while (end < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '/' || text[end] == '_' ||
          text[end] == '+' || text[end] == '-' || text[end] == ':')) {
    ++end;
  }
  const auto found = Zone::find(text.substr(at, end - at));
  if (!found.ok()) return false;
  zone = *found;
  at = end;
  return true;
}

}  // namespace

struct TimePattern::Read {
  int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, millis = 0;
  std::optional<int64_t> half_hour;  // of 12
  std::optional<int64_t> day_of_year;
  bool afternoon = false;
  int64_t ignored = 0;
  std::optional<Zone> zone;
};

Result<TimePattern> TimePattern::read(const std::string& pattern) {
  TimePattern made;
  made.pattern_ = pattern;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\'') {
      const size_t end = pattern.find('\'', i + 1);
      if (end == std::string::npos)
        return Error{Code::invalid, "a quote in the pattern '" + pattern + "' is not closed"};
      std::string text = end == i + 1 ? "'" : pattern.substr(i + 1, end - i - 1);
      made.parts_.push_back({.kind = Part::Kind::text, .text = std::move(text)});
      i = end + 1;
    } else if (c == '[' || c == ']') {
      made.parts_.push_back({.kind = c == '[' ? Part::Kind::open : Part::Kind::close});
      ++i;
    } else if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      made.parts_.push_back({.kind = Part::Kind::text, .text = std::string(1, c)});
      ++i;
    } else {
      if (kLetters.find(c) == std::string_view::npos)
        return Error{Code::invalid, std::string("the pattern letter '") + c + "' is not known"};
      const size_t begin = i;
      while (i < pattern.size() && pattern[i] == c) ++i;
      made.parts_.push_back({.kind = Part::Kind::field, .letter = c, .count = i - begin});
    }
  }
  for (size_t i = 0; i + 1 < made.parts_.size(); ++i) {
    const Part& next = made.parts_[i + 1];
    made.parts_[i].exact =
        next.kind == Part::Kind::field && (kNumbers.find(next.letter) != std::string_view::npos ||
                                           ((next.letter == 'M' || next.letter == 'L') && next.count < 3));
  }
  return made;
}

std::string TimePattern::format(int64_t utc_ms, const Zone& zone) const {
  const int64_t ms = utc_ms + zone.offset_at(utc_ms);
  const int64_t days = floor_to(Timestamp{ms}, std::chrono::days(1)).ms / kDayMs;
  const std::chrono::sys_days date{std::chrono::days(days)};
  const std::chrono::year_month_day day(date);
  const int64_t rest = ms - days * kDayMs;
  const int64_t hour = rest / 3'600'000;
  const auto year = static_cast<int>(day.year());
  const auto month = static_cast<unsigned>(day.month());
  const auto weekday = std::chrono::weekday(date).c_encoding();
  const int64_t day_of_year =
      (date - std::chrono::sys_days{day.year() / std::chrono::January / 1}).count() + 1;
  std::string text;
  const auto name = [&](std::string_view whole, size_t count) {
    text += count >= 4 ? whole : whole.substr(0, 3);
  };
  for (const Part& part : parts_) {
    if (part.kind == Part::Kind::text) text += part.text;
    if (part.kind != Part::Kind::field) continue;
    const size_t count = part.count;
    switch (part.letter) {
      case 'y':
      case 'u': text += count == 2 ? padded(year % 100, 2) : padded(year, count); break;
      case 'M':
      case 'L':
        if (count >= 3)
          name(kMonths[month - 1], count);
        else
          text += padded(month, count);
        break;
      case 'd': text += padded(static_cast<unsigned>(day.day()), count); break;
      case 'D': text += padded(day_of_year, count); break;
      case 'E': name(kDays[weekday], count); break;
      case 'Q':
      case 'q': text += (count == 3 ? "Q" : "") + padded((month + 2) / 3, count == 3 ? 1 : count); break;
      case 'a': text += hour < 12 ? "AM" : "PM"; break;
      case 'H': text += padded(hour, count); break;
      case 'h': text += padded(hour % 12 == 0 ? 12 : hour % 12, count); break;
      case 'k': text += padded(hour == 0 ? 24 : hour, count); break;
      case 'K': text += padded(hour % 12, count); break;
      case 'm': text += padded(rest / 60'000 % 60, count); break;
      case 's': text += padded(rest / 1000 % 60, count); break;
      case 'n': text += padded(rest % 1000 * 1'000'000, count); break;
      case 'S': {
        std::string digits = padded(rest % 1000, 3);
        digits.resize(count, '0');
        text += digits;
        break;
      }
      default: text += zone_text(part.letter, count, utc_ms, zone);
    }
  }
  return text;
}

bool TimePattern::read_field(const Part& part, const std::string& text, size_t& at, Read& read) {
  const char c = part.letter;
  if ((c == 'M' || c == 'L') && part.count >= 3)
    return take_name(kMonths, part.count >= 4, text, at, read.month);
  if (c == 'E') return take_name(kDays, part.count >= 4, text, at, read.ignored);
  if (c == 'a') {
    read.afternoon = text.compare(at, 2, "PM") == 0 || text.compare(at, 2, "pm") == 0;
    if (!read.afternoon && text.compare(at, 2, "AM") != 0 && text.compare(at, 2, "am") != 0) return false;
    at += 2;
    return true;
  }
  if (kNumbers.find(c) == std::string_view::npos && c != 'M' && c != 'L' && c != 'Q' && c != 'q')
    return take_zone(text, at, read.zone);
  const bool year = c == 'y' || c == 'u';
  const bool loose = !part.exact && (part.count == 1 || (year && part.count > 2));
  const size_t most = loose ? 9 : part.count;
  const size_t least = c == 'S' || part.count > 1 ? part.count : 1;
  int64_t number = 0;
  size_t digits = 0;
  for (; digits < most && is_digit(text, at); ++digits) number = number * 10 + (text[at++] - '0');
  if (digits < least) return false;
  switch (c) {
    case 'y':
    case 'u': read.year = part.count == 2 ? 2000 + number : number; break;
    case 'M':
    case 'L': read.month = number; break;
    case 'd': read.day = number; break;
    case 'D': read.day_of_year = number; break;
    case 'H': read.hour = number; break;
    case 'k': read.hour = number % 24; break;
    case 'h': read.half_hour = number % 12; break;
    case 'K': read.half_hour = number; break;
    case 'm': read.minute = number; break;
    case 's': read.second = number; break;
    case 'n': read.millis = number / 1'000'000; break;
    case 'S':
      for (; digits < 3; ++digits) number *= 10;
      for (; digits > 3; --digits) number /= 10;
      read.millis = number;
      break;
    default: break;
  }
  return true;
}

// Where the text ends that the parts from `part` on match. A section in brackets may be missing whole.
std::optional<size_t> TimePattern::parse_from(size_t part, const std::string& text, size_t at,
                                              Read& read) const {
  for (; part < parts_.size(); ++part) {
    const Part& one = parts_[part];
    if (one.kind == Part::Kind::close) continue;
    if (one.kind == Part::Kind::open) {
      Read with = read;
      if (const auto end = parse_from(part + 1, text, at, with)) {
        read = with;
        return end;
      }
      size_t open = 1;
      while (open > 0 && ++part < parts_.size()) {
        open += parts_[part].kind == Part::Kind::open ? 1 : 0;
        open -= parts_[part].kind == Part::Kind::close ? 1 : 0;
      }
      continue;
    }
    if (one.kind == Part::Kind::text) {
      if (text.compare(at, one.text.size(), one.text) != 0) return std::nullopt;
      at += one.text.size();
      continue;
    }
    if (at > text.size() || !read_field(one, text, at, read)) return std::nullopt;
  }
  return at == text.size() ? std::optional(at) : std::nullopt;
}

Result<int64_t> TimePattern::parse(const std::string& text, const Zone& zone) const {
  const Error unread{Code::invalid, "'" + text + "' does not match the pattern '" + pattern_ + "'"};
  Read read;
  if (!parse_from(0, text, 0, read)) return unread;
  if (read.half_hour) read.hour = *read.half_hour + (read.afternoon ? 12 : 0);
  if (read.year > 32'000 || read.month > 12 || read.day > 31) return unread;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(read.year)),
                                         std::chrono::month(static_cast<unsigned>(read.month)),
                                         std::chrono::day(static_cast<unsigned>(read.day))};
  if (!date.ok() || read.hour > 23 || read.minute > 59 || read.second > 59) return unread;
  int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  if (read.day_of_year) {
    if (*read.day_of_year < 1 || *read.day_of_year > 366) return unread;
    const std::chrono::sys_days new_year{date.year() / std::chrono::January / 1};
    days = new_year.time_since_epoch().count() + *read.day_of_year - 1;
  }
  const int64_t local =
      ((days * 24 + read.hour) * 60 + read.minute) * 60'000 + read.second * 1000 + read.millis;
  return (read.zone ? *read.zone : zone).to_utc(local);
}

}  // namespace tradewind::expr
