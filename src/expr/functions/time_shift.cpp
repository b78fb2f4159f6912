// Times moved by a number of units, and times as plain numbers.
#include <limits>

#include "base/time.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

constexpr int64_t kDayMs = 86'400'000;

Result<int64_t> moved(Values a, int64_t start, int64_t sign) {
  int64_t wait = 0;
  int64_t end = 0;
  if (__builtin_mul_overflow(TRY(unit_ms(a[0].text())), a[1].number() * sign, &wait) ||
      __builtin_add_overflow(start, wait, &end)) {
    return Error{Code::invalid, "that time is too far away"};
  }
  return end;
}

template <int64_t kSign>
Result<Value> move_timestamp(Values a, Types) {
  return Value(TRY(moved(a, a[2].number(), kSign)));
}

// Round the clock.
template <int64_t kSign>
Result<Value> move_time(Values a, Types) {
  const int64_t ms = TRY(moved(a, a[2].number(), kSign));
  return Value(ms - floor_to(Timestamp{ms}, std::chrono::days(1)).ms);
}

// Whole days only count.
template <int64_t kSign>
Result<Value> move_date(Values a, Types) {
  const int64_t ms = TRY(moved(a, 0, 1));
  const int64_t days = a[2].number() + ms / kDayMs * kSign;
  if (days > std::numeric_limits<int32_t>::max() || days < std::numeric_limits<int32_t>::min())
    return Error{Code::invalid, "that day is too far away"};
  return Value(days);
}

Result<Type> bind_move(std::string_view name, Arguments& a, Kind kind) {
  return take(name, a, {Kind::string, Kind::integer, kind}, kind);
}

Result<Value> as_it_is(Values a, Types) {
  return a[0];
}

ColumnPtr unix_timestamp(const Call& call) {
  if (call.arguments.size() == 1) return by_row(call, [](Values a) -> Result<Value> { return a[0]; });
  return constant_column(call.type, Value(call.moment.now_ms), call.rows);
}

ColumnPtr unix_date(const Call& call) {
  if (call.arguments.size() == 1) return by_row(call, [](Values a) -> Result<Value> { return a[0]; });
  const int64_t days = floor_to(Timestamp{call.moment.now_ms}, std::chrono::days(1)).ms / kDayMs;
  return constant_column(call.type, Value(days), call.rows);
}

const Function kRows[] = {
    {"TIMESTAMPADD", "TIMESTAMPADD(unit, n, TIMESTAMP) -> TIMESTAMP", "So much later.",
     "TIMESTAMPADD(MINUTES, 90, FROM_UNIXTIME(0))",
     [](Arguments& a) { return bind_move("TIMESTAMPADD", a, Kind::timestamp); }, nullptr, move_timestamp<1>},
    {"TIMESTAMPSUB", "TIMESTAMPSUB(unit, n, TIMESTAMP) -> TIMESTAMP", "So much earlier.",
     "TIMESTAMPSUB(DAYS, 1, FROM_UNIXTIME(0))",
     [](Arguments& a) { return bind_move("TIMESTAMPSUB", a, Kind::timestamp); }, nullptr, move_timestamp<-1>},
    {"TIMEADD", "TIMEADD(unit, n, TIME) -> TIME", "So much later, round the clock.",
     "TIMEADD(HOURS, 3, PARSE_TIME('22:30', 'HH:mm'))",
     [](Arguments& a) { return bind_move("TIMEADD", a, Kind::time); }, nullptr, move_time<1>},
    {"TIMESUB", "TIMESUB(unit, n, TIME) -> TIME", "So much earlier, round the clock.",
     "TIMESUB(SECONDS, 1, PARSE_TIME('00:00', 'HH:mm'))",
     [](Arguments& a) { return bind_move("TIMESUB", a, Kind::time); }, nullptr, move_time<-1>},
    {"DATEADD", "DATEADD(unit, n, DATE) -> DATE", "So many days later.",
     "DATEADD(DAYS, 14, FROM_DAYS(15295))", [](Arguments& a) { return bind_move("DATEADD", a, Kind::date); },
     nullptr, move_date<1>},
    {"DATESUB", "DATESUB(unit, n, DATE) -> DATE", "So many days earlier.",
     "DATESUB(DAYS, 14, FROM_DAYS(15295))", [](Arguments& a) { return bind_move("DATESUB", a, Kind::date); },
     nullptr, move_date<-1>},
    {"FROM_UNIXTIME", "FROM_UNIXTIME(BIGINT) -> TIMESTAMP", "The time that many milliseconds after 1970.",
     "FROM_UNIXTIME(0)",
     [](Arguments& a) { return take("FROM_UNIXTIME", a, {Kind::bigint}, Kind::timestamp); }, nullptr,
     as_it_is},
    {"FROM_DAYS", "FROM_DAYS(INTEGER) -> DATE", "The day that many days after 1970-01-01.",
     "FROM_DAYS(15295)", [](Arguments& a) { return take("FROM_DAYS", a, {Kind::integer}, Kind::date); },
     nullptr, as_it_is},
    {"UNIX_TIMESTAMP", "UNIX_TIMESTAMP([TIMESTAMP]) -> BIGINT", "Milliseconds since 1970: of a time, or now.",
     "UNIX_TIMESTAMP(FROM_UNIXTIME(5))",
     [](Arguments& a) { return take("UNIX_TIMESTAMP", a, {Kind::timestamp}, Kind::bigint, 1); },
     unix_timestamp, nullptr, false, false, true},
    {"UNIX_DATE", "UNIX_DATE([DATE]) -> INTEGER", "Days since 1970: of a day, or of today.",
     "UNIX_DATE(FROM_DAYS(15295))",
     [](Arguments& a) { return take("UNIX_DATE", a, {Kind::date}, Kind::integer, 1); }, unix_date, nullptr,
     false, false, true},
};

}  // namespace

Result<int64_t> unit_ms(std::string name) {
  if (name.ends_with("S")) name.pop_back();
  if (name == "MILLISECOND") return int64_t{1};
  if (name == "SECOND") return int64_t{1000};
  if (name == "MINUTE") return int64_t{60'000};
  if (name == "HOUR") return int64_t{3'600'000};
  if (name == "DAY") return kDayMs;
  return Error{Code::invalid, "the unit is MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS, not " + name};
}

std::span<const Function> time_shift_functions() {
  return kRows;
}

}  // namespace tradewind::expr
