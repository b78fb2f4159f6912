#pragma once
// Decoding: runs a plan over blocks of records, one step at a time for all records of a block, into Rows.
//
// Each record has a cursor; a step moves every cursor past one value, so that the records' chains of lengths
// overlap in the processor. A record that turns out bad is left behind with its reason and the others go on.

#include <optional>
#include <span>
#include <vector>

#include "schema/avro/plan.h"

namespace tradewind::schema::avro {

// Records decoded together; their cursors and the plan fit into the first-level cache.
constexpr size_t kBlock = 64;

struct Payloads {
  std::span<const std::optional<BytesView>> all;
  size_t header = 0;  // bytes in front of each body
  // The rows to decode, each with a payload of at least `header` bytes: those listed (ascending), or [first,
  // last).
  const std::vector<uint32_t>* picked = nullptr;
  uint32_t first = 0;
  uint32_t last = 0;
};

// Adds bad rows, in order of the rows; what lies in their columns is safe to blank() and nothing else.
void decode(const Plan& plan, const Payloads& payloads, Rows& rows, std::vector<BadRow>& bad);

}  // namespace tradewind::schema::avro
