#include "stream/run/processing_log.h"

#include <algorithm>

#include "base/coding.h"

namespace tradewind::stream {
namespace {

constexpr size_t kMostKey = 1024;   // bytes quoted of a key
constexpr size_t kBesides = 2'048;  // about what a value holds besides the record and the reason

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

std::string place_of(const RowNote& note) {
  return "\"topic\":" + quoted(note.topic) + ",\"partition\":" + std::to_string(note.partition);
}

// Keys in binary formats are told in base64 only.
std::string key_of(const RowNote& note) {
  if (!note.key) return "\"key\":null,\"keyB64\":null";
  const Bytes key = note.key->substr(0, kMostKey);
  const bool text = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return "\"key\":" + (text ? quoted(key) : "null") + ",\"keyB64\":" + quoted(to_base64(key));
}

}  // namespace

Bytes processing_log_value(const RowNote& note, Timestamp now, size_t most) {
  using enum RowNote::Kind;
  CHECK(most >= static_cast<size_t>(kLeastRecordBytes));
  const std::string name = "processing." + (note.query.empty() ? note.topic : note.query) +
                           (note.step.empty() ? "" : "." + note.step);
  const std::string reason = quoted(note.reason.substr(0, most / 4));
  const size_t room = (most - std::min(most, kBesides + reason.size())) / 4 * 3;  // of base64
  const char* type = note.kind == deserialization ? "0" : note.kind == too_large ? "2" : "1";
  std::string text = "{\"level\":\"ERROR\",\"logger\":" + quoted(name) +
                     ",\"time\":" + std::to_string(now.ms) + ",\"message\":{\"type\":" + type;
  const std::string place = place_of(note) + ",\"offset\":" + std::to_string(note.offset);
  text += ",\"deserializationError\":";
  if (note.kind == deserialization) {
    text += "{\"target\":\"value\",\"errorMessage\":" + reason +
            ",\"recordB64\":" + quoted(to_base64(BytesView(note.record).substr(0, room))) + ",\"cause\":[]," +
            place + "}";
  } else {
    text += "null";
  }
  text += ",\"recordProcessingError\":";
  if (note.kind == expression || note.kind == late) {
    text += "{\"errorMessage\":" + reason + ",\"record\":null,\"cause\":[]," + place + "}";
  } else {
    text += "null";
  }
  text += ",\"productionError\":";
  if (note.kind == too_large) {
    text += "{\"errorMessage\":" + reason + "," + place_of(note) + "," + key_of(note) +
            ",\"bytes\":" + std::to_string(note.bytes) + "}";
  } else {
    text += "null";
  }
  return text + ",\"serializationError\":null,\"kafkaStreamsThreadError\":null}}";
}

RowNote too_large_note(const log::Position& position, std::optional<Bytes> key, int64_t bytes,
                       const std::string& taken, const std::string& remedy) {
  return {.kind = RowNote::Kind::too_large,
          .reason = "a result of " + std::to_string(bytes) + " bytes is more than " + taken +
                    " takes, and was left out; " + remedy,
          .topic = position.topic,
          .partition = position.partition,
          .key = std::move(key),
          .bytes = bytes};
}

}  // namespace tradewind::stream
