#pragma once
// Encoding: how rows of columns become bytes of one Avro schema, compiled once into a list of parts.
//
// Threads: immutable once made; encode() writes into the caller's buffer and allocates only to grow it.

#include <memory>
#include <string>
#include <vector>

#include "schema/avro.h"
#include "schema/serde.h"

namespace tradewind::schema::avro {

enum class Put : uint8_t {
  boolean,
  number32,
  number64,
  number32_micros,
  number64_micros,
  real32,
  real64,
  integer_real,
  text,
  fixed,
  symbol,
  decimal64,  // DECIMAL of at most 18 digits as bytes, same scale
  decimal,
  decimal_fixed,
  array,
  map,
  record,
  constant
};

// The numbers of an enum's symbols by a small hash of their length and ends; the first of a chain, then the
// next.
struct SymbolTable {
  std::vector<int32_t> first = std::vector<int32_t>(64, -1);
  std::vector<int32_t> next;
  int32_t fallback = -1;  // the enum's default; -1: none

  static size_t slot(BytesView text) {
    if (text.empty()) return 0;
    return (text.size() + 7 * static_cast<uint8_t>(text.front()) + 31 * static_cast<uint8_t>(text.back())) &
           63;
  }
};

struct EncodePart {
  Put put = Put::constant;
  size_t column = 0;               // which column, field or child
  const AvroType* type = nullptr;  // of the value, without the union around it
  uint8_t branch = 0;              // the byte of the union's branch, and whether it is a union
  uint8_t branch_bytes = 0;
  std::optional<Bytes> when_null;  // the null branch, or the default; nothing: a null cannot be written
  Bytes constant;                  // the default of a field that no column fills
  int lift = 0;                    // decimal: digits added to the scale
  SymbolTable symbols;             // symbol
  std::string place;
  std::vector<EncodePart> parts;  // record: its fields; array: the element; map: the value
};

class Encoding {
 public:
  // `invalid` when a column fits no field or a field is neither filled nor has a default. `wrapped`: the
  // columns are fields of a record; else the one column is the whole value.
  static Result<Encoding> make(const AvroSchemaPtr& schema, const std::vector<Field>& columns, bool wrapped);

  // Appends `header` and the encoded value of every row. `invalid` when a value does not fit; `out` is then
  // as before.
  Result<> encode(BytesView header, const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) const;

 private:
  AvroSchemaPtr schema_;
  std::vector<EncodePart> parts_;
};

// A default as bytes. REQUIRES check_default() to have passed.
void append_default(const AvroType& type, const Json& value, Bytes& out);

}  // namespace tradewind::schema::avro
