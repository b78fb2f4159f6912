#pragma once
// Events: what a request brought, as records that are not in the log yet.
//
// Threads: plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/time.h"
#include "ingest/avro_bytes.h"

namespace tradewind::ingest {

struct EventId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const EventId&) const = default;
};

// Of the text of an id in the topic of this hash; the same as in all records of kEventIdsTopic.
inline EventId id_of(uint64_t topic_hash, BytesView text) {
  const uint64_t hash = hash64(text);
  return {hash ^ topic_hash, mix64(hash, crc32c(text))};
}

// As Avro writes texts and bytes.
inline void put_text(Bytes& out, BytesView text) {
  put_zigzag(out, static_cast<int64_t>(text.size()));
  out += text;
}

struct Rejected {
  size_t index = 0;
  std::string error;
  std::string field;     // by its path, "payment.attempt"; empty: the event as a whole
  std::string expected;  // there
};

struct Event {
  uint32_t value_end = 0;  // in the values
  uint32_t key_end = 0;    // in the keys
  bool has_key = false;
  bool has_id = false;
  EventId id;
  std::optional<int64_t> time_ms;
};

struct Events {
  AvroBytes values;  // of the records, one behind the other
  Bytes keys;
  std::vector<Event> all;
  std::vector<Rejected> rejected;  // ascending by index

  void clear() {
    values.clear();
    keys.clear();
    all.clear();
    rejected.clear();
  }
};

// What became of them.
struct Taken {
  size_t accepted = 0;
  std::vector<Rejected> rejected;
};

// What a body is made of.
enum class Shape {
  json,   // one event, or an array of them
  lines,  // one event a line
};

}  // namespace tradewind::ingest
