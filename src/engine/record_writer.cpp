#include "engine/record_writer.h"

#include <deque>

#include "log/partitioner.h"
#include "schema/serde.h"

namespace tradewind::engine {
namespace {

// Keys or values as their subject's schema wants them.
class PartWriter {
 public:
  static Result<PartWriter> open(const std::string& topic, bool key, schema::Registry& registry) {
    PartWriter made;
    const auto latest = registry.latest(topic + (key ? "-key" : "-value"));
    if (!latest.ok() && latest.error().code != Code::not_found) return latest.error();
    if (!latest.ok()) return made;
    bool lone = false;
    schema::SerdeSpec spec{.format = schema::Format::json, .key = key, .topic = topic};
    spec.columns = TRY(schema::columns_of(*latest, schema::Naming::as_written, &lone));
    spec.detail.wrapped = !lone;
    spec.key = key && lone;
    made.decoder_ = TRY(schema::make_decoder(spec, &registry));
    spec.key = key;
    spec.format = latest->kind == schema::SchemaKind::avro ? schema::Format::avro : schema::Format::json_sr;
    spec.detail.schema_id = latest->id;
    made.encoder_ = TRY(schema::make_encoder(spec, &registry));
    if (latest->kind == schema::SchemaKind::avro) TRY(made.note_required(*latest));
    return made;
  }

  // The bytes of a value that is not null.
  Result<Bytes> bytes(const Json& value) {
    if (encoder_ == nullptr) return value.is(Json::Kind::string) ? value.text() : value.dump();
    for (const std::string& field : required_) {
      const Json* given = value.find(field);
      if (value.is(Json::Kind::object) && (given == nullptr || given->is_null()))
        return Error{Code::invalid, "field " + field + " is missing"};
    }
    const std::string text = value.dump();
    const std::optional<BytesView> payload(text);
    const schema::Decoded decoded = TRY(decoder_->decode({&payload, 1}, nullptr));
    if (!decoded.bad.empty()) return Error{Code::invalid, decoded.bad[0].reason};
    schema::Encoded encoded;
    TRY(encoder_->encode(decoded.columns, 1, encoded));
    return std::move(encoded.bytes);
  }

 private:
  // Fields that have no default and cannot be null must be given.
  Result<> note_required(const schema::RegisteredSchema& registered) {
    const Json document = TRY(parse_json(registered.text));
    const Json* fields = document.find("fields");
    if (fields == nullptr || !fields->is(Json::Kind::array)) return {};
    for (const Json& field : fields->elements()) {
      const Json* type = field.find("type");
      const bool optional = type != nullptr && type->is(Json::Kind::array);
      if (field.find("default") == nullptr && !optional)
        required_.push_back(field.string_at("name").value_or(""));
    }
    return {};
  }

  std::unique_ptr<schema::Decoder> decoder_;
  std::unique_ptr<schema::Encoder> encoder_;  // null: there is no schema
  std::vector<std::string> required_;
};

// A record with the bytes its view points to.
struct Made {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<std::pair<std::string, std::optional<Bytes>>> header_bytes;
  std::vector<log::HeaderView> headers;
  Timestamp time;
  std::optional<int32_t> partition;

