// Times as text and back, by Java's patterns, in any time zone.
#include "base/time.h"

#include "expr/functions/tables.h"
#include "expr/functions/time_pattern.h"

namespace tradewind::expr {
namespace {

constexpr int64_t kDayMs = 86'400'000;

// The pattern and the zone of the last row, which are mostly those of the next.
class Reader {
 public:
  Result<> set(const std::string& pattern, const std::string& zone) {
    if (pattern != pattern_text_ || !set_) pattern_ = TRY(TimePattern::read(pattern));
    if (zone != zone_text_) zone_ = TRY(Zone::find(zone));
    pattern_text_ = pattern;
    zone_text_ = zone;
    set_ = true;
    return {};
  }
  const TimePattern& pattern() const { return pattern_; }
  const Zone& zone() const { return zone_; }

 private:
  bool set_ = false;
  std::string pattern_text_;
  std::string zone_text_ = "UTC";
  TimePattern pattern_;
  Zone zone_;
};

// Formatting the same moment again is common: the last answer is kept.
template <int64_t kUnitMs>
ColumnPtr format(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  Reader reader;
  int64_t last_ms = 0;
  BytesView last_pattern, last_zone, last_text;
  const Column& times = *call.arguments[0];
  for (size_t i = 0; i < call.rows; ++i) {
    out->data<BytesView>()[i] = {};
    bool null = false;
    for (const ColumnPtr& argument : call.arguments) null = null || argument->is_null(i);
    if (null) {
      out->set_null(i);
      continue;
    }
    const bool narrow = times.type().layout() == Layout::i32;
    const int64_t ms = (narrow ? times.data<int32_t>()[i] : times.data<int64_t>()[i]) * kUnitMs;
    const BytesView pattern = call.arguments[1]->data<BytesView>()[i];
    const BytesView zone = call.arguments.size() == 3 ? call.arguments[2]->data<BytesView>()[i] : "UTC";
    if (last_text.data() == nullptr || ms != last_ms || pattern != last_pattern || zone != last_zone) {
      if (const auto set = reader.set(std::string(pattern), std::string(zone)); !set.ok()) {
        call.notes.push_back({static_cast<uint32_t>(i), set.error().message});
        out->set_null(i);
        continue;
      }
      last_text = out->store(reader.pattern().format(ms, reader.zone()));
      last_ms = ms;
      last_pattern = pattern;
      last_zone = zone;
    }
    out->data<BytesView>()[i] = last_text;
  }
  return out;
}

template <int64_t kUnitMs>
ColumnPtr parse(const Call& call) {
  Reader reader;
  return by_row(call, [&](Values a) -> Result<Value> {
    TRY(reader.set(a[1].text(), a.size() == 3 ? a[2].text() : "UTC"));
    const int64_t ms = TRY(reader.pattern().parse(a[0].text(), reader.zone()));
    return Value(floor_to(Timestamp{ms}, Duration(kUnitMs)).ms / kUnitMs);
  });
}

ColumnPtr parse_time(const Call& call) {
  Reader reader;
  return by_row(call, [&](Values a) -> Result<Value> {
    TRY(reader.set(a[1].text(), "UTC"));
    const int64_t ms = TRY(reader.pattern().parse(a[0].text(), reader.zone()));
    return Value(ms - floor_to(Timestamp{ms}, std::chrono::days(1)).ms);
  });
}

// What the clocks of one zone show, read as if the clocks of the other showed it.
ColumnPtr convert_zone(const Call& call) {
  Zone from, to;
  std::string from_name, to_name;
  return by_row(call, [&](Values a) -> Result<Value> {
    if (a[1].text() != from_name) from = TRY(Zone::find(a[1].text()));
    if (a[2].text() != to_name) to = TRY(Zone::find(a[2].text()));
    from_name = a[1].text();
    to_name = a[2].text();
    const int64_t utc = from.to_utc(a[0].number());
    return Value(utc + to.offset_at(utc));
  });
}

const Function kRows[] = {
    {"FORMAT_TIMESTAMP", "FORMAT_TIMESTAMP(TIMESTAMP, pattern [, zone])",
     "A time as text, by a Java pattern.",
     "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy-MM-dd HH:mm', 'Europe/Berlin')",
     [](Arguments& a) {
       return take("FORMAT_TIMESTAMP", a, {Kind::timestamp, Kind::string, Kind::string}, Kind::string, 1);
     },
     format<1>},
    {"FORMAT_DATE", "FORMAT_DATE(DATE, pattern)", "A day as text, by a Java pattern.",
     "FORMAT_DATE(FROM_DAYS(15295), 'EEE dd.MM.yyyy')",
     [](Arguments& a) {
       return take("FORMAT_DATE", a, {Kind::date, Kind::string}, Kind::string);
     },
     format<kDayMs>},
    {"FORMAT_TIME", "FORMAT_TIME(TIME, pattern)", "A time of day as text, by a Java pattern.",
     "FORMAT_TIME(PARSE_TIME('13:05', 'HH:mm'), 'h:mm a')",
     [](Arguments& a) {
       return take("FORMAT_TIME", a, {Kind::time, Kind::string}, Kind::string);
     },
     format<1>},
    {"PARSE_TIMESTAMP", "PARSE_TIMESTAMP(text, pattern [, zone]) -> TIMESTAMP",
     "A time out of text, by a Java pattern.", "PARSE_TIMESTAMP('17.11.2011 13:00', 'dd.MM.yyyy HH:mm')",
     [](Arguments& a) {
       return take("PARSE_TIMESTAMP", a, {Kind::string, Kind::string, Kind::string}, Kind::timestamp, 1);
     },
     parse<1>},
    {"PARSE_DATE", "PARSE_DATE(text, pattern) -> DATE", "A day out of text, by a Java pattern.",
     "PARSE_DATE('17-Nov-2011', 'dd-MMM-yyyy')",
     [](Arguments& a) {
       return take("PARSE_DATE", a, {Kind::string, Kind::string}, Kind::date);
     },
     parse<kDayMs>},
    {"PARSE_TIME", "PARSE_TIME(text, pattern) -> TIME", "A time of day out of text, by a Java pattern.",
     "PARSE_TIME('130500', 'HHmmss')",
     [](Arguments& a) {
       return take("PARSE_TIME", a, {Kind::string, Kind::string}, Kind::time);
     },
     parse_time},
    {"CONVERT_TZ", "CONVERT_TZ(TIMESTAMP, from zone, to zone) -> TIMESTAMP",
     "What the clocks of another zone show.",
     "CONVERT_TZ(PARSE_TIMESTAMP('2011-07-01', 'yyyy-MM-dd'), 'UTC', 'Europe/Berlin')",
     [](Arguments& a) {
       return take("CONVERT_TZ", a, {Kind::timestamp, Kind::string, Kind::string}, Kind::timestamp);
     },
     convert_zone},
    {"DATETOSTRING", "DATETOSTRING(days, pattern)", "Days since 1970 as text; older name of FORMAT_DATE.",
     "DATETOSTRING(15295, 'yyyy-MM-dd')",
     [](Arguments& a) {
       return take("DATETOSTRING", a, {Kind::integer, Kind::string}, Kind::string);
     },
     format<kDayMs>},
    {"STRINGTODATE", "STRINGTODATE(text, pattern) -> INTEGER",
     "Days since 1970 out of text; older name of PARSE_DATE.", "STRINGTODATE('2011-11-17', 'yyyy-MM-dd')",
     [](Arguments& a) {
       return take("STRINGTODATE", a, {Kind::string, Kind::string}, Kind::integer);
     },
     parse<kDayMs>},
    {"TIMESTAMPTOSTRING", "TIMESTAMPTOSTRING(milliseconds, pattern [, zone])",
     "Milliseconds since 1970 as text; older name of FORMAT_TIMESTAMP.",
     "TIMESTAMPTOSTRING(1321531200000, 'yyyy-MM-dd')",
     [](Arguments& a) {
       return take("TIMESTAMPTOSTRING", a, {Kind::bigint, Kind::string, Kind::string}, Kind::string, 1);
     },
     format<1>},
    {"STRINGTOTIMESTAMP", "STRINGTOTIMESTAMP(text, pattern [, zone]) -> BIGINT",
     "Milliseconds since 1970 out of text; older name of PARSE_TIMESTAMP.",
     "STRINGTOTIMESTAMP('2011-11-17', 'yyyy-MM-dd')",
     [](Arguments& a) {
       return take("STRINGTOTIMESTAMP", a, {Kind::string, Kind::string, Kind::string}, Kind::bigint, 1);
     },
     parse<1>},
};

}  // namespace

std::span<const Function> time_functions() {
  return kRows;
}

}  // namespace tradewind::expr
