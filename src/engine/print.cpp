// PRINT: the records of a topic as text. Nothing says what they are, so their formats are guessed: a
// registered schema's id in front, JSON, text, or a number of four or eight bytes.
#include <cstring>

#include "data/value.h"
#include "engine/engine.h"
#include "schema/serde.h"

namespace tradewind::engine {
namespace {

bool is_text(BytesView bytes) {
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 && c != '\n' && c != '\t' && c != '\r') return false;
  }
  std::string written;
  append_json_string(written, bytes);
  return written.find("\xef\xbf\xbd") == std::string::npos;  // what is no UTF-8 is written as U+FFFD
}

int64_t big_endian(BytesView bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return bytes.size() == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

std::string hex(BytesView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "0x";
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

struct Shown {
  std::string format;
  std::string text;
};

// Reads what a schema was registered for.
class AvroText {
 public:
  explicit AvroText(schema::Registry& registry) : registry_(registry) {}

  std::optional<std::string> text_of(BytesView bytes) {
    if (bytes.size() < 5 || bytes[0] != 0) return std::nullopt;
    const auto id = static_cast<schema::SchemaId>(big_endian(bytes.substr(1, 4)));
    auto& reader = readers_[id];
    if (reader.decoder == nullptr && !open(id, reader)) {
      readers_.erase(id);
      return std::nullopt;
    }
    const std::optional<BytesView> payload(bytes);
    const auto decoded = reader.decoder->decode({&payload, 1}, nullptr);
    if (!decoded.ok() || !decoded->bad.empty()) return std::nullopt;
    std::string text;
    for (size_t i = 0; i < reader.columns.size(); ++i) {
      text += text.empty() ? "{" : ",";
      append_json_string(text, reader.columns[i].name);
      text += ':';
      append_json(reader.columns[i].type, *decoded->columns[i], 0, text);
    }
    return text + (text.empty() ? "{}" : "}");
  }

 private:
  struct Reader {
    std::vector<Field> columns;
    std::unique_ptr<schema::Decoder> decoder;
  };

  bool open(schema::SchemaId id, Reader& reader) {
    const auto known = registry_.by_id(id);
    if (!known.ok()) return false;
    const auto columns = schema::columns_of(*known);
    if (!columns.ok()) return false;
    schema::SerdeSpec spec;
    spec.format = schema::Format::avro;
    spec.columns = *columns;
    auto decoder = schema::make_decoder(spec, &registry_);
    if (!decoder.ok()) return false;
    reader.columns = *columns;
    reader.decoder = std::move(*decoder);
    return true;
  }

  schema::Registry& registry_;
  std::map<schema::SchemaId, Reader> readers_;
};

Shown shown(const std::optional<BytesView>& bytes, AvroText& avro) {
  if (!bytes) return {"", "<null>"};
  if (auto text = avro.text_of(*bytes)) return {"AVRO", std::move(*text)};
  if (is_text(*bytes)) {
    const bool json = !bytes->empty() && (bytes->front() == '{' || bytes->front() == '[');
    if (json && parse_json(*bytes).ok()) return {"JSON", std::string(*bytes)};
    return {"KAFKA_STRING", std::string(*bytes)};
  }
  if (bytes->size() == 4) return {"KAFKA_INT", std::to_string(big_endian(*bytes))};
  if (bytes->size() == 8) return {"KAFKA_BIGINT", std::to_string(big_endian(*bytes))};
  return {"KAFKA_BYTES", hex(*bytes)};
}

// "2024/01/31 10:00:00.000 Z"
std::string time_text(Timestamp time) {
  std::string text = to_iso(time);
  for (char& c : text) c = c == '-' ? '/' : c == 'T' ? ' ' : c;
  if (!text.empty() && text.back() == 'Z') text.insert(text.size() - 1, " ");
  return text;
}

class PrintedTopic final : public LineStream {
 public:
  PrintedTopic(sql::Print asked, std::unique_ptr<log::Consumer> consumer, schema::Registry& registry)
      : asked_(std::move(asked)), consumer_(std::move(consumer)), avro_(registry) {}

  Result<std::optional<std::string>> next(Duration wait) override {
    if (asked_.limit && given_ >= *asked_.limit) return std::optional<std::string>();
    std::string text;
    for (const log::FetchedBatch& batch : TRY(consumer_->poll(wait, 1000))) {
      for (const log::RecordView& record : batch.records) {
        if (seen_++ % asked_.interval != 0) continue;
        if (asked_.limit && given_ >= *asked_.limit) break;
        ++given_;
        add(record, batch.position.partition, text);
      }
    }
    return std::optional(std::move(text));
  }

 private:
  void add(const log::RecordView& record, int32_t partition, std::string& text) {
    const Shown key = shown(record.key, avro_);
    const Shown value = shown(record.value, avro_);
    announce("Key format: ", key.format, key_format_, text);
    announce("Value format: ", value.format, value_format_, text);
    text += "rowtime: " + time_text(record.time) + ", key: " + key.text + ", value: " + value.text +
            ", partition: " + std::to_string(partition) + "\n";
  }

  static void announce(const char* what, const std::string& format, std::string& known, std::string& text) {
    if (format.empty() || format == known) return;
    known = format;
    text += what + format + "\n";
  }

  sql::Print asked_;
  std::unique_ptr<log::Consumer> consumer_;
  AvroText avro_;
  std::string key_format_;
  std::string value_format_;
  int64_t seen_ = 0;
  int64_t given_ = 0;
};

}  // namespace

Result<std::unique_ptr<LineStream>> Engine::print(const sql::Print& statement) {
  const auto spec = log_.topic(statement.topic);
  if (!spec.ok()) return Error{Code::not_found, "no topic is called " + statement.topic};
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  for (int32_t p = 0; p < spec->partitions; ++p) {
    const log::Position position{statement.topic, p};
    const auto bounds = TRY(log_.bounds(position, log::Visibility::durable));
    TRY(consumer->assign(position, statement.from_beginning ? bounds.begin : bounds.end));
  }
  return std::unique_ptr<LineStream>(new PrintedTopic(statement, std::move(consumer), registry_));
}

}  // namespace tradewind::engine
