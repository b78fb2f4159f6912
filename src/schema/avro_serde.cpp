#include "schema/avro_serde.h"

#include <algorithm>
#include <map>

#include "base/coding.h"
#include "schema/avro/decode.h"
#include "schema/avro/encode.h"

namespace tradewind::schema {
namespace {

constexpr size_t kHeader = 5;
constexpr size_t kMostExpected = 100'000;
constexpr size_t kMostPlans = 1000;  // writers' schemas remembered at once

// Whether the columns are fields of this record, or the one column is the whole value.
bool is_wrapped(const AvroType& root, const SerdeSpec& spec) {
  if (spec.columns.size() != 1) return true;
  if (!spec.wrapped() && !spec.key) return false;
  const AvroType* only = root.only();
  if (only == nullptr || only->kind != AvroKind::record) return false;
  return !(spec.key && spec.columns[0].type.kind() == Kind::structure);
}

class AvroDecoder final : public Decoder {
 public:
  AvroDecoder(const SerdeSpec& spec, Registry& registry, AvroSchemaPtr reader)
      : spec_(spec), registry_(registry), slots_(spec.columns, spec.wanted), reader_(std::move(reader)) {}

  Result<Decoded> decode(std::span<const std::optional<BytesView>> payloads,
                         const std::shared_ptr<const void>& buffer) override {
    Decoded decoded;
    avro::Rows rows(slots_, payloads.size(), sizes_);
    if (writers_.size() > kMostPlans) writers_.clear();
    std::erase_if(writers_, [](const auto& writer) { return writer.second.plan == nullptr; });
    by_writer_.clear();
    for (size_t from = 0; from < payloads.size(); from += avro::kBlock) {
      TRY(decode_block(payloads, from, rows, decoded.bad));
    }
    std::vector<std::shared_ptr<const void>> owners;
    if (buffer != nullptr) owners.push_back(buffer);
    for (const auto& [id, picked] : by_writer_) {
      if (writers_.at(id).plan != nullptr) owners.push_back(writers_.at(id).plan);
    }
    for (const BadRow& bad : decoded.bad) {
      for (const int top : slots_.tops()) rows.blank(top, bad.row);
    }
    std::sort(decoded.bad.begin(), decoded.bad.end(),
              [](const BadRow& a, const BadRow& b) { return a.row < b.row; });
    sizes_ = rows.sizes();
    for (size_t& size : sizes_) size = std::min(size, kMostExpected);
    decoded.columns = rows.finish(owners);
    return decoded;
  }

 private:
  struct Writer {
    std::shared_ptr<const avro::Plan>
        plan;  // null: its rows are bad, and the registry is asked again next time
    std::string problem;
  };

  Result<> decode_block(std::span<const std::optional<BytesView>> payloads, size_t from, avro::Rows& rows,
                        std::vector<BadRow>& bad) {
    const size_t to = std::min(from + avro::kBlock, payloads.size());
    ahead_.payloads = payloads.subspan(to, std::min(avro::kBlock, payloads.size() - to));
    ahead_.next = 0;
    for (auto& [id, picked] : by_writer_) picked.clear();
    TRY(sort_by_writer(payloads, from, to, rows, bad));
    for (const auto& [id, picked] : by_writer_) {
      const Writer& writer = writers_.at(id);
      if (writer.plan == nullptr) {
        for (const uint32_t row : picked) bad.push_back({row, writer.problem});
        continue;
      }
      avro::Payloads part{.all = payloads, .header = kHeader, .picked = &picked};
      if (picked.size() == to - from) {
        part.picked = nullptr;
        part.first = static_cast<uint32_t>(from);
        part.last = static_cast<uint32_t>(to);
      }
      avro::decode(*writer.plan, part, ahead_, rows, bad);
    }
    return {};
  }

  // Sorts the rows into by_writer_; what has no writer is null or bad.
  Result<> sort_by_writer(std::span<const std::optional<BytesView>> payloads, size_t from, size_t to,
                          avro::Rows& rows, std::vector<BadRow>& bad) {
    std::vector<uint32_t>* last = nullptr;
    SchemaId last_id = 0;
    for (size_t i = from; i < to; ++i) {
      const auto row = static_cast<uint32_t>(i);
      if (!payloads[i]) {
        for (const int top : slots_.tops()) rows.blank(top, row);
        continue;
      }
      BytesView rest = *payloads[i];
      if (rest.size() < kHeader || rest[0] != 0) {
        bad.push_back({row, "not Confluent's Avro framing: it begins with " +
                                to_hex(rest.substr(0, kHeader)) + " and not with 00 and a schema id"});
        continue;
      }
      rest.remove_prefix(1);
      uint32_t raw = 0;
      (void)get_big32(rest, raw);
      const auto id = static_cast<SchemaId>(raw);
      if (last == nullptr || id != last_id) {
        TRY(meet(id));
        last = &by_writer_[id];
        last_id = id;
      }
      last->push_back(row);
    }
    return {};
  }

