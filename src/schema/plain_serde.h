#pragma once
// The plain formats: KAFKA (one column, big-endian numbers, UTF-8, bytes), DELIMITED (a CSV line) and NONE
// (nothing).
//
// Threads: each decoder and encoder belongs to one thread.

#include "schema/serde.h"

namespace tradewind::schema {

// `invalid` unless there is one column of type INTEGER, BIGINT, DOUBLE, STRING or BYTES.
Result<std::unique_ptr<Decoder>> make_kafka_decoder(const SerdeSpec& spec);
Result<std::unique_ptr<Encoder>> make_kafka_encoder(const SerdeSpec& spec);

// `invalid` for nested columns.
Result<std::unique_ptr<Decoder>> make_delimited_decoder(const SerdeSpec& spec);
Result<std::unique_ptr<Encoder>> make_delimited_encoder(const SerdeSpec& spec);

// `invalid` unless there are no columns.
Result<std::unique_ptr<Decoder>> make_none_decoder(const SerdeSpec& spec);
Result<std::unique_ptr<Encoder>> make_none_encoder(const SerdeSpec& spec);

}  // namespace tradewind::schema
