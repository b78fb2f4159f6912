#pragma once
// Skipping whole values that nobody wants, and runs of them.

#include "schema/avro/cursor.h"
#include "schema/avro/plan.h"

namespace tradewind::schema::avro {

// Past one value of any type; null when it is bad, nested too deep, or of absurdly many values without bytes.
Cursor skip_value(const AvroType& type, Cursor at, Cursor end);

// Past one part of a run; null when it is bad.
inline Cursor skip_part(const SkipPart& part, Cursor at, Cursor end) {
  switch (part.what) {
    case Skip::varints:
      for (uint32_t i = 0; i < part.count && at != nullptr; ++i) at = skip_varint(at, end);
      return at;
    case Skip::texts:
      for (uint32_t i = 0; i < part.count && at != nullptr; ++i) at = skip_text(at, end);
      return at;
    case Skip::bytes: return skip_bytes(at, end, part.count);
    case Skip::other: return skip_value(*part.type, at, end);
    case Skip::nullable_varint:
    case Skip::nullable_text:
    case Skip::nullable_bytes: break;
  }
  uint64_t branch = 0;
  at = read_varint(at, end, branch);
  if (at == nullptr || (branch & ~uint64_t{2}) != 0) return nullptr;
  if (branch >> 1 == part.null_branch) return at;
  if (part.what == Skip::nullable_varint) return skip_varint(at, end);
  if (part.what == Skip::nullable_text) return skip_text(at, end);
  return skip_bytes(at, end, part.count);
}

}  // namespace tradewind::schema::avro
