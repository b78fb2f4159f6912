#pragma once
// Lanes: the records of a block under decoding, each with its cursor, and the loop that runs one reader over them.
//
// One thread, within one call of decode.

#include "data/decimal.h"
#include "schema/avro/cursor.h"
#include "schema/avro/decode.h"

namespace tradewind::schema::avro {

constexpr const char* kShort = "the payload ends early or its bytes are no such value";
constexpr const char* kRange = "the number is out of range";
constexpr const char* kBranch = "no such branch of the union";
constexpr const char* kSymbol = "no such symbol of the enum";
constexpr const char* kDecimal = "the decimal does not fit the column";
constexpr const char* kCount = "more elements than the payload can hold";

struct Fault {
  uint32_t place = 0;
  uint32_t byte = 0;
  const char* what = nullptr;  // null: no fault
};

// A block of records under way.
struct Block {
  const Plan& plan;
  Rows& rows;
  Cursor at[kBlock];
  Cursor end[kBlock];
  Cursor begin[kBlock];
  uint32_t empties[kBlock];
  Fault faults[kBlock];

  bool failed(size_t lane) const { return faults[lane].what != nullptr; }
  // Every later read of this record finds no bytes. The first fault is the one told.
  void fail(size_t lane, uint32_t place, const char* what) {
    if (!failed(lane)) faults[lane] = {place, static_cast<uint32_t>(at[lane] - begin[lane]), what};
    end[lane] = at[lane];
  }
};

// All records of the block, their rows one behind the other.
struct Dense {
  size_t count;
  uint32_t base;
  size_t lane(size_t i) const { return i; }
  uint32_t row(size_t i) const { return base + static_cast<uint32_t>(i); }
};

// Some records, with the row each writes next.
struct Sparse {
  size_t count;
  const uint16_t* lanes;
  const uint32_t* rows;
  size_t lane(size_t i) const { return lanes[i]; }
  uint32_t row(size_t i) const { return rows[i]; }
};

// Runs one reader over the lanes. `read(at, end, lane, out, what)` answers the end of the value, or null with
// a reason.
template <typename T, typename Lanes, typename Read>
inline void each(Block& block, const Step& step, const Lanes& lanes, const Read& read) {
  Column& column = block.rows.column(step.slot);
  T* const out = column.data<T>();
  if (step.null_branch == kNeverNull) {
    for (size_t i = 0; i < lanes.count; ++i) {
      const size_t lane = lanes.lane(i);
      const char* what = kShort;
      const Cursor next = read(block.at[lane], block.end[lane], lane, out[lanes.row(i)], what);
      if (__builtin_expect(next == nullptr, 0)) {
        block.fail(lane, step.place, what);
        continue;
      }
      block.at[lane] = next;
    }
    return;
  }
  uint8_t* const valid = column.make_valid();
  const uint64_t null = uint64_t{step.null_branch} << 1;
  for (size_t i = 0; i < lanes.count; ++i) {
    const size_t lane = lanes.lane(i);
    const uint32_t row = lanes.row(i);
    uint64_t branch = 0;
    Cursor next = read_varint(block.at[lane], block.end[lane], branch);
    const char* what = kShort;
    if (next != nullptr && branch == null) {
      valid[row] = 0;
      out[row] = T{};
    } else if (next != nullptr && branch == (null ^ 2)) {
      next = read(next, block.end[lane], lane, out[row], what);
    } else if (next != nullptr) {
      what = kBranch;
      next = nullptr;
    }
    if (__builtin_expect(next == nullptr, 0)) {
      block.fail(lane, step.place, what);
      continue;
    }
    block.at[lane] = next;
  }
}

// The bytes of a decimal as a number, sign extended; false when it takes more than 128 bits.
inline bool wide_decimal(BytesView bytes, Int128& value) {
  while (bytes.size() > 16) {
    const bool negative = (bytes[1] & 0x80) != 0;
    if (static_cast<uint8_t>(bytes[0]) != (negative ? 0xff : 0)) return false;
    bytes.remove_prefix(1);
  }
  const auto read = decimal_from_bytes(bytes);
  if (!read) return false;
  value = *read;
  return true;
}

// Eight bytes or fewer, big-endian. Reads the eight bytes that end where the value ends, if the record has
// them.
inline int64_t small_decimal(Cursor at, size_t size, Cursor begin) {
  if (__builtin_expect(at + size - begin >= 8 && size > 0, 1)) {
    uint64_t word;
    std::memcpy(&word, at + size - 8, 8);
    const unsigned spare = 64 - 8 * static_cast<unsigned>(size);
    return static_cast<int64_t>(__builtin_bswap64(word) << spare) >> spare;
  }
  int64_t value = size > 0 && (*at & 0x80) != 0 ? -1 : 0;
  for (size_t i = 0; i < size; ++i) value = static_cast<int64_t>(static_cast<uint64_t>(value) << 8 | at[i]);
  return value;
}

inline int64_t millis_of(int64_t micros) {
  return micros / 1000 - (micros % 1000 < 0 ? 1 : 0);
}

}  // namespace tradewind::schema::avro
