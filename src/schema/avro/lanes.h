#pragma once
// Lanes: the records of a block under decoding, each with its cursor, and the loop that runs one reader over
// them.
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
  [[gnu::noinline, gnu::cold]] void fail(size_t lane, uint32_t place, const char* what) {
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
inline void each_value(Block& block, const Step& step, const Lanes lanes, const Read read) {
  T* const out = block.rows.column(step.slot).data<T>();
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
}

// One value of ["null", T] or [T, "null"].
template <typename T, typename Read>
inline Cursor read_nullable(const Read& read, Cursor at, Cursor end, size_t lane, uint64_t null, T& out,
                            uint8_t& valid, const char*& what) {
  uint64_t branch = 0;
  at = read_varint(at, end, branch);
  if (__builtin_expect(at == nullptr, 0)) return nullptr;
  if (branch == null) {
    valid = 0;
    out = T{};
    return at;
  }
  if (__builtin_expect(branch == (null ^ 2), 1)) return read(at, end, lane, out, what);
  what = kBranch;
  return nullptr;
}

template <typename T, typename Lanes, typename Read>
inline void each(Block& block, const Step& step, const Lanes lanes, const Read read) {
  if (step.null_branch == kNeverNull) return each_value<T>(block, step, lanes, read);
  uint8_t* const valid = block.rows.column(step.slot).make_valid();
  const uint64_t null = uint64_t{step.null_branch} << 1;
  T* const out = block.rows.column(step.slot).data<T>();
  for (size_t i = 0; i < lanes.count; ++i) {
    const size_t lane = lanes.lane(i);
    const uint32_t row = lanes.row(i);
    const char* what = kShort;
    const Cursor next =
        read_nullable(read, block.at[lane], block.end[lane], lane, null, out[row], valid[row], what);
    if (__builtin_expect(next == nullptr, 0)) {
      block.fail(lane, step.place, what);
      continue;
    }
    block.at[lane] = next;
  }
}

// Text that may be null, which nobody can foresee: the usual case, a length of one byte, is done without a
// branch.
template <typename Lanes, typename Read>
inline void each_nullable_text(Block& block, const Step& step, const Lanes lanes, const Read read) {
  uint8_t* const valid = block.rows.column(step.slot).make_valid();
  const uint64_t null = uint64_t{step.null_branch} << 1;
  BytesView* const out = block.rows.column(step.slot).data<BytesView>();
  for (size_t i = 0; i < lanes.count; ++i) {
    const size_t lane = lanes.lane(i);
    const uint32_t row = lanes.row(i);
    const Cursor at = block.at[lane];
    const Cursor end = block.end[lane];
    if (__builtin_expect(end - at >= 2, 1)) {
      const size_t there = at[0] != null ? 1 : 0;
      const size_t length = at[1] & -there;  // doubled; odd or with a second byte only in the unusual case
      const Cursor from = at + 1 + there;
      const Cursor next = from + length / 2;
      if (__builtin_expect(((at[0] & ~2) | (length & 0x81)) == 0 && next <= end, 1)) {
        valid[row] = static_cast<uint8_t>(there);
        out[row] = {reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(from) & -there), length / 2};
        block.at[lane] = next;
        continue;
      }
    }
    const char* what = kShort;
    const Cursor next = read_nullable(read, at, end, lane, null, out[row], valid[row], what);
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