  // Makes sure that the writer `id` has a plan, or a reason why its rows are bad.
  Result<> meet(SchemaId id) {
    if (writers_.contains(id)) return {};
    const auto found = registry_.by_id(id);
    if (!found.ok() && found.error().code != Code::not_found) {
      return found.error().within("schema " + std::to_string(id));
    }
    Writer& writer = writers_[id];
    if (!found.ok()) {
      writer.problem = "no schema has id " + std::to_string(id);
      return {};
    }
    const auto schema =
        found->kind == SchemaKind::avro
            ? AvroSchema::parse(found->text, found->needed)
            : Result<AvroSchemaPtr>(Error{Code::invalid, "schema " + std::to_string(id) + " is not Avro"});
    if (!schema.ok()) {
      writer.problem = schema.error().message;
      return {};
    }
    writer.plan = avro::resolve(*schema, reader_, slots_, is_wrapped((*schema)->root(), spec_));
    return {};
  }

  const SerdeSpec spec_;
  Registry& registry_;
  const avro::Slots slots_;
  const AvroSchemaPtr reader_;
  std::map<SchemaId, Writer> writers_;
  std::map<SchemaId, std::vector<uint32_t>> by_writer_;  // rows of the block under way
  avro::Ahead ahead_;
  std::vector<size_t> sizes_;  // of the lists of the last call: about what the next will need
};

class AvroEncoder final : public Encoder {
 public:
  AvroEncoder(avro::Encoding encoding, SchemaId id) : encoding_(std::move(encoding)) {
    header_ += '\0';
    put_big32(header_, static_cast<uint32_t>(id));
  }

  Result<> encode(const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) override {
    return encoding_.encode(header_, columns, rows, out);
  }

 private:
  const avro::Encoding encoding_;
  Bytes header_;
};

}  // namespace

std::string subject_of(const SerdeSpec& spec) {
  return spec.topic + (spec.key ? "-key" : "-value");
}

Result<std::unique_ptr<Decoder>> make_avro_decoder(const SerdeSpec& spec, Registry& registry) {
  // The subject's latest schema tells aliases and defaults of fields that older writers lack.
  AvroSchemaPtr reader;
  if (!spec.topic.empty()) {
    const auto latest = registry.latest(subject_of(spec));
    if (!latest.ok() && latest.error().code != Code::not_found) return latest.error();
    if (latest.ok() && latest->kind == SchemaKind::avro) {
      auto parsed = AvroSchema::parse(latest->text, latest->needed);
      if (parsed.ok()) reader = *parsed;
    }
  }
  return std::unique_ptr<Decoder>(std::make_unique<AvroDecoder>(spec, registry, std::move(reader)));
}

Result<std::unique_ptr<Encoder>> make_avro_encoder(const SerdeSpec& spec, Registry& registry) {
  if (spec.columns.empty()) return Error{Code::invalid, "an Avro value needs at least one column"};
  const SchemaId asked = spec.detail.schema_id;
  std::string not_the_latest;  // why that is not written
  const auto latest = asked != 0 ? registry.by_id(asked) : registry.latest(subject_of(spec));
  if (!latest.ok() && (asked != 0 || latest.error().code != Code::not_found)) return latest.error();
  if (latest.ok() && latest->kind == SchemaKind::avro) {
    const auto schema = AvroSchema::parse(latest->text, latest->needed);
    const bool named = spec.detail.record_name.empty() || asked != 0 ||
                       (schema.ok() && (*schema)->root().name == spec.detail.record_name);
    if (schema.ok() && named) {
      auto encoding = avro::Encoding::make(*schema, spec.columns, is_wrapped((*schema)->root(), spec));
      if (encoding.ok()) {
        return std::unique_ptr<Encoder>(std::make_unique<AvroEncoder>(std::move(*encoding), latest->id));
      }
      not_the_latest = "; version " + std::to_string(latest->version) +
                       " does not take these columns as they are: " + encoding.error().message;
      if (spec.detail.record_name.empty() && (*schema)->root().kind == AvroKind::record) {
        not_the_latest += std::string(". For a next version of that record, give ") +
                          (spec.key ? "KEY_SCHEMA_FULL_NAME" : "VALUE_AVRO_SCHEMA_FULL_NAME") + " = '" +
                          (*schema)->root().name + "'";
      }
    }
  }
  if (asked != 0)
    return Error{Code::invalid,
                 "schema " + std::to_string(asked) + " does not hold the columns of " + spec.topic};
  const bool wrapped = spec.wrapped();
  std::string text = wrapped ? avro_text_of(spec.columns, spec.detail.record_name)
                             : avro_text_of(spec.columns[0].type, spec.detail.record_name);
  if (!wrapped && !spec.key) text = "[\"null\"," + text + "]";
  const AvroSchemaPtr schema = TRY(AvroSchema::parse(text));
  avro::Encoding encoding = TRY(avro::Encoding::make(schema, spec.columns, wrapped));
  const auto registered = registry.register_schema(subject_of(spec), SchemaKind::avro, text);
  if (!registered.ok()) {
    Error error = registered.error();
    if (error.code == Code::conflict) error.message += not_the_latest;
    return error;
  }
  return std::unique_ptr<Encoder>(std::make_unique<AvroEncoder>(std::move(encoding), registered->id));
}

}  // namespace tradewind::schema
