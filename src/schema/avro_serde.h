#pragma once
// AVRO: Confluent's framing (00, schema id as four big-endian bytes, body) around Avro decoding and encoding.
//
// Threads: each decoder and encoder belongs to one thread.

#include "schema/serde.h"

namespace tradewind::schema {

// REQUIRES registry to outlive the decoder.
Result<std::unique_ptr<Decoder>> make_avro_decoder(const SerdeSpec& spec, Registry& registry);
Result<std::unique_ptr<Encoder>> make_avro_encoder(const SerdeSpec& spec, Registry& registry);

// The subject of a topic's keys or values.
std::string subject_of(const SerdeSpec& spec);

}  // namespace tradewind::schema
