#pragma once
// Orders and page views as Avro payloads with realistic values, and the schemas they follow; for the decode
// benchmark.
//
// Deterministic: the same seed gives the same bytes.

#include <string>
#include <vector>

#include "base/bytes.h"

namespace tradewind::bench {

extern const char* const kOrderSchema;
extern const char* const kPageViewSchema;

// Payloads one behind the other, each with Confluent's header for schema id 1.
struct Payloads {
  Bytes bytes;
  std::vector<uint32_t> ends;

  size_t size() const { return ends.size(); }
  BytesView operator[](size_t i) const {
    const uint32_t from = i == 0 ? 0 : ends[i - 1];
    return BytesView(bytes).substr(from, ends[i] - from);
  }
};

Payloads make_orders(size_t count, uint64_t seed);
Payloads make_page_views(size_t count, uint64_t seed);

}  // namespace tradewind::bench