  log::RecordView view() const {
    return {.key = key ? std::optional<BytesView>(*key) : std::nullopt,
            .value = value ? std::optional<BytesView>(*value) : std::nullopt,
            .time = time,
            .headers = headers.data(),
            .header_count = static_cast<uint32_t>(headers.size())};
  }
};

Result<> read_headers(const Json& given, Made& record) {
  if (!given.is(Json::Kind::array))
    return Error{Code::invalid, "headers are a list of {\"key\": name, \"value\": text}"};
  for (const Json& header : given.elements()) {
    const auto name = header.string_at("key");
    if (!name) return Error{Code::invalid, "a header has no \"key\""};
    record.header_bytes.emplace_back(*name, header.string_at("value"));
  }
  for (const auto& [name, value] : record.header_bytes)
    record.headers.push_back({name, value ? std::optional<BytesView>(*value) : std::nullopt});
  return {};
}

// A number of a record; nothing when it is not given.
Result<std::optional<int64_t>> number_at(const Json& record, const char* name, int64_t most) {
  const Json* given = record.find(name);
  if (given == nullptr || given->is_null()) return std::optional<int64_t>();
  const auto number = given->integer();
  if (!number || *number < 0 || *number > most)
    return Error{Code::invalid, std::string(name) + " is a number from 0 to " + std::to_string(most) +
                                    ", not " + given->dump()};
  return number;
}

Result<> read_record(const Json& given, bool raw, int32_t partitions, PartWriter& keys, PartWriter& values,
                     Made& record) {
  if (!given.is(Json::Kind::object)) return Error{Code::invalid, "a record is an object with a \"value\""};
  const Json* key = given.find("key");
  const Json* value = given.find("value");
  if (key != nullptr && !key->is_null()) {
    auto bytes = keys.bytes(*key);
    if (!bytes.ok()) return bytes.error().within("key");
    record.key = std::move(*bytes);
  }
  if (value != nullptr && !value->is_null()) {
    if (raw && !value->is(Json::Kind::string)) return Error{Code::invalid, "a raw value is a text"};
    record.value = raw ? value->text() : TRY(values.bytes(*value));
  }
  if (!record.key && !record.value) return Error{Code::invalid, "a record needs a \"key\" or a \"value\""};
  if (const Json* headers = given.find("headers"); headers != nullptr && !headers->is_null())
    TRY(read_headers(*headers, record));
  const auto time = TRY(number_at(given, "timestamp", int64_t{1} << 53));
  if (time) record.time = Timestamp{*time};
  const auto partition = TRY(number_at(given, "partition", partitions - 1));
  if (partition) record.partition = static_cast<int32_t>(*partition);
  return {};
}

}  // namespace

bool is_internal(const std::string& topic) {
  return topic.starts_with("tw.") || topic.starts_with("_");
}

Result<> check_writable(const std::string& topic) {
  if (!is_internal(topic)) return {};
  return Error{Code::invalid, "topic " + topic + " is the platform's own; only it writes there"};
}

Result<RecordWriter::Taken> RecordWriter::write(const std::string& topic, const std::vector<Json>& records,
                                                const Options& options) {
  const log::TopicSpec spec = TRY(log_.topic(topic));
  TRY(check_writable(topic));
  PartWriter keys = TRY(PartWriter::open(topic, true, registry_));
  PartWriter values = options.raw ? PartWriter() : TRY(PartWriter::open(topic, false, registry_));
  Taken taken;
  std::deque<Made> made;  // what the views point to stays where it is
  std::vector<std::vector<log::RecordView>> parts(static_cast<size_t>(spec.partitions));
  auto next = static_cast<size_t>(std::max<int64_t>(options.sequence, 0));  // of those without a key
  for (size_t i = 0; i < records.size(); ++i) {
    Made& record = made.emplace_back();
    record.time = clock_.now();
    const auto read = read_record(records[i], options.raw, spec.partitions, keys, values, record);
    if (!read.ok() && read.error().code != Code::invalid) return read.error();
    if (!read.ok()) {
      taken.rejected.push_back({i, read.error().message});
      if (options.until_bad) break;
      continue;
    }
    const int32_t partition = record.partition ? *record.partition
                              : record.key
                                  ? log::partition_of(*record.key, spec.partitions)
                                  : static_cast<int32_t>(next++ % static_cast<size_t>(spec.partitions));
    parts[static_cast<size_t>(partition)].push_back(record.view());
    ++taken.accepted;
  }
  std::vector<log::Appending> appendings;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    if (!parts[static_cast<size_t>(p)].empty())
      appendings.push_back({{topic, p}, parts[static_cast<size_t>(p)]});
  }
  if (appendings.empty() && options.producer.empty()) return taken;
  auto producer = TRY(log_.producer({.id = options.producer}));
  TRY(producer->append_all(appendings, options.producer.empty() ? -1 : options.sequence));
  return taken;
}

}  // namespace tradewind::engine
