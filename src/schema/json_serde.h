#pragma once
// JSON: one object (or a lone value, for keys of one column) per payload, read and written by ksqlDB's rules.
//
// Threads: each decoder and encoder belongs to one thread.

#include "schema/serde.h"

namespace tradewind::schema {

Result<std::unique_ptr<Decoder>> make_json_decoder(const SerdeSpec& spec);
Result<std::unique_ptr<Encoder>> make_json_encoder(const SerdeSpec& spec);

// JSON_SR: the same behind Confluent's frame (00, schema id as four big-endian bytes). REQUIRES registry to
// outlive the call only.
Result<std::unique_ptr<Decoder>> make_json_sr_decoder(const SerdeSpec& spec);
Result<std::unique_ptr<Encoder>> make_json_sr_encoder(const SerdeSpec& spec, Registry& registry);

}  // namespace tradewind::schema
