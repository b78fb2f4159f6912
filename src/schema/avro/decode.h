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

// Payloads that come next: they are fetched from memory while others are decoded, for with so many cursors
// the processor does not foresee where reading goes on.
struct Ahead {
  std::span<const std::optional<BytesView>> payloads;
  size_t reach = 256;  // how far into their payloads records were read lately
  size_t next = 0;

  void fetch(size_t count) {
    for (; count > 0 && next < payloads.size(); --count, ++next) {
      if (!payloads[next]) continue;
      const size_t bytes = payloads[next]->size() < reach ? payloads[next]->size() : reach;
      for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(payloads[next]->data() + at);
    }
  }
};

// Adds bad rows, in order of the rows; what lies in their columns is safe to blank() and nothing else.
void decode(const Plan& plan, const Payloads& payloads, Ahead& ahead, Rows& rows, std::vector<BadRow>& bad);

}  // namespace tradewind::schema::avro
