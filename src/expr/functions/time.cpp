#include <chrono>
#include <cstdio>

#include "base/time.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};
constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};

struct Parts {
  int year, month, day, hour, minute, second, millis, weekday, day_of_year;
};

Parts parts_of(int64_t ms) {
  const int64_t days = floor_to(Timestamp{ms}, std::chrono::days(1)).ms / 86'400'000;
  const std::chrono::sys_days date{std::chrono::days(days)};
  const std::chrono::year_month_day day(date);
  const int64_t rest = ms - days * 86'400'000;
  const std::chrono::sys_days new_year{day.year() / std::chrono::January / 1};
  return {static_cast<int>(day.year()),
          static_cast<int>(static_cast<unsigned>(day.month())),
          static_cast<int>(static_cast<unsigned>(day.day())),
          static_cast<int>(rest / 3'600'000),
          static_cast<int>(rest / 60'000 % 60),
          static_cast<int>(rest / 1000 % 60),
          static_cast<int>(rest % 1000),
          static_cast<int>(std::chrono::weekday(date).c_encoding()),
          static_cast<int>((date - new_year).count()) + 1};
}

std::string padded(int value, size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

// One run of a pattern letter, as java.time's DateTimeFormatter reads it (UTC, English).
Result<std::string> letter(char c, size_t count, const Parts& p) {
  switch (c) {
    case 'y':
    case 'u': return count == 2 ? padded(p.year % 100, 2) : padded(p.year, count);
    case 'M':
    case 'L':
      if (count >= 4) return std::string(kMonths[p.month - 1]);
      return count == 3 ? std::string(kMonths[p.month - 1]).substr(0, 3) : padded(p.month, count);
    case 'd': return padded(p.day, count);
    case 'D': return padded(p.day_of_year, count);
    case 'E': return count >= 4 ? std::string(kDays[p.weekday]) : std::string(kDays[p.weekday]).substr(0, 3);
    case 'Q':
    case 'q': return padded((p.month + 2) / 3, count);
    case 'a': return std::string(p.hour < 12 ? "AM" : "PM");
    case 'H': return padded(p.hour, count);
    case 'h': return padded(p.hour % 12 == 0 ? 12 : p.hour % 12, count);
    case 'm': return padded(p.minute, count);
    case 's': return padded(p.second, count);
    case 'S': {
      std::string digits = padded(p.millis, 3);
      digits.resize(count, '0');
      return digits;
    }
    case 'X': return std::string("Z");
    case 'x':
    case 'Z': return std::string("+0000");
    default: return Error{Code::invalid, std::string("the pattern letter '") + c + "' is not known"};
  }
}

Result<std::string> format(int64_t ms, const std::string& pattern) {
  const Parts parts = parts_of(ms);
  std::string text;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\'') {
      const size_t end = pattern.find('\'', i + 1);
      if (end == std::string::npos) return Error{Code::invalid, "a quote in the pattern is not closed"};
      text += end == i + 1 ? "'" : pattern.substr(i + 1, end - i - 1);
      i = end + 1;
    } else if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      size_t count = 1;
      while (i + count < pattern.size() && pattern[i + count] == c) ++count;
      text += TRY(letter(c, count, parts));
      i += count;
    } else {
      text += c;
      ++i;
    }
  }
  return text;
}

// Reads text by a pattern of numbers (y M d H m s S) and fixed characters.
Result<int64_t> parse(const std::string& text, const std::string& pattern) {
  int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, millis = 0;
  size_t at = 0;
  const Error unread{Code::invalid, "'" + text + "' does not match the pattern '" + pattern + "'"};
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\'' && i + 1 < pattern.size()) {
      const size_t end = pattern.find('\'', i + 1);
      if (end == std::string::npos || text.compare(at, end - i - 1, pattern, i + 1, end - i - 1) != 0)
        return unread;
      at += end - i - 1;
      i = end + 1;
      continue;
    }
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      if (at >= text.size() || text[at] != c) return unread;
      ++at;
      ++i;
      continue;
    }
    size_t count = 1;
    while (i + count < pattern.size() && pattern[i + count] == c) ++count;
    i += count;
    if (c == 'X') {
      if (at < text.size() && text[at] == 'Z') ++at;
      continue;
    }
    int64_t number = 0;
    size_t digits = 0;
    const size_t most = count == 1 ? 9 : count;
    while (digits < most && at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
      number = number * 10 + (text[at++] - '0');
      ++digits;
    }
    if (digits == 0) return unread;
    switch (c) {
      case 'y':
      case 'u': year = count == 2 ? 2000 + number : number; break;
      case 'M': month = number; break;
      case 'd': day = number; break;
      case 'H': hour = number; break;
      case 'm': minute = number; break;
      case 's': second = number; break;
      case 'S':
        for (; digits < 3; ++digits) number *= 10;
        for (; digits > 3; --digits) number /= 10;
        millis = number;
        break;
      default: return Error{Code::invalid, std::string("the pattern letter '") + c + "' cannot be read"};
    }
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (at != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 59) return unread;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000 + millis;
}

