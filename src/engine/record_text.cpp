#include "engine/record_text.h"

#include "base/json.h"
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

// The same type with the numbers that times are.
Type without_times(const Type& type) {
  switch (type.kind()) {
    case Kind::timestamp: return Type(Kind::bigint);
    case Kind::date:
    case Kind::time: return Type(Kind::integer);
    case Kind::array: return Type::array(without_times(type.element()));
    case Kind::map: return Type::map(type.key(), without_times(type.element()));
    case Kind::structure: {
      std::vector<Field> fields;
      for (const Field& field : type.fields()) fields.push_back({field.name, without_times(field.type)});
      return Type::structure(std::move(fields));
    }
    default: return type;
  }
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

}  // namespace

// Reads what a schema was registered for.
struct RecordText::Reader {
  bool json = false;  // the payload behind the id is JSON as it is
  bool lone = false;
  std::vector<Field> columns;
  std::vector<Type> written;  // as which their values are written
  std::unique_ptr<schema::Decoder> decoder;
};

RecordText::RecordText(schema::Registry& registry, Form form) : registry_(registry), form_(form) {}
RecordText::~RecordText() = default;

RecordText::Shown RecordText::of(const std::optional<BytesView>& bytes) {
  if (!bytes) return {"", "<null>"};
  if (auto shown = registered(*bytes)) return std::move(*shown);
  if (is_text(*bytes)) {
    const bool json = !bytes->empty() && (bytes->front() == '{' || bytes->front() == '[');
    if (json && parse_json(*bytes).ok()) return {"JSON", std::string(*bytes)};
    return {"KAFKA_STRING", std::string(*bytes)};
  }
  if (bytes->size() == 4) return {"KAFKA_INT", std::to_string(big_endian(*bytes))};
  if (bytes->size() == 8) return {"KAFKA_BIGINT", std::to_string(big_endian(*bytes))};
  return {"KAFKA_BYTES", hex(*bytes)};
}

std::optional<RecordText::Shown> RecordText::registered(BytesView bytes) {
  if (bytes.size() < 5 || bytes[0] != 0) return std::nullopt;
  const auto id = static_cast<schema::SchemaId>(big_endian(bytes.substr(1, 4)));
  auto [at, added] = readers_.try_emplace(id);
  Reader& reader = at->second;
  if (added && !open(id, reader)) {
    readers_.erase(at);
    return std::nullopt;
  }
  if (reader.json) {
    const BytesView document = bytes.substr(5);
    if (!parse_json(document).ok()) return std::nullopt;
    return Shown{"JSON_SR", std::string(document)};
  }
  auto text = avro(reader, bytes);
  if (!text) return std::nullopt;
  return Shown{"AVRO", std::move(*text)};
}

std::optional<std::string> RecordText::avro(Reader& reader, BytesView bytes) const {
  const std::optional<BytesView> payload(bytes);
  const auto decoded = reader.decoder->decode({&payload, 1}, nullptr);
  if (!decoded.ok() || !decoded->bad.empty()) return std::nullopt;
  std::string text;
  if (reader.lone && form_ == Form::exact) {
    append_json(reader.written[0], *decoded->columns[0], 0, text);
    return text;
  }
  for (size_t i = 0; i < reader.columns.size(); ++i) {
    text += text.empty() ? "{" : ",";
    append_json_string(text, reader.columns[i].name);
    text += ':';
    append_json(reader.written[i], *decoded->columns[i], 0, text);
  }
  return text + (text.empty() ? "{}" : "}");
}

bool RecordText::open(schema::SchemaId id, Reader& reader) const {
  const auto known = registry_.by_id(id);
  if (!known.ok()) return false;
  reader.json = known->kind == schema::SchemaKind::json;
  if (reader.json) return true;
  const auto naming = form_ == Form::shown ? schema::Naming::upper : schema::Naming::as_written;
  const auto columns = schema::columns_of(*known, naming, &reader.lone);
  if (!columns.ok()) return false;
  schema::SerdeSpec spec;
  spec.format = schema::Format::avro;
  spec.columns = *columns;
  spec.detail.wrapped = !reader.lone;
  auto decoder = schema::make_decoder(spec, &registry_);
  if (!decoder.ok()) return false;
  reader.columns = *columns;
  for (const Field& column : *columns)
    reader.written.push_back(form_ == Form::shown ? column.type : without_times(column.type));
  reader.decoder = std::move(*decoder);
  return true;
}

}  // namespace tradewind::engine
