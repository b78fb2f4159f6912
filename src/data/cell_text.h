#pragma once
// Cell text: rows as lines of cells, for tests and tools: "books  00:01:00  'two  words'  null". Cells stand
// two or more blanks apart; quotes hold anything; # begins a comment.
//
// Pure functions. Nested values are written [1, 2], {A=1} and {'key'=1}.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "data/value.h"

namespace tradewind {

// The cells of a line, quotes still on them; none for an empty line or a comment.
std::vector<std::string> cells_of(std::string_view line);

// What a cell says, as a value of the type; nothing when it says no such value. BIGINT and TIMESTAMP also
// take times: "00:01:00.5" is on 1970-01-01.
std::optional<Value> value_of_cell(const Type& type, std::string_view cell);

// A value as a cell that value_of_cell reads back.
std::string cell_text(const Type& type, const Value& value);

// Lines of cells under each other.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

// "00:01:00.5" on 1970-01-01, or ISO 8601 with a date.
std::optional<Timestamp> time_of_cell(std::string_view cell);

}  // namespace tradewind
