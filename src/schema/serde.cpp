#include "schema/serde.h"

#include "schema/avro.h"
#include "schema/avro_serde.h"
#include "schema/json_serde.h"
#include "schema/plain_serde.h"

namespace tradewind::schema {
namespace {

Error needs_registry() {
  return {Code::invalid, "AVRO needs a schema registry, and none is configured"};
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(const SerdeSpec& spec, Registry* registry) {
  switch (spec.format) {
    case Format::avro:
      if (registry == nullptr) return needs_registry();
      return make_avro_decoder(spec, *registry);
    case Format::json: return make_json_decoder(spec);
    case Format::kafka: return make_kafka_decoder(spec);
    case Format::delimited: return make_delimited_decoder(spec);
    case Format::none: return make_none_decoder(spec);
  }
  return Error{Code::invalid, "no such format"};
}

Result<std::unique_ptr<Encoder>> make_encoder(const SerdeSpec& spec, Registry* registry) {
  switch (spec.format) {
    case Format::avro:
      if (registry == nullptr) return needs_registry();
      return make_avro_encoder(spec, *registry);
    case Format::json: return make_json_encoder(spec);
    case Format::kafka: return make_kafka_encoder(spec);
    case Format::delimited: return make_delimited_encoder(spec);
    case Format::none: return make_none_encoder(spec);
  }
  return Error{Code::invalid, "no such format"};
}

Result<Format> format_from(const std::string& name) {
  const std::string upper = upper_case(name);
  for (const Format format : {Format::none, Format::kafka, Format::json, Format::avro, Format::delimited}) {
    if (upper == name_of(format)) return format;
  }
  return Error{Code::invalid,
               "unknown format '" + name + "'; NONE, KAFKA, JSON, AVRO and DELIMITED are offered"};
}

const char* name_of(Format format) {
  switch (format) {
    case Format::none: return "NONE";
    case Format::kafka: return "KAFKA";
    case Format::json: return "JSON";
    case Format::avro: return "AVRO";
    case Format::delimited: return "DELIMITED";
  }
  return "NONE";
}

Result<std::vector<Field>> columns_of(const RegisteredSchema& schema) {
  if (schema.kind != SchemaKind::avro) {
    return Error{Code::unsupported,
                 "schema " + std::to_string(schema.id) + " is not Avro; columns come from Avro only"};
  }
  const AvroSchemaPtr parsed = TRY(AvroSchema::parse(schema.text, schema.needed));
  const bool key = schema.subject.ends_with("-key");
  return columns_of(*parsed, key ? "ROWKEY" : "ROWVAL");
}

}  // namespace tradewind::schema
