#include "schema/serde.h"

#include "schema/avro.h"
#include "schema/avro_serde.h"
#include "schema/json_schema.h"
#include "schema/json_serde.h"
#include "schema/plain_serde.h"

namespace tradewind::schema {
namespace {

Error needs_registry(Format format) {
  return {Code::invalid, std::string(name_of(format)) + " needs a schema registry, and none is configured"};
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(const SerdeSpec& spec, Registry* registry) {
  switch (spec.format) {
    case Format::avro:
      if (registry == nullptr) return needs_registry(spec.format);
      return make_avro_decoder(spec, *registry);
    case Format::json: return make_json_decoder(spec);
    case Format::json_sr:
      if (registry == nullptr) return needs_registry(spec.format);
      return make_json_sr_decoder(spec);
    case Format::kafka: return make_kafka_decoder(spec);
    case Format::delimited: return make_delimited_decoder(spec);
    case Format::none: return make_none_decoder(spec);
  }
  return Error{Code::invalid, "no such format"};
}

Result<std::unique_ptr<Encoder>> make_encoder(const SerdeSpec& spec, Registry* registry) {
  switch (spec.format) {
    case Format::avro:
      if (registry == nullptr) return needs_registry(spec.format);
      return make_avro_encoder(spec, *registry);
    case Format::json: return make_json_encoder(spec);
    case Format::json_sr:
      if (registry == nullptr) return needs_registry(spec.format);
      return make_json_sr_encoder(spec, *registry);
    case Format::kafka: return make_kafka_encoder(spec);
    case Format::delimited: return make_delimited_encoder(spec);
    case Format::none: return make_none_encoder(spec);
  }
  return Error{Code::invalid, "no such format"};
}

Result<Format> format_from(const std::string& name) {
  const std::string upper = upper_case(name);
  for (const Format format :
       {Format::none, Format::kafka, Format::json, Format::json_sr, Format::avro, Format::delimited}) {
    if (upper == name_of(format)) return format;
  }
  const std::string offered = "; NONE, KAFKA, JSON, JSON_SR, AVRO and DELIMITED are";
  if (upper == "PROTOBUF" || upper == "PROTOBUF_NOSR")
    return Error{Code::unsupported, "the format " + upper + " is not offered" + offered};
  return Error{Code::invalid, "unknown format '" + name + "'" + offered + " offered"};
}

bool uses_registry(Format format) {
  return format == Format::avro || format == Format::json_sr;
}

const char* name_of(Format format) {
  switch (format) {
    case Format::none: return "NONE";
    case Format::kafka: return "KAFKA";
    case Format::json: return "JSON";
    case Format::json_sr: return "JSON_SR";
    case Format::avro: return "AVRO";
    case Format::delimited: return "DELIMITED";
  }
  return "NONE";
}

Result<std::vector<Field>> columns_of(const RegisteredSchema& schema, Naming naming, bool* lone) {
  if (lone != nullptr) *lone = false;
  if (schema.kind == SchemaKind::json) return columns_of_json_schema(schema.text);
  if (schema.kind != SchemaKind::avro) {
    return Error{Code::unsupported, "schema " + std::to_string(schema.id) +
                                        " is Protobuf; columns come from Avro and JSON schemas"};
  }
  const AvroSchemaPtr parsed = TRY(AvroSchema::parse(schema.text, schema.needed));
  const bool key = schema.subject.ends_with("-key");
  const AvroType* root = parsed->root().only();
  if (lone != nullptr) *lone = root == nullptr || root->kind != AvroKind::record;
  return columns_of(*parsed, key ? "ROWKEY" : "ROWVAL", naming);
}

}  // namespace tradewind::schema
