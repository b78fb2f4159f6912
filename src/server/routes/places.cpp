#include "server/routes/places.h"

#include <algorithm>
#include <charconv>

namespace tradewind::server {
namespace {

constexpr size_t kRecordsAtOnce = 10'000;

Result<log::Offset> offset_at(log::Log& log, const log::Position& position, const log::Log::Bounds& bounds,
                              Timestamp time) {
  auto consumer = TRY(log.consumer(log::Visibility::durable));
  TRY(consumer->assign(position, bounds.begin));
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    const auto batches = TRY(consumer->poll(Duration(0), kRecordsAtOnce));
    if (batches.empty()) break;
    for (const log::FetchedBatch& batch : batches) {
      for (const log::RecordView& record : batch.records)
        if (record.time >= time) return std::min(record.offset, bounds.end);
      next = batch.next;
    }
  }
  return bounds.end;
}

std::optional<log::Offset> number_of(const std::string& text) {
  log::Offset offset = 0;
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, offset);
  if (text.empty() || error != std::errc() || read != end) return std::nullopt;
  return offset;
}

}  // namespace

std::string offsets_text(const std::vector<log::Offset>& offsets) {
  std::string text;
  for (const log::Offset offset : offsets) text += (text.empty() ? "" : ",") + std::to_string(offset);
  return text;
}

std::optional<std::vector<log::Offset>> read_offsets(std::string_view text, int32_t partitions) {
  std::vector<log::Offset> offsets;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    log::Offset offset = 0;
    const auto [next, error] = std::from_chars(at, end, offset);
    if (error != std::errc() || offset < 0 || (next != end && *next != ',')) return std::nullopt;
    offsets.push_back(offset);
    at = next == end ? end : next + 1;
  }
  if (offsets.size() != static_cast<size_t>(partitions)) return std::nullopt;
  return offsets;
}

Result<log::Offsets> places_of(log::Log& log, const log::TopicSpec& topic, std::optional<int32_t> partition,
                               const std::string& text) {
  const auto number = number_of(text);
  const auto all = number ? std::nullopt : read_offsets(text, topic.partitions);
  const auto time = number || all ? std::nullopt : from_iso(text);
  if (number && *number < 0)
    return Error{Code::invalid, text + " is no offset in " + topic.name + ": they count from 0 to " +
                                    std::to_string(INT64_MAX)};
  if (text != "earliest" && text != "latest" && !number && !all && !time) {
    return Error{Code::invalid, "'" + text + "' is no place in " + topic.name +
                                    ": earliest, latest, an offset, " + std::to_string(topic.partitions) +
                                    " offsets with commas, or a time such as 2026-01-31T12:00:00Z"};
  }
  log::Offsets places;
  for (int32_t p = 0; p < topic.partitions; ++p) {
    if (partition && *partition != p) continue;
    const log::Position position{topic.name, p};
    const auto bounds = TRY(log.bounds(position, log::Visibility::durable));
    log::Offset place = text == "earliest" ? bounds.begin : bounds.end;
    if (number) place = *number;
    if (all) place = (*all)[static_cast<size_t>(p)];
    if (time) place = TRY(offset_at(log, position, bounds, *time));
    places[position] = std::clamp(place, bounds.begin, bounds.end);
  }
  return places;
}

Result<int32_t> partition_from(const std::string& text, const log::TopicSpec& topic) {
  const auto number = number_of(text);
  if (!number || *number < 0 || *number >= topic.partitions) {
    return Error{Code::invalid, "topic " + topic.name + " has no partition '" + text + "'; it has " +
                                    std::to_string(topic.partitions) + ", counted from 0"};
  }
  return static_cast<int32_t>(*number);
}

}  // namespace tradewind::server
