#pragma once
// Plan: how records of one writer's schema become the slots of one decoder, compiled once into lists of
// steps.
//
// Threads: immutable, share freely. Runs of unneeded fields are one step, and nothing is done after the last
// needed one.

#include <memory>
#include <string>
#include <vector>

#include "schema/avro.h"
#include "schema/avro/rows.h"

namespace tradewind::schema::avro {

// What reads one value: the writer's encoding and the layout it goes into.
enum class Op : uint8_t {
  skip,  // the skips [first, first + count)
  boolean,
  int32,        // varint -> i32
  int64,        // varint -> i64
  micros_time,  // varint of microseconds -> i32 of milliseconds
  micros,       // varint of microseconds -> i64 of milliseconds
  long_real,    // varint -> f64
  float_real,
  double_real,
  text,       // length and bytes -> view
  fixed,      // `size` bytes -> view
  symbol,     // varint -> view of a symbol: enumerations[first]
  decimal64,  // length and bytes, or `size` bytes -> i64, same scale
  decimal,    // any other: decimals[first]
  list,       // array or map: lists[first]
  choice,     // union: choices[first]
  fill,       // nothing read: values[first]
  refuse,     // bad: reasons[first]
};

constexpr uint8_t kNeverNull = 2;
constexpr uint32_t kLengthFirst = UINT32_MAX;  // as a size: the length stands in front

struct Step {
  Op op = Op::skip;
  uint8_t null_branch = kNeverNull;  // of ["null", T]: which branch is null
  int slot = -1;
  uint32_t place = 0;  // its path in places
  uint32_t size = kLengthFirst;
  uint32_t first = 0;
  uint32_t count = 0;
};

using Steps = std::vector<Step>;

enum class Skip : uint8_t { varints, texts, bytes, nullable_varint, nullable_text, nullable_bytes, other };

struct SkipPart {
  Skip what = Skip::other;
  uint8_t null_branch = kNeverNull;
  uint32_t count = 0;  // of varints, texts or bytes
  uint32_t place = 0;
  const AvroType* type = nullptr;  // other
};

struct EnumPart {
  std::vector<BytesView> symbols;  // by the writer's number; a null view is a symbol the reader does not know
};

struct DecimalPart {
  int from_scale = 0;
  int to_scale = 0;
  int precision = 0;
};

struct ListPart {
  Steps steps;               // of one element
  size_t element_bytes = 0;  // at least
};

struct ChoicePart {
  struct Branch {
    bool null = false;
    Steps steps;
    std::vector<int> blanks;  // slots that are null when this branch is taken
  };
  std::vector<Branch> branches;
};

struct Plan {
  AvroSchemaPtr writer;  // kept alive for symbols and types
  AvroSchemaPtr reader;
  Steps steps;
  std::vector<SkipPart> skips;
  std::vector<EnumPart> enumerations;
  std::vector<DecimalPart> decimals;
  std::vector<ListPart> lists;
  std::vector<ChoicePart> choices;
  std::vector<Value> values;
  std::vector<std::string> reasons;
  std::vector<std::string> places;
};

// How `writer` fills the slots. `reader`, if any, gives aliases, defaults and known symbols. `wrapped`: the
// columns are fields of a record; else the one column is the whole value. What cannot be read makes its rows
// bad, not the plan.
std::shared_ptr<const Plan> resolve(const AvroSchemaPtr& writer, const AvroSchemaPtr& reader,
                                    const Slots& slots, bool wrapped);

// The fewest bytes a value of the type has.
size_t least_bytes(const AvroType& type);

// The value of a default; REQUIRES check_default() to have passed for it.
Value value_of_default(const AvroType& type, const Json& json, const Type& sql);

}  // namespace tradewind::schema::avro
