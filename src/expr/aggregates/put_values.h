#pragma once
// Values <-> results and bytes, for aggregates that keep whole values.

#include <span>

#include "base/bytes.h"
#include "data/value.h"

namespace tradewind::expr {

// Writes values into rows [from, from + values.size()) of a column that has room for them. REQUIRES from 0
// and all rows for nested types.
void put_values(std::span<const Value> values, Column& out, size_t from);

// Self-delimiting, nulls and nested types included.
void save_value(const Type& type, const Value& value, Bytes& out);
bool load_value(const Type& type, BytesView& in, Value& value);
size_t bytes_of(const Value& value);  // about what it takes in memory

}  // namespace tradewind::expr
