#include "runner/topic_codec.h"

#include "base/coding.h"
#include "sql/plan.h"

namespace tradewind::runner {
namespace {

using schema::Format;

constexpr size_t kBound = 8;  // bytes of a window's start, or end, in a key

// A scalar as text: what stands in a line of DELIMITED.
std::string plain(const Json& json) {
  const bool scalar = json.is(Json::Kind::string) || json.is(Json::Kind::number);
  return scalar ? json.text() : json.dump();
}

bool session_of(const sql::Source& source) {
  return source.window_type == stream::WindowSpec::Kind::session;
}

void put_window(const TestWindow& window, Bytes& key) {
  if (window.session) put_big64(key, static_cast<uint64_t>(window.end_ms));
  put_big64(key, static_cast<uint64_t>(window.start_ms));
}

}  // namespace

std::optional<TestWindow> take_window(const sql::Source& source, BytesView& key) {
  TestWindow window{.session = session_of(source)};
  const size_t width = window.session ? 2 * kBound : kBound;
  if (!source.window_type || key.size() < width) return std::nullopt;
  BytesView tail = key.substr(key.size() - width);
  key.remove_suffix(width);
  uint64_t end = 0;
  uint64_t start = 0;
  if (window.session) (void)get_big64(tail, end);
  (void)get_big64(tail, start);
  window.start_ms = static_cast<int64_t>(start);
  window.end_ms =
      window.session ? static_cast<int64_t>(end) : window.start_ms + source.window_size_ms.value_or(0);
  return window;
}

Result<TopicCodec> TopicCodec::make(const sql::Source& source, schema::Registry& registry) {
  TopicCodec made(source);
  made.registry_ = &registry;
  made.key_.spec = sql::serde_spec(source, true);
  made.value_.spec = sql::serde_spec(source, false);
  TRY(made.prepare(made.key_, registry));
  TRY(made.prepare(made.value_, registry));
  return made;
}

Result<> TopicCodec::prepare(Part& part, schema::Registry& registry) const {
  if (part.spec.columns.empty() || part.spec.format == Format::none) return {};
  part.as_written = part.spec.format == Format::json;  // JSON_SR has a frame around it
  part.text = part.spec.format == Format::delimited;
  if (part.as_written || part.text) return {};
  schema::SerdeSpec json = part.spec;
  json.format = Format::json;
  if (part.spec.format == Format::kafka) json.key = true;  // a bare value
  part.from_json = TRY(schema::make_decoder(json, nullptr));
  part.to_json = TRY(schema::make_encoder(json, nullptr));
  part.decoder = TRY(schema::make_decoder(part.spec, &registry));
  return {};
}

Result<std::optional<Bytes>> TopicCodec::encode_part(Part& part, const Json& json) {
  if (json.is_null()) return std::optional<Bytes>();
  if (part.as_written) return std::optional<Bytes>(json.dump());
  if (part.from_json == nullptr) return std::optional<Bytes>(plain(json));
  const std::string text = json.dump();
  const std::optional<BytesView> payload(text);
  const schema::Decoded decoded = TRY(part.from_json->decode({&payload, 1}, nullptr));
  if (!decoded.bad.empty()) return Error{Code::invalid, decoded.bad[0].reason};
  if (part.encoder == nullptr) part.encoder = TRY(schema::make_encoder(part.spec, registry_));
  schema::Encoded encoded;
  TRY(part.encoder->encode(decoded.columns, 1, encoded));
  return std::optional<Bytes>(Bytes(encoded[0]));
}

Result<TopicRecord> TopicCodec::encode(const TestRecord& record) {
  TopicRecord made{.time = Timestamp{record.time_ms.value_or(0)}, .headers = record.headers};
  auto key = encode_part(key_, record.key);
  if (!key.ok()) return key.error().within("key");
  auto value = encode_part(value_, record.value);
  if (!value.ok()) return value.error().within("value");
  made.key = std::move(*key);
  made.value = std::move(*value);
  if (record.window) {
    if (!made.key) made.key.emplace();
    put_window(*record.window, *made.key);
  }
  return made;
}

Result<Json> TopicCodec::decode_part(Part& part, const std::optional<BytesView>& bytes,
                                     std::string& unreadable) const {
  if (!bytes) return Json();
  if (part.as_written) {
    auto json = parse_json(*bytes);
    if (json.ok()) return json;
    unreadable = json.error().message;
    return Json::string(std::string(*bytes));
  }
  if (part.decoder == nullptr) return Json::string(std::string(*bytes));
  const schema::Decoded decoded = TRY(part.decoder->decode({&bytes, 1}, nullptr));
  if (!decoded.bad.empty()) {
    unreadable = decoded.bad[0].reason;
    return Json::string(to_hex(*bytes));
  }
  schema::Encoded text;
  TRY(part.to_json->encode(decoded.columns, 1, text));
  return parse_json(text[0]);
}

Result<TestRecord> TopicCodec::decode(const TopicRecord& record) {
  TestRecord made{.topic = source_.topic, .time_ms = record.time.ms, .headers = record.headers};
  std::optional<BytesView> key = record.key ? std::optional<BytesView>(*record.key) : std::nullopt;
  if (key) made.window = take_window(source_, *key);
  made.key = TRY(decode_part(key_, key, made.unreadable));
  const auto value = record.value ? std::optional<BytesView>(*record.value) : std::nullopt;
  made.value = TRY(decode_part(value_, value, made.unreadable));
  return made;
}

}  // namespace tradewind::runner
