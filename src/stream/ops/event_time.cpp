#include "stream/ops/event_time.h"

#include <algorithm>

#include "data/value.h"
#include "stream/runtime.h"

namespace tradewind::stream {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

}  // namespace

std::optional<int64_t> slowest(Context& context, const Progress& progress) {
  int64_t least = INT64_MAX;
  for (int32_t p = 0; p < context.source_partitions(); ++p) {
    const auto at = progress.find(p);
    if (context.idle(p) && (at == progress.end() || at->second < least)) continue;
    if (at == progress.end()) return std::nullopt;
    least = std::min(least, at->second);
  }
  return least;
}

std::optional<int64_t> closing_time(Context& context, const Progress& progress) {
  const Duration silence = context.silence();
  std::optional<int64_t> time = slowest(context, progress);
  if (time == INT64_MAX || silence.count() > 0) {
    time.reset();
    for (const auto& [partition, reached] : progress) {
      if (partition != kGivenOut) time = std::max(time.value_or(INT64_MIN), reached);
    }
  }
  if (time) *time += silence.count();
  return time;
}

Result<> keep_late(Context& context, const Batch& rows, const std::vector<LateRow>& late) {
  for (const auto& [row, stream_time_ms] : late) {
    std::string text = "{";
    for (size_t i = 0; i < rows.schema()->size(); ++i) {
      if (!rows.has(i)) continue;
      const Field& field = (*rows.schema())[i];
      if (text.size() > 1) text += ",";
      const Value value = value_at(*rows.column(i), row);
      const bool plain = value.is_null() || (field.type.is_number() && field.type.kind() != Kind::real);
      const std::string shown = value_text(field.type, value);
      text += "\"" + field.name + "\":" + (plain ? shown : quoted(shown));
    }
    const int64_t time = rows.times_ms()[row];
    text += ",\"EVENT_TIME\":" + std::to_string(time) + ",\"STREAM_TIME\":" + std::to_string(stream_time_ms) +
            "}";
    const log::RecordView record{.value = text, .time = Timestamp{time}};
    TRY(context.append({late_topic(context.query()), 0}, {&record, 1}));
  }
  return {};
}

void tell(Context& context, const Batch& rows, const expr::Notes& notes) {
  for (const expr::Note& note : notes) {
    RowNote told;
    told.query = context.query();
    told.step = "group by";
    told.reason = note.reason;
    told.partition = rows.origin().partition;
    context.note(std::move(told));
  }
}

}  // namespace tradewind::stream