// Formatting the same second again is common: the last answer is kept.
ColumnPtr format_column(const Call& call, int64_t unit_ms) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  int64_t last_ms = 0;
  BytesView last_pattern;
  BytesView last_text;
  const Column& times = *call.arguments[0];
  const Column& patterns = *call.arguments[1];
  for (size_t i = 0; i < call.rows; ++i) {
    out->data<BytesView>()[i] = {};
    if (times.is_null(i) || patterns.is_null(i)) {
      out->set_null(i);
      continue;
    }
    const int64_t ms =
        (times.type().layout() == Layout::i32 ? times.data<int32_t>()[i] : times.data<int64_t>()[i]) *
        unit_ms;
    const BytesView pattern = patterns.data<BytesView>()[i];
    if (last_text.data() == nullptr || ms != last_ms || pattern != last_pattern) {
      const auto text = format(ms, std::string(pattern));
      if (!text.ok()) {
        call.notes.push_back({static_cast<uint32_t>(i), text.error().message});
        out->set_null(i);
        continue;
      }
      last_text = out->store(*text);
      last_ms = ms;
      last_pattern = pattern;
    }
    out->data<BytesView>()[i] = last_text;
  }
  return out;
}

ColumnPtr format_timestamp(const Call& call) {
  return format_column(call, 1);
}
ColumnPtr format_date(const Call& call) {
  return format_column(call, 86'400'000);
}

Result<Type> bind_format(std::string_view name, std::vector<ExpressionPtr>& a, Kind kind) {
  if (a.size() < 2 || a.size() > 3 || !is_text(a[1])) return does_not_take(name, a);
  const bool timely =
      a[0]->type.kind() == kind || (kind == Kind::timestamp && a[0]->type.kind() == Kind::bigint);
  if (!timely) return does_not_take(name, a);
  if (a.size() == 3) {
    const bool utc = a[2]->node == Node::constant && !a[2]->value.is_null() && is_text(a[2]) &&
                     a[2]->value.text() == "UTC";
    if (!utc)
      return Error{Code::unsupported, std::string(name) + ": only the time zone 'UTC' is offered yet"};
    a.pop_back();
  }
  return Type(Kind::string);
}

Result<Type> bind_parse(std::string_view name, std::vector<ExpressionPtr>& a, Kind kind) {
  if (a.size() != 2 || !is_text(a[0]) || !is_text(a[1])) return does_not_take(name, a);
  return Type(kind);
}

Result<Value> parse_timestamp(std::span<const Value> a, std::span<const Type>) {
  return Value(TRY(parse(a[0].text(), a[1].text())));
}
Result<Value> parse_date(std::span<const Value> a, std::span<const Type>) {
  return Value(floor_to(Timestamp{TRY(parse(a[0].text(), a[1].text()))}, std::chrono::days(1)).ms /
               86'400'000);
}
Result<Value> as_it_is(std::span<const Value> a, std::span<const Type>) {
  return a[0];
}

Result<Type> bind_kind(std::string_view name, std::vector<ExpressionPtr>& a, Kind from, Kind to) {
  if (a.size() != 1 || a[0]->type.kind() != from) return does_not_take(name, a);
  return Type(to);
}

const Function kRows[] = {
    {"FORMAT_TIMESTAMP", "FORMAT_TIMESTAMP(timestamp, pattern [, 'UTC'])",
     "A time as text, by a Java pattern.", "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy-MM')",
     [](std::vector<ExpressionPtr>& a) { return bind_format("FORMAT_TIMESTAMP", a, Kind::timestamp); },
     format_timestamp},
    {"FORMAT_DATE", "FORMAT_DATE(date, pattern)", "A day as text, by a Java pattern.",
     "FORMAT_DATE(PARSE_DATE('2011-11-17', 'yyyy-MM-dd'), 'dd.MM.yyyy')",
     [](std::vector<ExpressionPtr>& a) { return bind_format("FORMAT_DATE", a, Kind::date); }, format_date},
    {"PARSE_TIMESTAMP", "PARSE_TIMESTAMP(text, pattern)", "A time out of text, by a Java pattern.",
     "PARSE_TIMESTAMP('2011-11-17', 'yyyy-MM-dd')",
     [](std::vector<ExpressionPtr>& a) { return bind_parse("PARSE_TIMESTAMP", a, Kind::timestamp); }, nullptr,
     parse_timestamp},
    {"PARSE_DATE", "PARSE_DATE(text, pattern)", "A day out of text, by a Java pattern.",
     "PARSE_DATE('2011-11-17', 'yyyy-MM-dd')",
     [](std::vector<ExpressionPtr>& a) { return bind_parse("PARSE_DATE", a, Kind::date); }, nullptr,
     parse_date},
    {"FROM_UNIXTIME", "FROM_UNIXTIME(BIGINT) -> TIMESTAMP", "The time that many milliseconds after 1970.",
     "FROM_UNIXTIME(0)",
     [](std::vector<ExpressionPtr>& a) -> Result<Type> {
       if (a.size() == 1 && a[0]->type.kind() == Kind::integer) a[0] = cast_if_needed(a[0], Kind::bigint);
       return bind_kind("FROM_UNIXTIME", a, Kind::bigint, Kind::timestamp);
     },
     nullptr, as_it_is},
    {"UNIX_TIMESTAMP", "UNIX_TIMESTAMP(timestamp) -> BIGINT", "The milliseconds since 1970.",
     "UNIX_TIMESTAMP(FROM_UNIXTIME(5))",
     [](std::vector<ExpressionPtr>& a) {
       return bind_kind("UNIX_TIMESTAMP", a, Kind::timestamp, Kind::bigint);
     },
     nullptr, as_it_is},
};

}  // namespace

std::span<const Function> time_functions() {
  return kRows;
}

}  // namespace tradewind::expr
